//! Networks for development: organizations with certificate authorities, peers and users, in memory
//! or in a folder with cryptogen's layout.
//!
//! Does not protect the keys of the CAs, which are stored with everything else. Does not renew or
//! revoke certificates. Not for production.

mod authority;
mod folder;
mod members;
mod org;
mod reader;
mod spec;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use folder::INDEX_FILE;
pub use org::{Credentials, Org, TlsFiles};
pub use reader::read_signer;
pub use spec::{NetworkSpec, OrdererSpec, OrgSpec};

use crate::error::MspError;
use crate::genesis::GenesisSpec;
use crate::network::org::OrgKind;
use wasmcc_types::ChannelId;

/// The members of a small Fabric network, with their private keys.
#[derive(Clone, Debug)]
pub struct Network {
    root: Option<PathBuf>,
    orgs: Vec<Org>,
    orderer: Option<Org>,
}

/// Why a network cannot be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The specification has a duplicate or an invalid name.
    #[error("the network cannot be made: {0}")]
    Spec(String),
    /// A certificate could not be made.
    #[error("cannot make the certificate of {name}")]
    Certificate {
        /// The certificate's common name.
        name: String,
        /// The cause.
        #[source]
        source: rcgen::Error,
    },
    /// A CA cannot issue certificates.
    #[error("the CA of {org} cannot issue certificates: {reason}")]
    Authority {
        /// The organization's domain.
        org: String,
        /// The missing or unsupported part.
        reason: String,
    },
    /// The path for the new network or user exists.
    #[error("{} exists already; remove it or choose another folder", .0.display())]
    Exists(PathBuf),
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// "read", "write", "create" or "rename".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: std::io::Error,
    },
    /// The folder does not contain a network.
    #[error("{} is not a network folder: {reason}", path.display())]
    NotANetwork {
        /// The folder.
        path: PathBuf,
        /// The missing part.
        reason: String,
    },
    /// An MSP folder has no usable certificate and key.
    #[error("cannot sign with the MSP folder {}: {reason}", msp.display())]
    NoSigner {
        /// The folder.
        msp: PathBuf,
        /// The missing part.
        reason: String,
    },
    /// The MSP of an organization is unusable.
    #[error("the MSP of {org} is not usable")]
    Msp {
        /// The organization's domain.
        org: String,
        /// The cause.
        #[source]
        source: MspError,
    },
}

impl Network {
    /// Makes a network without files.
    pub fn in_memory(spec: &NetworkSpec) -> Result<Self, NetworkError> {
        spec.check()?;
        let orgs = spec.orgs.iter().map(Org::with_peer).collect::<Result<_, _>>()?;
        let orderer = spec.orderer.as_ref().map(Org::with_orderer).transpose()?;
        Ok(Self { root: None, orgs, orderer })
    }

