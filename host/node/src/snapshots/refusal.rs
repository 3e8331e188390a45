//! Refusals of requests for snapshots.
//!
//! Does not decide.

use crate::snapshots::queue::MOST;
use wasmcc_ledger::LedgerError;

/// Why a request is refused. The texts are Fabric's, where it has one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefusal {
    /// The peer has not joined the channel.
    #[error("cannot find ledger for channel {0}")]
    NoChannel(String),
    /// The block has been committed, and others after it.
    #[error(
        "requested snapshot for block number {block} cannot be less than the last committed block \
         number {last}"
    )]
    Past {
        /// The requested block.
        block: u64,
        /// The newest one.
        last: u64,
    },
    /// There is one.
    #[error("snapshot already generated for block number {0}")]
    Exists(u64),
    /// It is requested already.
    #[error("duplicate snapshot request for block number {0}")]
    Duplicate(u64),
    /// There is nothing to cancel.
    #[error("no snapshot request exists for block number {0}")]
    Unknown(u64),
    /// It is being made.
    #[error("cannot cancel the snapshot request because it is under processing")]
    Running,
    /// Too many wait.
    #[error("{MOST} requests for snapshots of channel {0} wait already: cancel some of them")]
    TooMany(String),
    /// The list of requests cannot be written.
    #[error(transparent)]
    NotKept(#[from] LedgerError),
}
