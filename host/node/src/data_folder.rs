//! Whose data folder it is: a record beside the ledger, so that the peer of another organization or
//! of another network does not go on with it.
//!
//! ```text
//! <data>/identity.json   the organization, and the hashes of the root certificates of all of its
//!                        network by MSP id
//! ```
//!
//! Invariant: the record is made once and never changed; a folder of an earlier version, which has
//! none, gets it when a peer has opened the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::local_orgs::LocalOrgs;
use wasmcc_channel::Channels;
use wasmcc_msp::Network;
use wasmcc_types::sha256;

const RECORD: &str = "identity.json";

/// Who has made a data folder.
#[derive(Debug, Deserialize, Serialize)]
struct Identity {
    /// The MSP id of the peer's organization.
    org: String,
    /// Hashes of root certificates by MSP id.
    network: BTreeMap<String, BTreeSet<String>>,
}

/// Returns the MSP id of the organization whose peer made the data folder `path`; None if the
/// folder does not say.
pub fn folder_org(path: &Path) -> Option<String> {
    let record = fs::read(path.join(RECORD)).ok()?;
    serde_json::from_slice::<Identity>(&record).ok().map(|identity| identity.org)
}

/// A data folder and the peer that wants to use it.
pub(super) struct DataFolder {
    path: PathBuf,
    identity: Identity,
    is_recorded: bool,
}

impl DataFolder {
    /// Looks at the record of the folder `path`, before anything is written there. `orgs` are the
    /// MSP ids of those whose peers run in this process, the first in front.
    ///
    /// Errors: the folder belongs to an organization that is not among them, or that has other
    /// root certificates in `network`.
    pub(super) fn check(path: &Path, network: &Network, orgs: &[String]) -> Result<Self> {
        let known = network.orgs().iter().map(|org| {
            let roots = org.msp_config().root_certs.iter();
            let hashes =
                roots.map(|root| sha256(root).iter().map(|b| format!("{b:02x}")).collect());
            (org.msp_id().to_owned(), hashes.collect())
        });
        let identity =
            Identity { org: orgs.first().cloned().unwrap_or_default(), network: known.collect() };
        let file = path.join(RECORD);
        let recorded = match fs::read(&file) {
            // What is not a folder is named when the ledgers are opened.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                None
            }
            read => Some(read.with_context(|| format!("cannot read {}", file.display()))?),
        };
        if let Some(recorded) = &recorded {
            let recorded: Identity = serde_json::from_slice(recorded)
                .with_context(|| format!("{} does not parse", file.display()))?;
            compare(path, &recorded, &identity, orgs)?;
        }
        Ok(Self { path: path.to_owned(), identity, is_recorded: recorded.is_some() })
    }

    /// Notes whose folder it is, unless that is noted. The folder must be there, with `channels`.
    ///
    /// Errors: the folder has no record, and its channels do not know the peer as one of theirs.
    pub(super) fn adopt(&self, channels: &Channels, orgs: &LocalOrgs) -> Result<()> {
        if self.is_recorded {
            return Ok(());
        }
        // Channels that do not know the organization at all may have been imported.
        let known = channels.ids().into_iter().filter_map(|id| {
            let msps = Arc::clone(channels.get(&id)?.config().msps());
            msps.msp(&self.identity.org)?;
            let signer = orgs.signers().remove(&self.identity.org)?;
            Some(msps.deserialize(signer.serialized()).is_ok())
        });
        if known.reduce(|one, other| one || other) == Some(false) {
            bail!(
                "the data folder {} belongs to another network: its channels have an organization \
                 {} with other root certificates: name another folder with --data",
                self.path.display(),
                self.identity.org
            );
        }
        self.record()
    }

    fn record(&self) -> Result<()> {
        let file = self.path.join(RECORD);
        let json = serde_json::to_vec_pretty(&self.identity)?;
        let written = || -> std::io::Result<()> {
            let mut new = tempfile::NamedTempFile::new_in(&self.path)?;
            new.write_all(&json)?;
            new.as_file().sync_all()?;
            new.persist(&file)?;
            fs::File::open(&self.path)?.sync_all()
        };
        written().with_context(|| format!("cannot write {}", file.display()))
    }
}

fn compare(path: &Path, recorded: &Identity, now: &Identity, orgs: &[String]) -> Result<()> {
    let (path, org) = (path.display(), &recorded.org);
    if !orgs.contains(org) {
        bail!(
            "the data folder {path} belongs to the peer of {org}, and this is the peer of {}: \
             name another folder with --data",
            now.org
        );
    }
    let roots = |identity: &Identity| identity.network.get(org).cloned().unwrap_or_default();
    if roots(recorded).is_disjoint(&roots(now)) {
        let orgs: Vec<&str> = recorded.network.keys().map(String::as_str).collect();
        bail!(
            "the data folder {path} belongs to another network, of {}, in which {org} has other \
             root certificates: name another folder with --data, or that network with --network",
            orgs.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use wasmcc_msp::NetworkSpec;

    fn check(path: &Path, network: &Network, orgs: &[&str]) -> Result<DataFolder> {
        let orgs: Vec<_> = orgs.iter().map(|org| (*org).to_owned()).collect();
        DataFolder::check(path, network, &orgs)
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let new = check(path, &network, &["Org1MSP"]).unwrap();
        assert!(!new.is_recorded);
        new.record().unwrap();
        assert_eq!(fs::metadata(path.join(RECORD)).unwrap().mode() & 0o777, 0o600);

        assert!(check(path, &network, &["Org1MSP"]).unwrap().is_recorded);
        assert!(check(path, &network, &["Org2MSP", "Org1MSP"]).is_ok());
        let error = check(path, &network, &["Org2MSP"]).err().unwrap().to_string();
        assert!(error.contains("belongs to the peer of Org1MSP, and this is the peer of Org2MSP"));
        let other = Network::in_memory(&NetworkSpec::with_orgs(1)).unwrap();
        let error = check(path, &other, &["Org1MSP"]).err().unwrap().to_string();
        assert!(error.contains("belongs to another network, of Org1MSP, Org2MSP"), "{error}");
    }
}
