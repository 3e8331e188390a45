//! The port for preparing a channel for new chaincode definitions.
//!
//! Invariant: implementations do not change verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wasmcc_ledger::Ledger;

/// The hashes of the keys that blocks write to the collections in which organizations approve
/// chaincodes, by MSP id.
pub type Approvals = BTreeMap<String, BTreeSet<Vec<u8>>>;

/// Called for each block, and for the chaincodes that it defines or approves, before the block is
/// announced.
pub trait DeployListener: Send + Sync {
    /// Called when the channel has a new or changed definition of this chaincode.
    fn deployed(&self, ledger: &Arc<Ledger>, chaincode: &str);

    /// Called when organizations have approved chaincodes or changed their approvals.
    fn approved(&self, ledger: &Arc<Ledger>, approvals: &Approvals);

    /// Called when the block with this number is the newest one of the ledger. It stays the newest
    /// until this returns.
    fn committed(&self, _ledger: &Arc<Ledger>, _number: u64) {}
}
