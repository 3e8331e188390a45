//! Chaincodes in other processes: Go, Node, Java or Rust programs behind Fabric's chaincode
//! protocol.
//!
//! Either the program connects to this peer, or the peer connects to the program. From REGISTER on,
//! both are the same. The task that executes a transaction answers its requests, from the same view
//! of the transaction that a component has. No thread waits for the program.
//!
//! Does not know the transport. A stream is an [`Outbox`] in one direction and
//! [`ExternalStream::receive`] in the other.

mod dialed;
mod error;
mod outgoing;
mod program;
mod requests;

use std::time::Duration;

use tokio::sync::mpsc;

use crate::chaincode::package::DialTarget;
use wasmcc_protocol::BatchLimits;
use wasmcc_types::proto::protos::ChaincodeMessage;

pub(super) use dialed::dial;
pub(super) use error::RegistrationError;
pub use error::{Congested, DialError, OtherChaincode};
pub use program::ExternalStream;
pub(super) use program::{ExternalProgram, Owner, Registrar, RunError};
pub(super) use requests::{Over, Requests};

/// Messages for a chaincode. Dropping it ends the stream after the messages in it. A transaction
/// for which it has no room is refused.
pub type Outbox = mpsc::Sender<ChaincodeMessage>;

/// How chaincodes in other processes are run.
#[derive(Clone, Debug)]
pub struct ExternalConfig {
    /// Development mode: any chaincode may connect, under any id.
    pub dev: bool,
    /// A chaincode on this machine may connect without a proof of its identity.
    pub trust_local: bool,
    /// How long a transaction waits for a chaincode that is not connected.
    pub connect_wait: Duration,
    /// Interval of keepalive messages; none: no messages.
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
pub type OpenStream = Box<dyn FnOnce(Outbox) -> ExternalStream + Send>;

/// Called with the reason if there is no connection.
pub type DialFailed = Box<dyn FnOnce(String) + Send>;

/// Ends a connection, or the attempt to connect, when no caller waits for it any more.
pub type AbortDial = Box<dyn FnOnce() + Send>;

/// Connects to chaincode servers (`protos.Chaincode/Connect`).
pub trait Dialer: Send + Sync {
    /// Starts to connect, with the target's time limit, and returns at once. Calls `open` when
    /// there is a connection, and drives that stream until it ends; calls `failed` if there is
    /// none.
    fn dial(&self, connection: &DialTarget, open: OpenStream, failed: DialFailed) -> AbortDial;
}
