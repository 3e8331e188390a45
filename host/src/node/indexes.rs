//! Gives channels the indexes of the chaincodes that they run and this peer has. Fabric:
//! `cceventmgmt/mgr.go`.
//!
//! Invariant: whichever comes last, install or definition, brings the indexes.

use std::sync::Arc;

use crate::chaincode::{Found, PackageError, Packages, ccid, create_indexes, defined_names};
use crate::channel::Channels;
use crate::committer::DeployListener;
use crate::ledger::Ledger;
use crate::syscc::defined_version;

/// Looks for the package of a definition.
pub struct IndexCreator {
    packages: Arc<Packages>,
    /// Whose peers run here.
    orgs: Vec<String>,
}

impl IndexCreator {
    /// Looks among these packages, for those that one of `orgs` has approved.
    pub fn new(packages: Arc<Packages>, orgs: Vec<String>) -> Self {
        Self { packages, orgs }
    }

    /// For everything that the channels run, when a peer opens: whatever was interrupted, and
    /// packages that came while their channel was away.
    pub fn catch_up(&self, channels: &Channels) {
        for channel in channels.ids().iter().filter_map(|id| channels.get(id)) {
            let ledger = channel.ledger();
            if let Err(error) = ledger.finish_indexes() {
                tracing::error!(channel = %ledger.channel_id(), %error, "indexes are not built");
            }
            let snapshot = ledger.snapshot();
            let chaincodes = snapshot.range("lscc", "", "").flatten().map(|(name, _)| name);
            let chaincodes = chaincodes.filter(|name| !name.contains('~'));
            let defined = defined_names(&snapshot).unwrap_or_default();
            for name in chaincodes.chain(defined) {
                self.deployed(ledger, &name);
            }
        }
    }

    /// The package that runs as a chaincode; none if it is not here.
    fn package_id(&self, ledger: &Arc<Ledger>, chaincode: &str) -> Option<String> {
        let snapshot = ledger.snapshot();
        let approvable = self.packages.approvable().ok()?;
        let found = self.orgs.iter().find_map(|org| {
            Found::read(chaincode, &snapshot, org, &approvable).ok()?.map(|found| found.package_id)
        });
        match found {
            Some(package_id) => package_id,
            None => Some(ccid(chaincode, &defined_version(ledger, chaincode)?)),
        }
    }
}

impl DeployListener for IndexCreator {
    fn deployed(&self, ledger: &Arc<Ledger>, chaincode: &str) {
        let Some(id) = self.package_id(ledger, chaincode) else { return };
        match self.packages.meta_inf(&id) {
            Ok(files) => create_indexes(ledger, chaincode, &files),
            Err(PackageError::NotInstalled(_)) => {}
            Err(error) => tracing::error!(chaincode, %error, "no indexes created"),
        }
    }
}
