//! Failures of this machine that keep it from judging or committing a block. There are no others:
//! whatever stands in a block or in the state gets a verdict.
//!
//! Invariant: none of these can come from what a client wrote. The ledger alone makes a
//! [`MachineFailure`], and reading what a client wrote is never one.

use wasmcc_ledger::MachineFailure;

/// A failure of this machine. The block is tried again until it works; see `commit`.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The disk, the database, or what this program stored there: without them no block can be
    /// judged or kept.
    #[error(transparent)]
    Ledger(#[from] MachineFailure),
    /// The validator of endorsements could not be asked, or could not read the ledger: a verdict
    /// without it might not be the one of other peers.
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
    /// The commit of a block panicked outside of the judgement of one transaction, which may have
    /// left the ledger half-way; opening it again mends that.
    #[error("the commit of block {number} panicked")]
    Panicked {
        /// The block.
        number: u64,
    },
}