    /// Returns the same network in memory with one more client. Its certificate has attributes in
    /// the form of fabric-ca.
    ///
    /// Errors: the organization does not exist, the name is not valid for a user, or the user
    /// exists.
    pub fn with_client(
        mut self,
        msp_id: &str,
        name: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Self, NetworkError> {
        let org = self.org_with_peer(msp_id)?;
        spec::check_user(name, org.domain())?;
        if org.users().any(|user| user == name) {
            return Err(NetworkError::Spec(format!("{msp_id} has a user '{name}' already")));
        }
        let user = org.new_user(name, attributes)?;
        let orgs = self.orgs.iter_mut().filter(|org| org.msp_id() == msp_id);
        orgs.for_each(|org| org.members.push(user.clone()));
        Ok(self)
    }

    /// Makes a network in a new folder. A failure leaves nothing behind.
    pub fn generate(path: &Path, spec: &NetworkSpec) -> Result<Self, NetworkError> {
        let network = Self::in_memory(spec)?;
        network.write(path)?;
        Self::open(path)
    }

    /// Writes a network into a new folder; private keys are readable by the owner only.
    pub fn write(&self, path: &Path) -> Result<(), NetworkError> {
        folder::write(path, &self.orgs, self.orderer.as_ref())
    }

    /// Reads a network whose folder may lack some or all organizations of `spec`, and makes the
    /// missing ones. An existing organization gets those of the node, the Admin and the first user
    /// of `spec` that have no folder, if it has the keys of its CAs. Other organizations and
    /// foreign files in the folder stay as they are and are not returned.
    pub fn complete(path: &Path, spec: &NetworkSpec) -> Result<Self, NetworkError> {
        spec.check()?;
        let is_missing = |kind: OrgKind, domain: &str| {
            !path.join(kind.folder()).join(domain).join("msp").is_dir()
        };
        let orgs = spec.orgs.iter().filter(|org| is_missing(OrgKind::Peer, &org.domain));
        let mut made = orgs.map(Org::with_peer).collect::<Result<Vec<_>, _>>()?;
        let orderer = spec.orderer.iter().filter(|org| is_missing(OrgKind::Orderer, &org.domain));
        for org in orderer {
            made.push(Org::with_orderer(org)?);
        }
        if !made.is_empty() {
            folder::add(path, &made, reader::index(path)?)?;
        }
        let mut network = Self::open(path)?;
        if network.add_members(spec)? {
            network = Self::open(path)?;
        }
        network.orgs.retain(|org| spec.orgs.iter().any(|wanted| wanted.domain == org.domain));
        Ok(network)
    }

    /// Makes the missing members of the organizations in `spec`. Returns true if there were any.
    fn add_members(&self, spec: &NetworkSpec) -> Result<bool, NetworkError> {
        let mut has_made = false;
        for org in self.orgs.iter().chain(&self.orderer) {
            let wanted = spec.orgs.iter().find(|wanted| wanted.domain == org.domain);
            let orders = spec.orderer.iter().any(|wanted| wanted.domain == org.domain);
            let Some(root) = org.root.as_deref().filter(|_| wanted.is_some() || orders) else {
                continue;
            };
            let user = wanted.and_then(|wanted| wanted.users.first());
            for member in org.missing_members(user.map(String::as_str))? {
                folder::add_member(root, org, &member)?;
                tracing::info!(org = org.msp_id, member = member.name, "made a missing member");
                has_made = true;
            }
        }
        Ok(has_made)
    }

    /// Lets the CA of an organization issue a certificate for a new user, and writes the user into
    /// the network's folder. Chaincodes read `attributes` like those of fabric-ca.
    ///
    /// Errors: the network is not in a folder or lacks the CA's key, the name is not valid for a
    /// user, or the user exists.
    pub fn add_user(
        &self,
        msp_id: &str,
        name: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<PathBuf, NetworkError> {
        let org = self.org_with_peer(msp_id)?;
        spec::check_user(name, org.domain())?;
        let no_folder = || NetworkError::Spec("it is not in a folder".to_owned());
        let root = org.root.as_deref().ok_or_else(no_folder)?;
        let user = org.new_user(name, attributes)?;
        folder::add_member(root, org, &user)?;
        Ok(org.member_folder(root, &user))
    }

    fn org_with_peer(&self, msp_id: &str) -> Result<&Org, NetworkError> {
        let known = self.orgs.iter().find(|org| org.msp_id() == msp_id);
        known.ok_or_else(|| {
            let known: Vec<&str> = self.orgs.iter().map(Org::msp_id).collect();
            NetworkError::Spec(format!("there is no organization {msp_id}, only {known:?}"))
        })
    }

    /// Reads the folder of a network that was made by this program, cryptogen, fabric-ca or
    /// Fabric's test network. Leaves out members that cannot sign; asking for one fails with the
    /// reason.
    pub fn open(path: &Path) -> Result<Self, NetworkError> {
        let (orgs, orderer) = reader::read(path)?;
        Ok(Self { root: Some(path.to_owned()), orgs, orderer })
    }

    /// The folder from which the network was read.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The organizations with peers: in the order of the specification, or by domain if read from a
    /// folder.
    pub fn orgs(&self) -> &[Org] {
        &self.orgs
    }

    /// The organization with this MSP id; may be the orderer's.
    pub fn org(&self, msp_id: &str) -> Option<&Org> {
        self.orgs.iter().chain(&self.orderer).find(|org| org.msp_id() == msp_id)
    }

    /// The organization that orders, if there is one.
    pub fn orderer(&self) -> Option<&Org> {
        self.orderer.as_ref()
    }

    /// The specification of a channel of all organizations.
    pub fn genesis(&self, channel_id: ChannelId) -> GenesisSpec {
        let orgs = self.orgs.iter().map(|org| org.msp_config().clone()).collect();
        let orderer_org = self.orderer.as_ref().map(|org| org.msp_config().clone());
        GenesisSpec { orderer_org, ..GenesisSpec::new(channel_id, orgs) }
    }
}
