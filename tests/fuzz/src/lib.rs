//! The host's own modules below the fuzz targets, and what the targets make of a fuzzer's bytes.
//!
//! Invariant: no rules of the protocol in here; what must hold is in `protocol::promises`.
#![allow(dead_code)]

#[path = "../../../host/src/proto/mod.rs"]
pub mod proto;
#[path = "../../../host/src/protocol/mod.rs"]
pub mod protocol;
#[path = "../../../host/src/types/mod.rs"]
pub mod types;

mod input;

pub use input::Input;
