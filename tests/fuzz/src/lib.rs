//! What the fuzz targets make of a fuzzer's bytes.
//!
//! Invariant: no rules in here; what must hold is in `wasmcc_protocol::promises` and
//! `wasmcc_committer::hostile`.

mod input;
mod port;

pub use input::Input;
pub use port::vscc;
