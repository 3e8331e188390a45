//! Why a block is not committed.
//!
//! Invariant: no transaction verdicts. An invalid transaction is data and its block is committed.

use crate::fatal::Fatal;
use wasmcc_ledger::LedgerError;
use wasmcc_types::ChannelId;

/// The committer's errors.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The block does not continue the chain or contradicts its header. Nothing has changed.
    #[error(transparent)]
    Block(LedgerError),
    /// A block of no transactions was asked for.
    #[error("a block needs at least one transaction")]
    EmptyBlock,
    /// This machine failed, and the committer was told not to wait until it works again.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The committer was told to stop.
    #[error("channel {channel} has stopped and takes no more blocks")]
    Stopped {
        /// The channel.
        channel: ChannelId,
    },
}

impl From<LedgerError> for CommitError {
    fn from(error: LedgerError) -> Self {
        match error.into_machine_failure() {
            Ok(failure) => Self::Fatal(failure.into()),
            Err(error) => Self::Block(error),
        }
    }
}
