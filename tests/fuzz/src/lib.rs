//! Conversion of a fuzzer's bytes for the fuzz targets.
//!
//! Invariant: it contains no rules; they are in `wasmcc_protocol::promises` and
//! `wasmcc_committer::hostile`.

mod input;
mod port;

pub use input::Input;
pub use port::vscc;
