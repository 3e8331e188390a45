//! Creates the indexes of the chaincodes that channels run and whose packages this peer has.
//! Fabric: `cceventmgmt/mgr.go`.
//!
//! Invariant: indexes are created after the last of install, definition and approval. No block
//! waits for the build of a large index.

use std::sync::Arc;

use crate::index_builder::IndexBuilder;
use crate::running::{RunningChaincodes, RunningError};
use wasmcc_channel::Channels;
use wasmcc_ledger::Ledger;
use wasmcc_peer::chaincode::{PackageError, PackageStore, declare_indexes};

/// Creates indexes from the packages of definitions.
pub(crate) struct IndexCreator {
    packages: Arc<PackageStore>,
    running: RunningChaincodes,
    builder: IndexBuilder,
}

impl IndexCreator {
    /// Makes a creator that uses these packages.
    pub(crate) fn new(packages: Arc<PackageStore>, running: RunningChaincodes) -> Self {
        Self { packages, running, builder: IndexBuilder::default() }
    }

    /// Creates the missing indexes of all channels when a peer opens. Creation may have been
    /// interrupted, or a package may have been installed while its channel was not open.
    pub(crate) fn catch_up(&self, channels: &Channels) {
        for channel in channels.ids().iter().filter_map(|id| channels.get(id)) {
            let ledger = channel.ledger();
            match self.running.names(ledger) {
                Ok(names) => names.iter().for_each(|name| self.declare(ledger, name)),
                Err(error) => unknown(ledger, &error),
            }
            if let Err(error) = ledger.finish_indexes() {
                tracing::error!(channel = %ledger.channel_id(), %error, "indexes are not built");
            }
        }
    }

    /// Creates the missing indexes of a chaincode. Small ones are built when this returns.
    pub(crate) fn deployed(&self, ledger: &Arc<Ledger>, chaincode: &str) {
        self.declare(ledger, chaincode);
        self.builder.build(ledger);
    }

    fn declare(&self, ledger: &Arc<Ledger>, chaincode: &str) {
        let packages = match self.running.packages(ledger, chaincode) {
            Ok(packages) => packages,
            Err(error) => return unknown(ledger, &error),
        };
        for id in packages {
            match self.packages.meta_inf(&id) {
                Ok(files) => declare_indexes(ledger, chaincode, &files),
                Err(PackageError::NotInstalled(_)) => {}
                Err(error) => tracing::error!(chaincode, %error, "no indexes created"),
            }
        }
    }
}

/// Logs that the definitions of a channel cannot be read.
pub(crate) fn unknown(ledger: &Ledger, error: &RunningError) {
    let channel = ledger.channel_id();
    tracing::error!(%channel, %error, "no indexes created: cannot read the channel's definitions");
}
