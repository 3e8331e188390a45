//! Why a block is not committed.
//!
//! Invariant: these are not verdicts. A block with an invalid transaction is committed.

use crate::fatal::Fatal;
use wasmcc_ledger::LedgerError;
use wasmcc_types::ChannelId;

/// The committer's errors.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The block does not continue the chain or contradicts its header. Nothing has changed.
    #[error(transparent)]
    Block(LedgerError),
    /// A block without transactions was requested.
    #[error("a block needs at least one transaction")]
    EmptyBlock,
    /// This machine failed, and the committer must not wait until it works again.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The committer was stopped.
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
