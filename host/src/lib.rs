//! wasmcc runs Hyperledger Fabric chaincode as WebAssembly components, in process, in place of
//! container launch.

pub mod chaincode;
pub mod channel;
pub mod client;
pub mod committer;
pub mod endorser;
pub mod ledger;
pub mod msp;
pub mod node;
pub mod proto;
pub mod protocol;
pub mod runtime;
pub mod sandbox;
pub mod syscc;
pub mod types;
pub mod workers;
