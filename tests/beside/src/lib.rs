//! Nothing is here: see `benches/sandboxes.rs`.
