//! The port for preparing a channel for new chaincode definitions.
//!
//! Invariant: implementations do not change verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wasmcc_ledger::Ledger;

/// The hashes of the keys that blocks write to the collections in which organizations approve
/// chaincodes, by MSP id.
pub type Approvals = BTreeMap<String, BTreeSet<Vec<u8>>>;

/// Told of each block, and of the chaincodes that it defines or approves, before the block is
/// announced.
pub trait DeployListener: Send + Sync {
    /// The channel has a new or other definition of this chaincode.
    fn deployed(&self, ledger: &Arc<Ledger>, chaincode: &str);

    /// Organizations have approved chaincodes, or changed what they approved.
    fn approved(&self, ledger: &Arc<Ledger>, approvals: &Approvals);

    /// The block of this number is the newest one of the ledger, and stays it until this returns.
    fn committed(&self, _ledger: &Arc<Ledger>, _number: u64) {}
}
