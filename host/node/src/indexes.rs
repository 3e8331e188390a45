//! Gives channels the indexes of the chaincodes that they run and this peer has. Fabric:
//! `cceventmgmt/mgr.go`.
//!
//! Invariant: whichever comes last, install, definition or approval, brings the indexes.

use std::sync::Arc;

use crate::running::Running;
use wasmcc_channel::Channels;
use wasmcc_committer::{Approvals, DeployListener};
use wasmcc_ledger::Ledger;
use wasmcc_peer::chaincode::{PackageError, PackageStore, create_indexes};

/// Looks for the packages of definitions.
pub(crate) struct IndexCreator {
    packages: Arc<PackageStore>,
    running: Running,
}

impl IndexCreator {
    /// Looks among these packages.
    pub(crate) fn new(packages: Arc<PackageStore>, running: Running) -> Self {
        Self { packages, running }
    }

    /// For everything that the channels run, when a peer opens: whatever was interrupted, and
    /// packages that came while their channel was away.
    pub(crate) fn catch_up(&self, channels: &Channels) {
        for channel in channels.ids().iter().filter_map(|id| channels.get(id)) {
            let ledger = channel.ledger();
            if let Err(error) = ledger.finish_indexes() {
                tracing::error!(channel = %ledger.channel_id(), %error, "indexes are not built");
            }
            match self.running.names(ledger) {
                Ok(names) => names.iter().for_each(|name| self.deployed(ledger, name)),
                Err(error) => unknown(ledger, &error),
            }
        }
    }
}

impl DeployListener for IndexCreator {
    fn deployed(&self, ledger: &Arc<Ledger>, chaincode: &str) {
        let packages = match self.running.packages(ledger, chaincode) {
            Ok(packages) => packages,
            Err(error) => return unknown(ledger, &error),
        };
        for id in packages {
            match self.packages.meta_inf(&id) {
                Ok(files) => create_indexes(ledger, chaincode, &files),
                Err(PackageError::NotInstalled(_)) => {}
                Err(error) => tracing::error!(chaincode, %error, "no indexes created"),
            }
        }
    }

    fn approved(&self, ledger: &Arc<Ledger>, approvals: &Approvals) {
        match self.running.approved(ledger, approvals) {
            Ok(names) => names.iter().for_each(|name| self.deployed(ledger, name)),
            Err(error) => unknown(ledger, &error),
        }
    }
}

fn unknown(ledger: &Ledger, error: &str) {
    let channel = ledger.channel_id();
    tracing::error!(%channel, error, "no indexes created, it is not known what the channel runs");
}
