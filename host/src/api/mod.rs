//! Fabric's gRPC services in front of a peer: Endorser and Gateway.
//!
//! Invariant: converts and delegates, decides nothing. What a peer can do is the trait [`Peer`];
//! who may do it, and what comes of it, is decided behind that.

mod chaincode_events;
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

pub use peer::{CommitStatus, OrderError, Peer};
pub use server::{Server, ServerConfig};
pub use shutdown::shutdown_signal;
