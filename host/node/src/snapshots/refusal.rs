//! Refusals of requests for snapshots.
//!
//! Does not decide whether a request is refused.

use crate::snapshots::queue::MOST;
use wasmcc_ledger::LedgerError;

/// The reason why a request is refused. The texts are Fabric's, where Fabric has one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefusal {
    /// The peer has not joined the channel.
    #[error("cannot find ledger for channel {0}")]
    NoChannel(String),
    /// A later block has already been committed.
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
    /// The snapshot exists.
    #[error("snapshot already generated for block number {0}")]
    Exists(u64),
    /// It is already requested.
    #[error("duplicate snapshot request for block number {0}")]
    Duplicate(u64),
    /// There is no such request to cancel.
    #[error("no snapshot request exists for block number {0}")]
    Unknown(u64),
    /// The snapshot is being made.
    #[error("cannot cancel the snapshot request because it is under processing")]
    Running,
    /// Too many requests wait.
    #[error("{MOST} requests for snapshots of channel {0} wait already: cancel some of them")]
    TooMany(String),
    /// The list of requests cannot be written.
    #[error(transparent)]
    NotKept(#[from] LedgerError),
}
