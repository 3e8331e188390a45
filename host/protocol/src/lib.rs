//! The chaincode protocol as two pure state machines: [`PeerSide`] is the peer's half of a stream,
//! [`ShimSide`] the chaincode's. A driver feeds them with `handle_*` and after each does what
//! `poll_action` says until it says nothing more; it decides nothing itself. The states are those
//! of Fabric 1.0 (created, established, ready), the rules those of Fabric 2.x.
//!
//! Promises, whatever the other half sends:
//! - Every execution that the peer side accepts is finished exactly once.
//! - The peer side answers every request exactly once, unless the stream ends; then both sides say
//!   so to everybody who waits.
//! - Nothing that is sent about one transaction, in either direction, ends the stream: what cannot
//!   be read, is of an unknown type, comes in the wrong direction or is too large fails that
//!   transaction alone.
//! - On a stream that repeats nothing, no answer and no end reaches another execution than its own,
//!   though messages do not say which execution of a transaction they belong to.
//!
//! Invariant: no I/O, no clock, no locks, no randomness, no logging. Time comes in as
//! [`PeerSide::handle_timeout`] and [`PeerSide::handle_keepalive_due`]. What a request means is not
//! known here, only that it waits for an answer. How many transactions run at once is for the
//! driver to bound; of those that were given up the last 10,000 are remembered.

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
