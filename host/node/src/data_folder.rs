//! The owner of a data folder: a record beside the ledger, so that the peer of another organization
//! or network does not use the folder.
//!
//! ```text
//! <data>/identity.json   the organization, and the hashes of the root certificates of all of its
//!                        network by MSP id; earlier versions left out the orderer
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
use wasmcc_msp::network::Org;
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
        /// Whose root certificates differ: an organization with a peer here, or the orderer's.
        owner: String,
        /// The organizations with peers of the other network.
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
    /// Returns why the peers of `orgs`, the MSP ids of organizations of `network`, would not open
    /// the data folder `path`; None if its record is missing or says nothing against it.
    pub fn find(path: &Path, network: &Network, orgs: &[String]) -> Option<Self> {
        DataFolder::check(path, network, orgs).err()
    }

    fn io(action: &'static str, file: &Path, source: io::Error) -> Self {
        Self::Io { action, file: file.to_owned(), source }
    }
}

impl DataFolder {
    /// Reads the record of the folder `path`, before anything is written there. `orgs` are the MSP
    /// ids of the organizations with a peer in this process, the first one first.
    ///
    /// Errors: the folder belongs to another organization; or one of `orgs` or the orderer's
    /// organization has other root certificates in `network` than in the record.
    pub(super) fn check(
        path: &Path,
        network: &Network,
        orgs: &[String],
    ) -> Result<Self, DataFolderError> {
        let known = network.orgs().iter().chain(network.orderer()).map(|org| {
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
            let orderer = network.orderer().map(Org::msp_id);
            compare(path, &recorded, &identity, (orgs, orderer))?;
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
    (orgs, orderer): (&[String], Option<&str>),
) -> Result<(), DataFolderError> {
    let owner = &recorded.org;
    if !orgs.contains(owner) {
        let (folder, owner) = (path.to_owned(), owner.clone());
        return Err(DataFolderError::OtherPeer { folder, owner, own: now.org.clone() });
    }
    let roots = |identity: &FolderOwner, org: &str| identity.network.get(org).cloned();
    let is_other = |org: &&str| {
        let org: &str = org;
        // Only the owner is in every record.
        match roots(recorded, org) {
            None => org == owner,
            Some(then) => then.is_disjoint(&roots(now, org).unwrap_or_default()),
        }
    };
    let others = orgs.iter().map(String::as_str).filter(|org| org != owner).chain(orderer);
    match std::iter::once(owner.as_str()).chain(others).find(is_other) {
        Some(org) => {
            let (folder, owner) = (path.to_owned(), org.to_owned());
            let orgs = recorded.network.keys().filter(|org| Some(org.as_str()) != orderer);
            let orgs = orgs.cloned().collect();
            Err(DataFolderError::OtherNetwork { folder, owner, orgs })
        }
        None => Ok(()),
    }
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

    #[test]
    fn each_organization_of_the_process_and_the_orderer_must_be_the_recorded_one() {
        let dir = tempfile::tempdir().unwrap();
        let spec = NetworkSpec::with_orgs(2);
        let (path, folder) = (dir.path().join("data"), dir.path().join("network"));
        fs::create_dir(&path).unwrap();
        let network = Network::generate(&folder, &spec).unwrap();
        check(&path, &network, &["Org1MSP"]).unwrap().record().unwrap();
        let replaced = |org: &str| {
            fs::rename(folder.join(org), dir.path().join("away")).unwrap();
            let network = Network::complete(&folder, &spec).unwrap();
            fs::remove_dir_all(folder.join(org)).unwrap();
            fs::rename(dir.path().join("away"), folder.join(org)).unwrap();
            network
        };
        let other = replaced("peerOrganizations/org2.example.com");
        assert!(check(&path, &other, &["Org1MSP"]).is_ok(), "it has no peer here");
        let error = check(&path, &other, &["Org1MSP", "Org2MSP"]).err().unwrap().to_string();
        assert!(error.contains("in which Org2MSP has other root certificates"), "{error}");
        let other = replaced("ordererOrganizations/example.com");
        let error = check(&path, &other, &["Org1MSP"]).err().unwrap().to_string();
        assert!(error.contains("in which OrdererMSP has other root certificates"), "{error}");
        // A record of an earlier version lacks the orderer.
        let file = path.join(RECORD);
        let mut record: FolderOwner = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        record.network.remove("OrdererMSP").unwrap();
        fs::write(&file, serde_json::to_vec(&record).unwrap()).unwrap();
        assert!(check(&path, &other, &["Org1MSP"]).is_ok());
    }
}
