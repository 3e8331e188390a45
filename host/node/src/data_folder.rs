//! The owner of a data folder: a record beside the ledger, so that the peer of another organization
//! or network does not use the folder.
//!
//! ```text
//! <data>/identity.json   the organization, and the hashes of the root certificates of all of its
//!                        network by MSP id
//! ```
//!
//! Invariant: the record is written once and never changed. A folder of an earlier version has none
//! and gets it when a peer opens the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::local_orgs::LocalOrgs;
use wasmcc_channel::Channels;
use wasmcc_msp::Network;
use wasmcc_types::sha256;

const RECORD: &str = "identity.json";

/// The owner of a data folder.
#[derive(Debug, Deserialize, Serialize)]
struct FolderOwner {
    /// The MSP id of the peer's organization.
    org: String,
    /// Hashes of root certificates by MSP id.
    network: BTreeMap<String, BTreeSet<String>>,
}

/// Returns the MSP id of the organization whose peer made the data folder `path`; None if the
/// folder does not say.
pub fn folder_org(path: &Path) -> Option<String> {
    let record = fs::read(path.join(RECORD)).ok()?;
    serde_json::from_slice::<FolderOwner>(&record).ok().map(|identity| identity.org)
}

/// A data folder and the peer that opens it.
pub(super) struct DataFolder {
    path: PathBuf,
    identity: FolderOwner,
    is_recorded: bool,
}

/// Why a peer does not use a data folder.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// The record cannot be read or written.
    #[error("cannot {action} {}", file.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The record.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record is not what peers write.
    #[error("{} does not parse", file.display())]
    Record {
        /// The record.
        file: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// It belongs to the peer of another organization.
    #[error(
        "the data folder {} belongs to the peer of {owner}, and this is the peer of {own}: name \
         another folder with --data",
        folder.display()
    )]
    OtherPeer {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        owner: String,
        /// The organization of this peer.
        own: String,
    },
    /// It belongs to a peer of another network that has an organization of the same name.
    #[error(
        "the data folder {} belongs to another network, of {}, in which {owner} has other root \
         certificates: name another folder with --data, or that network with --network",
        folder.display(), orgs.join(", ")
    )]
    OtherNetwork {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        owner: String,
        /// The organizations of the other network.
        orgs: Vec<String>,
    },
    /// As `OtherNetwork`, for a folder without a record, by its channels.
    #[error(
        "the data folder {} belongs to another network: its channels have an organization {org} \
         with other root certificates: name another folder with --data",
        folder.display()
    )]
    OtherChannels {
        /// The folder.
        folder: PathBuf,
        /// The organization of this peer.
        org: String,
    },
}

impl DataFolderError {
    fn io(action: &'static str, file: &Path, source: io::Error) -> Self {
        Self::Io { action, file: file.to_owned(), source }
    }
}

impl DataFolder {
    /// Reads the record of the folder `path`, before anything is written there. `orgs` are the MSP
    /// ids of the organizations with a peer in this process, the first one first.
    ///
    /// Errors: the folder belongs to another organization, or to one that has other root
    /// certificates in `network`.
    pub(super) fn check(
        path: &Path,
        network: &Network,
        orgs: &[String],
    ) -> Result<Self, DataFolderError> {
        let known = network.orgs().iter().map(|org| {
            let roots = org.msp_config().root_certs.iter();
            let hashes =
                roots.map(|root| sha256(root).iter().map(|b| format!("{b:02x}")).collect());
            (org.msp_id().to_owned(), hashes.collect())
        });
        let identity = FolderOwner {
            org: orgs.first().cloned().unwrap_or_default(),
            network: known.collect(),
        };
        let file = path.join(RECORD);
        let recorded = match fs::read(&file) {
            // If the path is not a folder, opening the ledgers reports it.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                None
            }
            read => Some(read.map_err(|source| DataFolderError::io("read", &file, source))?),
        };
        if let Some(recorded) = &recorded {
            let recorded: FolderOwner = serde_json::from_slice(recorded)
                .map_err(|source| DataFolderError::Record { file: file.clone(), source })?;
            compare(path, &recorded, &identity, orgs)?;
        }
        Ok(Self { path: path.to_owned(), identity, is_recorded: recorded.is_some() })
    }

    /// Writes the record, unless there is one. The folder must exist, and have `channels`.
    ///
    /// Errors: the folder has no record, and its channels know the organization with other
    /// certificates.
    pub(super) fn adopt(
        &self,
        channels: &Channels,
        orgs: &LocalOrgs,
    ) -> Result<(), DataFolderError> {
        if self.is_recorded {
            return Ok(());
        }
        // Channels without the organization may have been imported.
        let known = channels.ids().into_iter().filter_map(|id| {
            let msps = Arc::clone(channels.get(&id)?.config().msps());
            msps.msp(&self.identity.org)?;
            let signer = orgs.signers().remove(&self.identity.org)?;
            Some(msps.deserialize(signer.serialized()).is_ok())
        });
        if known.reduce(|one, other| one || other) == Some(false) {
            let (folder, org) = (self.path.clone(), self.identity.org.clone());
            return Err(DataFolderError::OtherChannels { folder, org });
        }
        self.record()
    }

    fn record(&self) -> Result<(), DataFolderError> {
        let file = self.path.join(RECORD);
        let written = || -> io::Result<()> {
            let json = serde_json::to_vec_pretty(&self.identity)?;
            let mut new = tempfile::NamedTempFile::new_in(&self.path)?;
            new.write_all(&json)?;
            new.as_file().sync_all()?;
            new.persist(&file)?;
            fs::File::open(&self.path)?.sync_all()
        };
        written().map_err(|source| DataFolderError::io("write", &file, source))
    }
}

fn compare(
    path: &Path,
    recorded: &FolderOwner,
    now: &FolderOwner,
    orgs: &[String],
) -> Result<(), DataFolderError> {
    let org = &recorded.org;
    let (folder, owner) = (path.to_owned(), org.clone());
    if !orgs.contains(org) {
        return Err(DataFolderError::OtherPeer { folder, owner, own: now.org.clone() });
    }
    let roots = |identity: &FolderOwner| identity.network.get(org).cloned().unwrap_or_default();
    if roots(recorded).is_disjoint(&roots(now)) {
        let orgs = recorded.network.keys().cloned().collect();
        return Err(DataFolderError::OtherNetwork { folder, owner, orgs });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use wasmcc_msp::NetworkSpec;

    fn check(path: &Path, network: &Network, orgs: &[&str]) -> Result<DataFolder, DataFolderError> {
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
