//! Failures of this machine that keep it from judging or committing a block. This list is complete:
//! anything else in a block or in the state leads to a verdict.
//!
//! Invariant: the data of clients cannot cause these failures. Only the ledger makes a
//! [`MachineFailure`], and never because of data that a client wrote.

use wasmcc_ledger::MachineFailure;

/// A failure of this machine. The block is tried again until it works; see `commit`.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The disk, the database, or this program's files failed. Without them a block can be neither
    /// judged nor stored.
    #[error(transparent)]
    Ledger(#[from] MachineFailure),
    /// The validator of endorsements could not be called, or could not read the ledger. A verdict
    /// without it might differ from that of other peers.
    #[error(
        "the endorsements of transaction {tx_id} could not be validated for {namespace}: {reason}"
    )]
    Validator {
        /// The transaction.
        tx_id: String,
        /// The namespace that it writes.
        namespace: String,
        /// The validator's error.
        reason: String,
    },
    /// The commit of a block panicked, but not while judging a single transaction. The ledger may
    /// be inconsistent; opening it again repairs it.
    #[error("the commit of block {number} panicked")]
    Panicked {
        /// The block.
        number: u64,
    },
}
