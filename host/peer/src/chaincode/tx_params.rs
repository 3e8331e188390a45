//! What one transaction carries through all chaincodes that it touches.

use std::sync::{Arc, Mutex};

use wasmcc_ledger::Simulator;
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
    /// What the client signed, taken apart.
    pub proposal: Arc<ProposalContext>,
    /// The MSP id of the organization whose peer simulates.
    pub org: Arc<str>,
    /// None for a proposal to the peer itself, and where Fabric takes none.
    pub simulator: Option<SharedSimulator>,
    /// The work and the time that the transaction has, the chaincodes that it calls included.
    pub meter: Arc<Meter>,
    /// Whose places in the peer it takes.
    pub share: Arc<Share>,
    /// How many chaincode-to-chaincode calls lie above this one.
    pub depth: u32,
}
