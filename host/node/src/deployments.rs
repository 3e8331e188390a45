//! Reacts to new blocks: to the definitions and approvals in them.
//!
//! Invariant: no chaincode is released while the definitions of a channel cannot be read.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::indexes::{IndexCreator, unknown};
use crate::running::{RunningChaincodes, RunningError};
use crate::snapshots::Snapshots;
use wasmcc_channel::Channels;
use wasmcc_committer::{Approvals, DeployListener};
use wasmcc_ledger::Ledger;
use wasmcc_peer::chaincode::ChaincodeSupport;

/// Creates indexes, releases chaincodes that no channel runs any more, and has snapshots made.
pub(crate) struct Deployments {
    pub indexes: IndexCreator,
    pub running: RunningChaincodes,
    pub channels: Arc<Channels>,
    pub support: Arc<ChaincodeSupport>,
    pub snapshots: Arc<Snapshots>,
}

impl Deployments {
    fn retire(&self) {
        match self.wanted() {
            Ok(wanted) => self.support.retire(|ccid| wanted.contains(ccid)),
            Err(error) => {
                tracing::warn!(%error, "chaincodes that were replaced stay in memory");
            }
        }
    }

    /// Returns the ids of all chaincodes that the channels run.
    fn wanted(&self) -> Result<BTreeSet<String>, RunningError> {
        let mut wanted = BTreeSet::new();
        for channel in self.channels.ids().iter().filter_map(|id| self.channels.get(id)) {
            let ledger = channel.ledger();
            for name in self.running.names(ledger)? {
                wanted.extend(self.running.packages(ledger, &name)?);
            }
        }
        Ok(wanted)
    }
}

impl DeployListener for Deployments {
    fn deployed(&self, ledger: &Arc<Ledger>, chaincode: &str) {
        self.indexes.deployed(ledger, chaincode);
        // Read the chaincodes of all channels only if one of them may have been replaced.
        if !matches!(self.running.is_first(ledger, chaincode), Ok(true)) {
            self.retire();
        }
    }

    fn approved(&self, ledger: &Arc<Ledger>, approvals: &Approvals) {
        match self.running.approved(ledger, approvals) {
            Ok(names) if names.is_empty() => {}
            Ok(names) => {
                names.iter().for_each(|name| self.indexes.deployed(ledger, name));
                self.retire();
            }
            Err(error) => unknown(ledger, &error),
        }
    }
    fn committed(&self, ledger: &Arc<Ledger>, number: u64) {
        self.snapshots.committed(ledger, number);
    }
}
