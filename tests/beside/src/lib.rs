//! Empty: see `benches/sandboxes.rs`.
