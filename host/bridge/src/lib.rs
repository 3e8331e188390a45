//! Serves components to real Fabric peers, with the chaincode protocol over gRPC.
//!
//! A peer dials [`ChaincodeServer`] (chaincode as a service), or [`PeerClient`] dials a peer
//! (external builder). Either way a [`Session`] drives one stream. Each transaction is a task, in
//! which [`StreamBackend`] turns the guest's calls into requests and waits for the answers.
//!
//! Some failures depend on the machine: the stack, the time or the memory for messages is used up.
//! The protocol has only ERROR for them, as for all other failures. The peer does not endorse such
//! a transaction. But if another chaincode made the call, that chaincode gets an answer and may
//! continue. The embedded peer recognizes such failures by their texts and does not endorse a
//! transaction that contains one. Fabric's peer cannot do that.
//!
//! Does not access the ledger, endorse, or interpret transactions.

mod answers;
mod budget;
mod client;
mod connection;
mod connections;
mod error;
mod outbox;
mod pace;
mod program;
mod refusal;
mod room;
mod server;
mod session;
mod stop;
mod stream_backend;
mod stream_bounds;
mod write_batch;

#[cfg(test)]
mod session_tests;

pub use budget::MessageBudget;
pub use client::{PeerAddress, PeerClient};
pub use error::BridgeError;
pub use program::{Program, ProgramConfig};
pub use server::{ChaincodeServer, ServerConfig};
pub use session::Session;
pub use stop::{Stop, StopHandle};
pub use stream_backend::{Ask, Asked, StreamBackend};
pub use stream_bounds::StreamBounds;
