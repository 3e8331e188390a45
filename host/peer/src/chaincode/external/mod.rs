//! Chaincodes in other processes: Go, Node, Java or Rust programs behind Fabric's chaincode
//! protocol.
//!
//! Either the program connects to this peer, or the peer connects to the program; from REGISTER on,
//! there is no difference. The task that executes a transaction answers the program's requests,
//! from the same view of the transaction that a component has. No thread waits for the program.
//!
//! Does not know the transport: a stream is an [`Outbox`] in one direction and
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

/// Messages for a chaincode. Dropping it ends the stream after these messages. A transaction is
/// refused if its message does not fit.
pub type Outbox = mpsc::Sender<ChaincodeMessage>;

/// Settings of chaincodes in other processes.
#[derive(Clone, Debug)]
pub struct ExternalConfig {
    /// Development mode: any chaincode may connect, under any id.
    pub dev: bool,
    /// A chaincode on this machine may connect without a proof of its identity.
    pub trust_local: bool,
    /// Time limit for a chaincode to connect while a transaction waits for it.
    pub connect_wait: Duration,
    /// Interval of keepalive messages; None: no messages.
    pub keepalive: Option<Duration>,
    /// The batch messages that the peer offers; by default none, as in Fabric 2.5.
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

/// Opens the peer's end of a stream when the connection is established.
pub type OpenStream = Box<dyn FnOnce(Outbox) -> ExternalStream + Send>;

/// Called with the reason if the connection fails.
pub type DialFailed = Box<dyn FnOnce(String) + Send>;

/// Ends a connection, or the attempt to connect, when no caller waits for it any more.
pub type AbortDial = Box<dyn FnOnce() + Send>;

/// Connects to chaincode servers (`protos.Chaincode/Connect`).
pub trait Dialer: Send + Sync {
    /// Starts to connect, with the target's time limit, and returns at once. When the connection is
    /// established, calls `open` and drives that stream until it ends. Otherwise calls `failed`.
    fn dial(&self, connection: &DialTarget, open: OpenStream, failed: DialFailed) -> AbortDial;
}
