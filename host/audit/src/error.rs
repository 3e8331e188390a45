//! Why a channel cannot be followed.

use std::io;

use wasmcc_channel::ChannelError;
use wasmcc_ledger::LedgerError;
use wasmcc_peer::chaincode::StandInError;
use wasmcc_runtime::RuntimeError;

/// Why an audit or a replay ends early. What is wrong with transactions is in reports.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A block does not continue the chain, or judging it leads to other verdicts. The state after
    /// it is unknown.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The channel's configuration cannot be read.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A component.
    #[error(transparent)]
    Component(#[from] StandInError),
    /// Signatures could not be judged for a reason of this machine.
    #[error(transparent)]
    Commit(#[from] wasmcc_committer::CommitError),
    /// A system chaincode could not be registered.
    #[error("cannot register system chaincode: {0}")]
    System(String),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A block of the source is not the one that was audited.
    #[error(
        "block {number} is not the one that was audited before, its {part}: the blocks are of \
         another chain, or their past was changed"
    )]
    OtherBlock {
        /// The number in the audited chain.
        number: u64,
        /// What differs, with its verb.
        part: &'static str,
    },
    /// There is no transaction at this place.
    #[error("block {block} has no transaction {tx}")]
    NoTransaction {
        /// The block.
        block: u64,
        /// Its place.
        tx: u64,
    },
}
