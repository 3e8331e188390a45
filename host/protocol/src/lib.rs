//! The chaincode protocol as two pure state machines: [`PeerSide`] is the peer's half of a stream,
//! [`ShimSide`] the chaincode's. A driver calls a `handle_*` method for each event and then does
//! what `poll_action` returns, until it returns None. The driver decides nothing itself. The states
//! are those of Fabric 1.0 (created, established, ready), the rules those of Fabric 2.x.
//!
//! Promises, for any behaviour of the other half:
//! - Every execution that the peer side accepts is finished exactly once.
//! - The peer side answers every request exactly once, unless the stream ends. Then both sides
//!   report that to everyone who waits.
//! - No message about one transaction ends the stream, in either direction. A message that cannot
//!   be read, has an unknown type, comes in the wrong direction or is too large fails only its
//!   transaction.
//! - If the stream repeats no message, every answer and every end reaches its own execution,
//!   although messages do not say which execution of a transaction they belong to.
//!
//! Invariant: no I/O, no clock, no locks, no randomness, no logging. Time is an input:
//! [`PeerSide::handle_timeout`] and [`PeerSide::handle_keepalive_due`]. Does not interpret
//! requests, and does not bound how many transactions run at once; the driver does. Of the
//! transactions that were given up, the last 10,000 are remembered.

mod batch;
mod error;
mod executions;
mod given_up;
mod invocations;
mod message;
mod peer;
mod proposal;
mod request;
mod shim;
mod size_limit;
mod tx_key;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod pair;
#[cfg(test)]
mod pair_faults;
#[cfg(test)]
mod pair_tests;
#[cfg(any(test, fuzzing))]
pub mod promises;
#[cfg(test)]
mod replay;

pub use batch::BatchLimits;
pub use error::ProtocolError;
pub use message::{Completed, InvokeMessage, Message, MessageType};
pub use peer::{PeerAction, PeerSide, RunId, Ticket};
pub use proposal::{ProposalError, context_of_parts, is_nested, proposal_context};
pub use request::{Request, failure_text};
pub use shim::{ShimAction, ShimSide};
pub use size_limit::MESSAGE_BYTES;
pub use tx_key::TxKey;
