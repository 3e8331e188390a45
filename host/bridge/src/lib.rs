//! Serves real Fabric peers: components behind the chaincode protocol over gRPC.
//!
//! A peer dials [`ChaincodeServer`] (chaincode as a service), or [`PeerClient`] dials a peer
//! (external builder). Either way a [`Session`] drives one stream: each transaction is a task, in
//! which [`StreamBackend`] turns what the guest asks into requests and waits for the answers.
//!
//! A transaction that ends as it may not end on another machine (its stack or its time is used up,
//! there is no room for it) ends with ERROR, like any other: the protocol has nothing else. To whom
//! it was submitted that is no endorsement. But a chaincode that called it is answered by its peer,
//! and may go on. The embedded peer knows such ends by their texts and endorses nothing that they
//! are part of; Fabric's peer cannot.
//!
//! Invariant: no ledger and no endorsement. What a transaction means is the peer's business; here
//! are only messages, tasks and sockets.

mod answers;
mod budget;
mod client;
mod error;
mod pace;
mod program;
mod refusal;
mod server;
mod session;
mod stop;
mod stream_backend;
mod write_batch;

#[cfg(test)]
mod session_tests;

pub use budget::MessageBudget;
pub use client::{PeerAddress, PeerClient};
pub use error::BridgeError;
pub use program::{Program, ProgramConfig};
pub use server::{ChaincodeServer, ServerConfig};
pub use session::{Session, StreamBounds};
pub use stop::{Stop, StopHandle};
pub use stream_backend::{Ask, Asked, StreamBackend};
