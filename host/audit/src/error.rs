//! Errors that end an audit or a replay.

use std::io;

use wasmcc_channel::ChannelError;
use wasmcc_ledger::LedgerError;
use wasmcc_peer::chaincode::StandInError;
use wasmcc_runtime::RuntimeError;

/// The error that ended an audit or a replay. Problems of single transactions are in reports.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A block does not continue the chain, or its verdicts differ when it is judged again. The
    /// state after it is unknown.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The channel's configuration cannot be read.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// An error of the runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// An error of a component.
    #[error(transparent)]
    Component(#[from] StandInError),
    /// Signatures could not be checked because of a failure of this machine.
    #[error(transparent)]
    Commit(#[from] wasmcc_committer::CommitError),
    /// A system chaincode could not be registered.
    #[error("cannot register system chaincode: {0}")]
    System(String),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A block of the source differs from the one that was audited.
    #[error(
        "block {number} is not the one that was audited before, its {part}: the blocks belong to \
         another chain, or were changed"
    )]
    OtherBlock {
        /// The number of the block.
        number: u64,
        /// The part that differs, with its verb.
        part: &'static str,
    },
    /// The block has no such transaction.
    #[error("block {block} has no transaction {tx}")]
    NoTransaction {
        /// The block.
        block: u64,
        /// The transaction's index in it.
        tx: u64,
    },
}
