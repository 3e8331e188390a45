//! The owner of a data folder, in a record beside the ledger. It prevents the peer of another
//! organization or network from using the folder.
//!
//! ```text
//! <data>/identity.json   the organization, and the hashes of the root certificates of all of its
//!                        network by MSP id; earlier versions left out the orderer
//! ```
//!
//! An organization may replace its CA. New root certificates are added when a peer opens the folder
//! with a network that still contains old ones. Without old ones, a channel of the folder must have
//! the new ones.
//!
//! Invariant: the record never changes, except that root certificates are added. A folder of an
//! earlier version has no record; it gets one when a peer opens it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use wasmcc_channel::Channels;
use wasmcc_msp::Network;
use wasmcc_msp::network::Org;
use wasmcc_types::sha256;

const RECORD: &str = "identity.json";

/// The owner of a data folder.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct FolderOwner {
    /// The MSP id of the peer's organization.
    org: String,
    /// Hashes of root certificates by MSP id.
    network: BTreeMap<String, BTreeSet<String>>,
}

/// Returns the MSP id of the organization whose peer made the data folder `path`; None without a
/// readable record.
pub fn folder_org(path: &Path) -> Option<String> {
    let record = fs::read(path.join(RECORD)).ok()?;
    serde_json::from_slice::<FolderOwner>(&record).ok().map(|identity| identity.org)
}

/// A data folder and the peer that opens it.
pub(super) struct DataFolder {
    path: PathBuf,
    /// The record, if it exists.
    recorded: Option<FolderOwner>,
    /// The contents for a new record.
    now: FolderOwner,
    /// The organizations of this process, and the orderer's, whose root certificates differ from
    /// those in the record.
    others: Vec<String>,
}

/// The reason why a peer does not use a data folder.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// The record cannot be read or written.
    #[error("cannot {action} {}", file.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The record.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The record was not written by a peer.
    #[error("{} does not parse", file.display())]
    Record {
        /// The record.
        file: PathBuf,
        /// The cause.
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
        /// The organization in the record.
        owner: String,
        /// The organization of this peer.
        own: String,
    },
    /// It belongs to a peer of another network that has an organization of the same name.
    #[error(
        "the data folder {} belongs to another network, of {}, in which {owner} has other root \
         certificates: name another folder with --data, or that network with --network. If \
         {owner} has new ones, update the configuration of a channel of the folder first",
        folder.display(), orgs.join(", ")
    )]
    OtherNetwork {
        /// The folder.
        folder: PathBuf,
        /// The organization whose root certificates differ: one with a peer here, or the orderer's.
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
    /// Returns the reason why the peers of `orgs` would not open the data folder `path`; None if
    /// its record is missing or allows it. `orgs` are MSP ids of organizations of `network`.
    pub fn find(path: &Path, network: &Network, orgs: &[String]) -> Option<Self> {
        match DataFolder::check(path, network, orgs) {
            Ok(folder) => folder.others.first().map(|org| folder.of_other_network(network, org)),
            Err(error) => Some(error),
        }
    }

    fn io(action: &'static str, file: &Path, source: io::Error) -> Self {
        Self::Io { action, file: file.to_owned(), source }
    }
}

