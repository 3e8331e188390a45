//! Which chaincodes channels run, and by which packages of this peer.

use std::collections::BTreeSet;
use std::sync::Arc;

use wasmcc_committer::Approvals;
use wasmcc_ledger::{Ledger, LedgerError};
use wasmcc_peer::chaincode::{
    FoundDefinition, FoundError, PackageError, PackageStore, ccid, defined_names,
};
use wasmcc_peer::syscc::defined_version;
use wasmcc_types::LSCC;
use wasmcc_types::sha256;

/// Looks it up, each time in the state as it is.
#[derive(Clone)]
pub(crate) struct RunningChaincodes {
    packages: Arc<PackageStore>,
    /// Whose peers run here.
    orgs: Vec<String>,
}

/// Why it is not known what a channel runs.
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
    /// For packages that one of `orgs` has approved, or that LSCC runs.
    pub(crate) fn new(packages: Arc<PackageStore>, orgs: Vec<String>) -> Self {
        Self { packages, orgs }
    }

    /// The chaincodes that a channel knows.
    pub(crate) fn names(&self, ledger: &Arc<Ledger>) -> Result<BTreeSet<String>, RunningError> {
        let snapshot = ledger.snapshot();
        let mut names = BTreeSet::from_iter(defined_names(&snapshot)?);
        for row in snapshot.range(LSCC, "", "") {
            let (name, _) = row?;
            // `name~collection` holds collections.
            if !name.contains('~') {
                names.insert(name);
            }
        }
        Ok(names)
    }

    /// What the chaincode is launched by: a package for each organization that chose one, which
    /// need not be the same.
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

    /// The chaincodes that the channel knows and one of `orgs` has approved anew. Of approvals only
    /// the hashes of their keys are public, so those of each chaincode are compared.
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
            // What is no chaincode, or damaged, has no approvals.
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

    /// What `_lifecycle` says, for each organization; nothing if it does not know the name.
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
