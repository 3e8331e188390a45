//! Fabric's gRPC services in front of a peer: Endorser, Gateway and ChaincodeSupport; and the
//! client of chaincode servers.
//!
//! Invariant: converts and delegates, decides nothing. What a peer can do is the trait [`Peer`];
//! who may do it, and what comes of it, is decided behind that.

mod chaincode_dialer;
mod chaincode_events;
mod chaincode_stream;
mod chaincode_support;
mod collecting;
mod deadline;
mod endorser;
mod gateway;
mod peer;
mod routes;
mod server;
mod shutdown;
mod status;
#[cfg(test)]
mod tests;
mod waits;

pub use chaincode_dialer::ChaincodeDialer;
pub use peer::{ChaincodeStream, CommitStatus, OrderError, Peer};
pub use server::{Server, ServerConfig};
pub use shutdown::shutdown_signal;
pub use status::error_details;