impl DataFolder {
    /// Reads the record of the folder `path`, before anything is written there. `orgs` are the MSP
    /// ids of the organizations with a peer in this process, the first one first.
    ///
    /// Errors: the folder belongs to another organization.
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
        let now = FolderOwner {
            org: orgs.first().cloned().unwrap_or_default(),
            network: known.collect(),
        };
        let recorded = read(&path.join(RECORD))?;
        let mut others = Vec::new();
        if let Some(recorded) = &recorded {
            let owner = &recorded.org;
            if !orgs.contains(owner) {
                let (folder, owner) = (path.to_owned(), owner.clone());
                return Err(DataFolderError::OtherPeer { folder, owner, own: now.org });
            }
            let further = orgs.iter().map(String::as_str).filter(|org| org != owner);
            let all = std::iter::once(owner.as_str()).chain(further);
            let all = all.chain(network.orderer().map(Org::msp_id));
            others = all.filter(|org| is_other(recorded, &now, org)).map(str::to_owned).collect();
        }
        Ok(Self { path: path.to_owned(), recorded, now, others })
    }

    /// Writes the record if it is missing or lacks root certificates. The folder must exist;
    /// `channels` are its channels.
    ///
    /// Errors: an organization of this process, or the orderer's, has other root certificates than
    /// the record and all channels.
    pub(super) fn adopt(
        &self,
        network: &Network,
        channels: &Channels,
    ) -> Result<(), DataFolderError> {
        let Some(recorded) = &self.recorded else {
            let org = self.now.org.clone();
            // Channels without the organization may have been imported.
            if is_known(&org, network, channels) == Some(false) {
                return Err(DataFolderError::OtherChannels { folder: self.path.clone(), org });
            }
            return self.record(&self.now);
        };
        let unknown = |org: &&String| is_known(org, network, channels) != Some(true);
        if let Some(org) = self.others.iter().find(unknown) {
            return Err(self.of_other_network(network, org));
        }
        let mut grown = recorded.clone();
        for (org, roots) in &self.now.network {
            let is_same = grown.network.get(org).is_some_and(|then| !then.is_disjoint(roots));
            if is_same || self.others.contains(org) {
                grown.network.entry(org.clone()).or_default().extend(roots.iter().cloned());
            }
        }
        if grown.network == recorded.network { Ok(()) } else { self.record(&grown) }
    }

    /// Returns the error for an organization with other root certificates than in the record.
    fn of_other_network(&self, network: &Network, org: &str) -> DataFolderError {
        let orderer = network.orderer().map(Org::msp_id);
        let recorded = self.recorded.iter().flat_map(|recorded| recorded.network.keys());
        let orgs = recorded.filter(|org| Some(org.as_str()) != orderer).cloned().collect();
        let (folder, owner) = (self.path.clone(), org.to_owned());
        DataFolderError::OtherNetwork { folder, owner, orgs }
    }

    fn record(&self, owner: &FolderOwner) -> Result<(), DataFolderError> {
        let file = self.path.join(RECORD);
        let written = || -> io::Result<()> {
            let json = serde_json::to_vec_pretty(owner)?;
            let mut new = tempfile::NamedTempFile::new_in(&self.path)?;
            new.write_all(&json)?;
            new.as_file().sync_all()?;
            new.persist(&file)?;
            fs::File::open(&self.path)?.sync_all()
        };
        written().map_err(|source| DataFolderError::io("write", &file, source))
    }
}

/// Reads the record from a file; None if there is no file.
fn read(file: &Path) -> Result<Option<FolderOwner>, DataFolderError> {
    let recorded = match fs::read(file) {
        // If the path is not in a folder, opening the ledgers reports it.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        read => read.map_err(|source| DataFolderError::io("read", file, source))?,
    };
    let recorded = serde_json::from_slice(&recorded);
    recorded.map(Some).map_err(|source| DataFolderError::Record { file: file.to_owned(), source })
}

/// Returns true if a channel has a root certificate that the organization has in the network; None
/// if no channel has the organization.
fn is_known(org: &str, network: &Network, channels: &Channels) -> Option<bool> {
    let all = network.orgs().iter().chain(network.orderer());
    let roots = all.filter(|it| it.msp_id() == org).flat_map(|it| &it.msp_config().root_certs);
    let roots: Vec<_> = roots.collect();
    let known = channels.ids().into_iter().filter_map(|id| {
        let config = channels.get(&id)?.config();
        let msp = config.msps().msp(org)?;
        Some(roots.iter().any(|root| msp.has_authority(root)))
    });
    known.reduce(|one, other| one || other)
}

