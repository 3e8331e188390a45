//! Why a snapshot that was accepted is not made.
//!
//! Only the log has it: the client has its answer since the request was accepted.

use wasmcc_ledger::LedgerError;

/// Why a snapshot is not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotFailure {
    /// The ledger or its disk.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The organization has no folder for snapshots: its peer is no longer in this process.
    #[error("the peer of {0} is no longer in this process")]
    NoPeer(String),
    /// The channel is gone.
    #[error("the channel {0} is no longer on this peer")]
    NoChannel(String),
    /// The thread panicked, so its trace is in the log.
    #[error("making it panicked")]
    Panicked,
}
