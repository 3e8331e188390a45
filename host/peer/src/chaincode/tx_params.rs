//! The parameters of a transaction, shared by all chaincodes that it calls.

use std::sync::{Arc, Mutex, MutexGuard};

use wasmcc_ledger::{LedgerError, Simulator};
use wasmcc_types::{Meter, ProposalContext, Share, TxId};

/// A simulator, shared by the chaincodes of one transaction on one channel.
pub type SharedSimulator = Arc<Mutex<Simulator>>;

/// One transaction. Cheap to clone.
#[derive(Clone)]
pub struct TxParams {
    /// The channel's name; empty for a proposal to the peer itself.
    pub channel_id: Arc<str>,
    /// The transaction.
    pub tx_id: TxId,
    /// The unpacked proposal.
    pub proposal: Arc<ProposalContext>,
    /// The MSP id of the organization whose peer simulates.
    pub org: Arc<str>,
    /// None for a proposal to the peer itself, and where Fabric uses none.
    pub simulator: Option<SharedSimulator>,
    /// The work and the time of the transaction, including the chaincodes that it calls.
    pub meter: Arc<Meter>,
    /// Its client, chaincode and channel, which have shares of the peer.
    pub share: Arc<Share>,
    /// The number of chaincode-to-chaincode calls around this one.
    pub depth: u32,
}

/// The reason why a transaction cannot use the state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Proposals to the peer itself, to CSCC and to QSCC have no simulator.
    #[error("no ledger context")]
    NoSimulator,
    /// A panic while the simulator was in use may have left a read unrecorded.
    #[error("the simulation ended with a panic")]
    Panicked,
    /// The simulator refused the call, or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl StateError {
    /// Returns true if another peer may succeed.
    pub fn is_of_this_peer(&self) -> bool {
        match self {
            Self::NoSimulator => false,
            Self::Panicked => true,
            Self::Ledger(error) => error.is_of_this_peer(),
        }
    }
}

/// Locks the simulator until the guard is dropped.
pub(crate) fn lock(simulator: &Mutex<Simulator>) -> Result<MutexGuard<'_, Simulator>, StateError> {
    simulator.lock().map_err(|_| StateError::Panicked)
}

impl TxParams {
    /// Locks the simulator until the guard is dropped.
    pub(super) fn simulator(&self) -> Result<MutexGuard<'_, Simulator>, StateError> {
        lock(self.simulator.as_ref().ok_or(StateError::NoSimulator)?)
    }
}
