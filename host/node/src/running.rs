//! The chaincodes that channels run, and their packages on this peer.

use std::collections::BTreeSet;
use std::sync::Arc;

#[cfg(feature = "server")]
use wasmcc_api::RunningChaincode;
use wasmcc_committer::Approvals;
use wasmcc_ledger::{Ledger, LedgerError};
use wasmcc_peer::chaincode::{
    FoundDefinition, FoundError, PackageError, PackageStore, ccid, defined_names,
};
use wasmcc_peer::syscc::defined_version;
use wasmcc_types::{LSCC, sha256};

/// Looks up definitions in the current state.
#[derive(Clone)]
pub(crate) struct RunningChaincodes {
    packages: Arc<PackageStore>,
    /// The organizations with a peer in this process.
    orgs: Vec<String>,
}

/// The reason why the chaincodes of a channel are unknown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunningError {
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] LedgerError),
    /// A definition of `_lifecycle` cannot be read.
    #[error(transparent)]
    Definition(#[from] FoundError),
    /// The packages of this peer cannot be listed.
    #[error(transparent)]
    Packages(#[from] PackageError),
}

impl RunningChaincodes {
    /// Returns the packages of this peer.
    #[cfg(feature = "server")]
    pub(crate) fn store(&self) -> &PackageStore {
        &self.packages
    }

    /// Makes a look-up of packages that one of `orgs` has approved or that LSCC runs.
    pub(crate) fn new(packages: Arc<PackageStore>, orgs: Vec<String>) -> Self {
        Self { packages, orgs }
    }

    /// Returns the names of the chaincodes that a channel defines.
    pub(crate) fn names(&self, ledger: &Arc<Ledger>) -> Result<BTreeSet<String>, RunningError> {
        let snapshot = ledger.snapshot();
        let mut names = BTreeSet::from_iter(defined_names(&snapshot)?);
        for row in snapshot.range(LSCC, "", "") {
            let (name, _) = row?;
            // The key `name~collection` contains collections.
            if !name.contains('~') {
                names.insert(name);
            }
        }
        Ok(names)
    }

    /// Returns the chaincodes that the peer of an organization runs on a channel, with the versions
    /// that Fabric's discovery returns. For `_lifecycle` that is the sequence of the definition,
    /// which grows with each change.
    #[cfg(feature = "server")]
    pub(crate) fn versions(
        &self,
        ledger: &Arc<Ledger>,
        org: &str,
    ) -> Result<Vec<RunningChaincode>, RunningError> {
        let mut versions = Vec::new();
        for name in self.names(ledger)? {
            // Entries that are not chaincodes, or cannot be read, count as not running.
            let found = self.found(ledger, &name).unwrap_or_default();
            let of_lifecycle = !found.is_empty();
            let own =
                found.into_iter().find(|(of, found)| *of == org && found.package_id.is_some());
            let version = match own {
                Some((_, found)) => Some(found.definition.sequence.to_string()),
                None if of_lifecycle => None,
                None => defined_version(ledger, &name)
                    .filter(|version| self.packages.seal(&name, version).is_ok()),
            };
            versions.extend(version.map(|version| RunningChaincode { name, version }));
        }
        Ok(versions)
    }

    /// Returns the ids under which the chaincode is launched. Each organization may have chosen a
    /// different package.
    pub(crate) fn packages(
        &self,
        ledger: &Arc<Ledger>,
        chaincode: &str,
    ) -> Result<BTreeSet<String>, RunningError> {
        let found = self.found(ledger, chaincode)?;
        if found.is_empty() {
            let version = defined_version(ledger, chaincode);
            return Ok(version.map(|version| ccid(chaincode, &version)).into_iter().collect());
        }
        Ok(found.into_iter().filter_map(|(_, found)| found.package_id).collect())
    }

    /// Returns true if the channel defines this chaincode for the first time, so that it replaces
    /// none.
    pub(crate) fn is_first(
        &self,
        ledger: &Arc<Ledger>,
        chaincode: &str,
    ) -> Result<bool, RunningError> {
        let Some((_, found)) = self.found(ledger, chaincode)?.into_iter().next() else {
            return Ok(ledger.history(LSCC, chaincode)?.take(2).count() == 1);
        };
        Ok(found.definition.sequence == 1 && defined_version(ledger, chaincode).is_none())
    }

    /// Returns the chaincodes of the channel that one of `orgs` has approved in this block. Only
    /// the hashes of the keys of approvals are public, so they are compared for each chaincode.
    pub(crate) fn approved(
        &self,
        ledger: &Arc<Ledger>,
        approvals: &Approvals,
    ) -> Result<Vec<String>, RunningError> {
        let mut approved = Vec::new();
        if !self.orgs.iter().any(|org| approvals.contains_key(org)) {
            return Ok(approved);
        }
        for name in defined_names(&ledger.snapshot())? {
            // Definitions that are not chaincodes, or cannot be read, have no approvals.
            let found = self.found(ledger, &name).unwrap_or_default();
            let is_new = |(org, found): &(&str, FoundDefinition)| {
                let written = approvals.get(*org);
                let mut keys = found.approval_keys(&name).into_iter();
                written.is_some_and(|written| {
                    keys.any(|key| written.contains(sha256(key.as_bytes()).as_slice()))
                })
            };
            if found.iter().any(is_new) {
                approved.push(name);
            }
        }
        Ok(approved)
    }

    /// Returns the definition in `_lifecycle` for each organization; empty if it does not define
    /// the name.
    fn found(
        &self,
        ledger: &Arc<Ledger>,
        chaincode: &str,
    ) -> Result<Vec<(&str, FoundDefinition)>, RunningError> {
        let snapshot = ledger.snapshot();
        let approvable = self.packages.approvable()?;
        let found = self.orgs.iter().filter_map(|org| {
            let found =
                FoundDefinition::read(chaincode, &snapshot, org, &approvable).transpose()?;
            Some(found.map(|found| (org.as_str(), found)).map_err(RunningError::Definition))
        });
        found.collect()
    }
}
