//! Why a block is not committed.
//!
//! Invariant: no transaction verdicts. An invalid transaction is data and its block is committed.

use crate::ledger::LedgerError;
use crate::types::ChannelId;

/// The committer's errors.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The ledger refuses the block or cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A block of no transactions was asked for.
    #[error("a block needs at least one transaction")]
    EmptyBlock,
    /// What decides about a namespace cannot be read from the state.
    #[error("the definition of chaincode {namespace} cannot be used: {reason}")]
    Definition {
        /// The namespace.
        namespace: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody could say whether a transaction is endorsed well enough.
    #[error(
        "the endorsements of transaction {tx_id} could not be validated for {namespace}: {reason}"
    )]
    Endorsements {
        /// The transaction.
        tx_id: String,
        /// The namespace that it writes.
        namespace: String,
        /// What the validator said.
        reason: String,
    },
    /// The validation of a transaction panicked.
    #[error("the validation of transaction {index} of the block panicked")]
    Panicked {
        /// Its index in the block.
        index: usize,
    },
    /// An earlier block could not be validated or committed, or the committer was told to stop.
    #[error("channel {channel} has stopped and takes no more blocks")]
    Stopped {
        /// The channel.
        channel: ChannelId,
    },
}

impl CommitError {
    /// Whether only the block is to blame. After any other error the channel stops: its ledger may
    /// not have what the block would have given, so no later block can be judged.
    pub(super) fn is_harmless(&self) -> bool {
        match self {
            Self::Ledger(error) => matches!(
                error,
                LedgerError::IncompleteBlock { .. }
                    | LedgerError::BlockNumber { .. }
                    | LedgerError::PreviousHash { .. }
                    | LedgerError::DataHash { .. }
                    | LedgerError::VerdictCount { .. }
            ),
            Self::EmptyBlock => true,
            _ => false,
        }
    }
}