/// Returns true if the current root certificates of an organization differ from the record.
fn is_other(recorded: &FolderOwner, now: &FolderOwner, org: &str) -> bool {
    match (recorded.network.get(org), now.network.get(org)) {
        // The owner is in every record, other organizations may be missing.
        (None, _) => org == recorded.org,
        (Some(then), now) => now.is_none_or(|now| then.is_disjoint(now)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::Arc;

    use super::*;
    use wasmcc_ledger::{LedgerConfig, Ledgers};
    use wasmcc_msp::NetworkSpec;
    use wasmcc_types::ChannelId;

    const ORG2: &str = "peerOrganizations/org2.example.com";
    const ORDERER: &str = "ordererOrganizations/example.com";

    fn check(path: &Path, network: &Network, orgs: &[&str]) -> Result<DataFolder, DataFolderError> {
        let orgs: Vec<_> = orgs.iter().map(|org| (*org).to_owned()).collect();
        DataFolder::check(path, network, &orgs)
    }

    /// Checks the folder and writes its record.
    fn open(
        path: &Path,
        network: &Network,
        orgs: &[&str],
        channels: &Channels,
    ) -> Result<(), String> {
        let opened = check(path, network, orgs).and_then(|folder| folder.adopt(network, channels));
        opened.map_err(|error| error.to_string())
    }

    /// Makes channels, each with the organizations of a network.
    fn channels(networks: &[&Network]) -> Channels {
        let ledgers = Arc::new(Ledgers::temporary(LedgerConfig::default()).unwrap());
        for (number, network) in networks.iter().enumerate() {
            let id = ChannelId::parse(&format!("ch{number}")).unwrap();
            ledgers.create(&network.genesis(id).block().unwrap()).unwrap();
        }
        Channels::open(ledgers).unwrap()
    }

    /// A network on disk whose organizations can be replaced.
    struct Replacing {
        dir: tempfile::TempDir,
        spec: NetworkSpec,
    }

    impl Replacing {
        fn new() -> (Self, Network) {
            let (dir, spec) = (tempfile::tempdir().unwrap(), NetworkSpec::with_orgs(2));
            let network = Network::generate(&dir.path().join("network"), &spec).unwrap();
            (Self { dir, spec }, network)
        }

        /// Returns the network with another organization of the same name in the folder `org`, and
        /// the network with the CAs of both.
        fn replaced(&self, org: &str) -> (Network, Network) {
            let (folder, away) = (self.dir.path().join("network"), self.dir.path().join("away"));
            fs::rename(folder.join(org), &away).unwrap();
            let network = Network::complete(&folder, &self.spec).unwrap();
            let cacerts = folder.join(org).join("msp/cacerts");
            for old in fs::read_dir(away.join("msp/cacerts")).unwrap() {
                fs::copy(old.unwrap().path(), cacerts.join("old.pem")).unwrap();
            }
            let both = Network::open(&folder).unwrap();
            fs::remove_dir_all(folder.join(org)).unwrap();
            fs::rename(away, folder.join(org)).unwrap();
            (network, both)
        }
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let (path, none) = (dir.path(), channels(&[]));
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        assert!(check(path, &network, &["Org1MSP"]).unwrap().recorded.is_none());
        open(path, &network, &["Org1MSP"], &none).unwrap();
        assert_eq!(fs::metadata(path.join(RECORD)).unwrap().mode() & 0o777, 0o600);

        assert!(check(path, &network, &["Org1MSP"]).unwrap().recorded.is_some());
        open(path, &network, &["Org2MSP", "Org1MSP"], &none).unwrap();
        let error = check(path, &network, &["Org2MSP"]).err().unwrap().to_string();
        assert!(error.contains("belongs to the peer of Org1MSP, and this is the peer of Org2MSP"));
        let other = Network::in_memory(&NetworkSpec::with_orgs(1)).unwrap();
        let error = open(path, &other, &["Org1MSP"], &channels(&[&network])).unwrap_err();
        assert!(error.contains("belongs to another network, of Org1MSP, Org2MSP"), "{error}");
        let found = DataFolderError::find(path, &other, &["Org1MSP".to_owned()]);
        assert_eq!(found.unwrap().to_string(), error);
    }

    #[test]
    fn each_organization_of_the_process_and_the_orderer_must_be_the_recorded_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, none) = (dir.path(), channels(&[]));
        let (folder, network) = Replacing::new();
        open(path, &network, &["Org1MSP"], &none).unwrap();
        let (other, _) = folder.replaced(ORG2);
        open(path, &other, &["Org1MSP"], &none).expect("it has no peer here");
        let error = open(path, &other, &["Org1MSP", "Org2MSP"], &none).unwrap_err();
        assert!(error.contains("in which Org2MSP has other root certificates"), "{error}");
        let (other, _) = folder.replaced(ORDERER);
        let error = open(path, &other, &["Org1MSP"], &none).unwrap_err();
        assert!(error.contains("in which OrdererMSP has other root certificates"), "{error}");
        // A record of an earlier version lacks the orderer.
        let file = path.join(RECORD);
        let mut record: FolderOwner = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        record.network.remove("OrdererMSP").unwrap();
        fs::write(&file, serde_json::to_vec(&record).unwrap()).unwrap();
        open(path, &other, &["Org1MSP"], &none).unwrap();
    }

    #[test]
    fn new_root_certificates_that_a_channel_has_are_those_of_the_same_organization() {
        for org in [ORG2, ORDERER] {
            let dir = tempfile::tempdir().unwrap();
            let (folder, network) = Replacing::new();
            let orgs = ["Org2MSP", "Org1MSP"];
            open(dir.path(), &network, &orgs, &channels(&[])).unwrap();
            let (new, _) = folder.replaced(org);
            let error = open(dir.path(), &new, &orgs, &channels(&[&network])).unwrap_err();
            assert!(error.contains("update the configuration of a channel"), "{error}");
            let (none, some) = (channels(&[]), channels(&[&network, &new]));
            assert!(open(dir.path(), &new, &orgs, &none).is_err());
            open(dir.path(), &new, &orgs, &some).unwrap();
            open(dir.path(), &new, &orgs, &none).expect("they are recorded");
            open(dir.path(), &network, &orgs, &none).expect("the old ones stay");
        }
    }

    #[test]
    fn new_root_certificates_beside_old_ones_are_recorded() {
        for org in [ORG2, ORDERER] {
            let dir = tempfile::tempdir().unwrap();
            let (folder, network) = Replacing::new();
            let (orgs, none) = (["Org1MSP", "Org2MSP"], channels(&[]));
            open(dir.path(), &network, &orgs, &none).unwrap();
            let (new, both) = folder.replaced(org);
            open(dir.path(), &both, &orgs, &none).unwrap();
            open(dir.path(), &new, &orgs, &none).unwrap();
        }
    }
}
