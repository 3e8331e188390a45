//! Chaincodes in other processes: Go, Node, Java or Rust programs behind Fabric's chaincode
//! protocol.
//!
//! A program either connects to this peer or is connected to by it; from its REGISTER on both are
//! the same. Its transactions are run, and its requests answered, by the thread that executes the
//! transaction, from the same view of it that a component has.
//!
//! Invariant: no transport. A stream is an [`Outbox`] one way and [`ExternalStream::receive`] the
//! other.

mod description;
mod dialed;
mod program;
mod requests;

use std::time::Duration;

use tokio::sync::mpsc;

use crate::proto::protos::ChaincodeMessage;
use crate::protocol::BatchLimits;

pub use description::{Connection, Description};
pub(super) use dialed::dial;
pub use program::ExternalStream;
pub(super) use program::{ExternalProgram, Registrar};
pub(super) use requests::Requests;

/// Where messages for a chaincode go. It is dropped when the stream shall end, after what is in it.
/// Who lets it fill up loses the stream.
pub type Outbox = mpsc::Sender<ChaincodeMessage>;

/// How chaincodes in other processes are run.
#[derive(Clone, Debug)]
pub struct ExternalConfig {
    /// Developer mode: any chaincode may connect, under any id.
    pub dev: bool,
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
            connect_wait: Duration::from_secs(10),
            keepalive: None,
            batch: BatchLimits::default(),
        }
    }
}

/// Opens the peer's end of a stream once there is a connection.
pub type Open = Box<dyn FnOnce(Outbox) -> ExternalStream + Send>;

/// Connects to chaincode servers (`protos.Chaincode/Connect`).
pub trait Dialer: Send + Sync {
    /// Connects and opens a stream, for at most the connection's timeout; gives the reason if that
    /// fails. The stream is driven until it ends, not waited for.
    fn dial(&self, connection: &Connection, open: Open) -> Result<(), String>;
}
