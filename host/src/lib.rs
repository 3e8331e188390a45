//! wasmcc runs Hyperledger Fabric chaincode as WebAssembly components, in process, in place of
//! container launch.

#[cfg(feature = "server")]
pub mod api;
#[cfg(feature = "server")]
pub mod bridge;
pub mod chaincode;
pub mod channel;
#[cfg(feature = "server")]
pub mod cli;
pub mod client;
pub mod collections;
pub mod committer;
pub mod configtx;
pub mod definition;
pub mod endorser;
pub mod ledger;
pub mod msp;
pub mod node;
pub mod proto;
pub mod protocol;
pub mod runtime;
pub mod sandbox;
pub mod syscc;
#[cfg(feature = "server")]
mod tls;
pub mod types;
pub mod workers;
