//! Chaincodes in other processes: Go, Node, Java or Rust programs behind Fabric's chaincode
//! protocol.
//!
//! A program either connects to this peer or is connected to by it; from its REGISTER on both are
//! the same. Its requests are answered by the task that executes the transaction, from the same
//! view of it that a component has. No thread waits for the program.
//!
//! Invariant: no transport. A stream is an [`Outbox`] one way and [`ExternalStream::receive`] the
//! other.

mod dialed;
mod outgoing;
mod program;
mod requests;

use std::time::Duration;

use tokio::sync::mpsc;

use crate::chaincode::package::Connection;
use wasmcc_protocol::BatchLimits;
use wasmcc_types::proto::protos::ChaincodeMessage;

pub(super) use dialed::dial;
pub use program::ExternalStream;
pub(super) use program::{ExternalProgram, Registrar, RunError};
pub(super) use requests::Requests;

/// Where messages for a chaincode go. It is dropped when the stream shall end, after what is in it.
/// A transaction for which it has no room is refused.
pub type Outbox = mpsc::Sender<ChaincodeMessage>;

/// How chaincodes in other processes are run.
#[derive(Clone, Debug)]
pub struct ExternalConfig {
    /// Developer mode: any chaincode may connect, under any id.
    pub dev: bool,
    /// A chaincode on this machine may connect without a proof that it is the one.
    pub trust_local: bool,
    /// How long a transaction waits for a chaincode that is not connected.
    pub connect_wait: Duration,
    /// How often a chaincode is asked whether it is there; none: never.
    pub keepalive: Option<Duration>,
    /// The batch messages that are offered; by default none, as Fabric 2.5 does.
    pub batch: BatchLimits,
}

impl Default for ExternalConfig {
    fn default() -> Self {
        Self {
            dev: false,
            trust_local: false,
            connect_wait: Duration::from_secs(10),
            keepalive: None,
            batch: BatchLimits::default(),
        }
    }
}

/// Opens the peer's end of a stream once there is a connection.
pub type Open = Box<dyn FnOnce(Outbox) -> ExternalStream + Send>;

/// Hears why there is no connection.
pub type Failed = Box<dyn FnOnce(String) + Send>;

/// Ends a connection, or the attempt to connect, that nobody waits for any more.
pub type Abort = Box<dyn FnOnce() + Send>;

/// Connects to chaincode servers (`protos.Chaincode/Connect`).
pub trait Dialer: Send + Sync {
    /// Begins to connect, for at most the connection's timeout, and returns at once. `open` opens
    /// the stream when there is a connection, `failed` is called when there is none. The stream is
    /// driven until it ends.
    fn dial(&self, connection: &Connection, open: Open, failed: Failed) -> Abort;
}
