//! The host's own modules below the fuzz targets, and what the targets make of a fuzzer's bytes.
//!
//! Invariant: no rules in here; what must hold is in `protocol::promises` and
//! `committer::hostile`. Nothing that runs guests is compiled.
#![allow(dead_code, unused_imports)]

#[path = "../../../host/src/channel/mod.rs"]
pub mod channel;
#[path = "../../../host/src/collections/mod.rs"]
pub mod collections;
#[path = "../../../host/src/committer/mod.rs"]
pub mod committer;
#[path = "../../../host/src/configtx/mod.rs"]
pub mod configtx;
#[path = "../../../host/src/definition/mod.rs"]
pub mod definition;
#[path = "../../../host/src/ledger/mod.rs"]
pub mod ledger;
#[path = "../../../host/src/msp/mod.rs"]
pub mod msp;
#[path = "../../../host/src/proto/mod.rs"]
pub mod proto;
#[path = "../../../host/src/protocol/mod.rs"]
pub mod protocol;
/// Of the system chaincodes the one that the committer asks, without a chaincode's life around it.
#[path = "../../../host/src/syscc"]
pub mod syscc {
    pub mod vscc;
}
#[path = "../../../host/src/types/mod.rs"]
pub mod types;

mod input;
mod port;

pub use input::Input;
pub use port::vscc;
