//! One organization of a network, with the private keys of its members.
//!
//! Does not read or write files (`folder` does); it only composes paths.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::MspError;
use crate::msp_dir;
use crate::network::NetworkError;
use crate::network::authority::SigningAuthority;
use crate::network::members::{issue_node, issue_user, with_admin};
use crate::network::spec::{OrdererSpec, OrgSpec};
use crate::node_ous::Role;
use crate::signer::SigningIdentity;
use wasmcc_types::proto::msp::{FabricMspConfig, FabricNodeOUs, FabricOuIdentifier};

/// A certificate and its private key, both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8.
    pub key: String,
}

/// The paths of a member's TLS files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the CA.
    pub ca: PathBuf,
    /// The member's certificate.
    pub certificate: PathBuf,
    /// The member's private key.
    pub key: PathBuf,
}

/// An organization: its CAs, its peer or orderer, its admin and its users.
#[derive(Clone, Debug)]
pub struct Org {
    pub(crate) msp_id: String,
    pub(crate) domain: String,
    pub(crate) kind: OrgKind,
    /// None if the key of the CA is not in the folder.
    pub(crate) ca: Option<Credentials>,
    /// Like `ca`.
    pub(crate) tls_ca: Option<Credentials>,
    /// The certificates of the TLS CAs, PEM.
    pub(crate) tls_roots: String,
    pub(crate) members: Vec<Member>,
    /// Members that cannot sign, by name, with the reason.
    pub(crate) unusable: BTreeMap<String, String>,
    pub(crate) msp_config: FabricMspConfig,
    /// The organization's folder, if it was read from one.
    pub(crate) root: Option<PathBuf>,
}

/// The kind of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrgKind {
    Peer,
    Orderer,
}

/// A node or user.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// The common name: `peer0.org1.example.com`, `User1@org1.example.com`.
    pub(crate) name: String,
    pub(crate) identity: Credentials,
    pub(crate) tls: Option<Credentials>,
    /// None if the member was not read from a folder.
    pub(crate) tls_files: Option<TlsFiles>,
}

impl OrgKind {
    /// The folder of all organizations of this kind.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Peer => "peerOrganizations",
            Self::Orderer => "ordererOrganizations",
        }
    }

    /// The folder of an organization's nodes.
    pub(crate) fn nodes_folder(self) -> &'static str {
        match self {
            Self::Peer => "peers",
            Self::Orderer => "orderers",
        }
    }

    pub(super) fn node_host(self) -> &'static str {
        match self {
            Self::Peer => "peer0",
            Self::Orderer => "orderer",
        }
    }

    pub(super) fn node_role(self) -> Role {
        match self {
            Self::Peer => Role::Peer,
            Self::Orderer => Role::Orderer,
        }
    }
}

impl Credentials {
    pub(crate) fn new(certificate: String, key: String) -> Self {
        Self { certificate, key }
    }
}

impl fmt::Debug for Credentials {
    /// Does not show the private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Member {
    pub(crate) fn is_user(&self) -> bool {
        self.name.contains('@')
    }

    /// The beginning of the names of TLS files: "server" for nodes, "client" for users.
    pub(crate) fn tls_prefix(&self) -> &'static str {
        if self.is_user() { "client" } else { "server" }
    }
}

impl Org {
    pub(crate) fn with_peer(spec: &OrgSpec) -> Result<Self, NetworkError> {
        Self::new(&spec.msp_id, &spec.domain, OrgKind::Peer, &spec.users)
    }

    pub(crate) fn with_orderer(spec: &OrdererSpec) -> Result<Self, NetworkError> {
        Self::new(&spec.msp_id, &spec.domain, OrgKind::Orderer, &[])
    }

    fn new(
        msp_id: &str,
        domain: &str,
        kind: OrgKind,
        users: &[String],
    ) -> Result<Self, NetworkError> {
        let ca = SigningAuthority::new(&format!("ca.{domain}"), domain)?;
        let tls_ca = SigningAuthority::new(&format!("tlsca.{domain}"), domain)?;
        let mut members = vec![issue_node(kind, domain, &ca, &tls_ca)?];
        for (user, role) in with_admin(users.iter().map(String::as_str)) {
            members.push(issue_user(format!("{user}@{domain}"), role, &ca, &tls_ca)?);
        }
        Ok(Self {
            msp_config: msp_config(msp_id, &ca.credentials, &tls_ca.credentials),
            msp_id: msp_id.to_owned(),
            domain: domain.to_owned(),
            kind,
            tls_roots: tls_ca.credentials.certificate.clone(),
            ca: Some(ca.credentials),
            tls_ca: Some(tls_ca.credentials),
            members,
            unusable: BTreeMap::new(),
            root: None,
        })
    }

    /// Lets the CAs issue certificates for a client. Without the key of the TLS CA, issues only the
    /// certificate for signing.
    pub(super) fn new_user(
        &self,
        user: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Member, NetworkError> {
        let fault = |reason| NetworkError::Authority { org: self.domain.clone(), reason };
        let no_key = || fault("its key is not in the folder ca of the organization".to_owned());
        let open = |ca: &Credentials| SigningAuthority::open(ca).map_err(fault);
        let ca = open(self.ca.as_ref().ok_or_else(no_key)?)?;
        let name = format!("{user}@{}", self.domain);
        let tls = self.tls_ca.as_ref().map(|ca| open(ca)?.issue_tls(&name, &[])).transpose()?;
        let identity = ca.issue_identity(&name, Role::Client, attributes)?;
        Ok(Member { name, identity, tls, tls_files: None })
    }

    /// Issues certificates for the node, Admin and `user`, for each that has no folder. Returns
    /// none if the key of a CA is missing, or if the MSP would not accept the members.
    pub(super) fn missing_members(&self, user: Option<&str>) -> Result<Vec<Member>, NetworkError> {
        let Some((ca, tls_ca)) = self.authorities() else { return Ok(Vec::new()) };
        let members = self.members.iter().map(|member| member.name.as_str());
        let there: Vec<&str> = members.chain(self.unusable.keys().map(String::as_str)).collect();
        let mut made = Vec::new();
        if there.iter().all(|name| name.contains('@')) {
            made.push(issue_node(self.kind, &self.domain, &ca, &tls_ca)?);
        }
        for (user, role) in with_admin(user) {
            let name = format!("{user}@{}", self.domain);
            if !there.contains(&name.as_str()) {
                made.push(issue_user(name, role, &ca, &tls_ca)?);
            }
        }
        Ok(made)
    }

    /// Returns the CAs for signing and for TLS. None unless the MSP accepts what they issue: its
    /// root must be the CA, and NodeOUs must name the roles.
    fn authorities(&self) -> Option<(SigningAuthority, SigningAuthority)> {
        let (ca, tls_ca) = (self.ca.as_ref()?, self.tls_ca.as_ref()?);
        let own = ca.certificate.trim().as_bytes();
        let is_root = self.msp_config.root_certs.iter().any(|root| root.trim_ascii() == own);
        let has_roles = self.msp_config.fabric_node_ous.as_ref().is_some_and(|units| units.enable);
        if !is_root || !has_roles {
            return None;
        }
        Some((SigningAuthority::open(ca).ok()?, SigningAuthority::open(tls_ca).ok()?))
    }

    /// The id of the MSP, for example `Org1MSP`.
    pub fn msp_id(&self) -> &str {
        &self.msp_id
    }

    /// The domain, for example `org1.example.com`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The MSP, in the form of a channel's configuration.
    pub fn msp_config(&self) -> &FabricMspConfig {
        &self.msp_config
    }

    /// The names of the users without the domain, Admin included.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter_map(|member| member.name.split_once('@')).map(|(user, _)| user)
    }

    /// Returns the signer of the organization's peer or orderer: `peer0` or `orderer` if there is
    /// one of that name, else the first by name.
    pub fn peer(&self) -> Result<SigningIdentity, MspError> {
        match self.node() {
            Some(node) => self.sign_as(node),
            None => self.signer(&self.node_name()),
        }
    }

    /// The full name of the node that [`peer`](Self::peer) signs as, for example
    /// `peer0.org1.example.com`.
    pub fn peer_name(&self) -> Option<&str> {
        self.node().map(|node| node.name.as_str())
    }

    /// The folder of the node that [`peer`](Self::peer) signs as, if the network was read from a
    /// folder. The node's folder need not exist.
    pub fn peer_folder(&self) -> Option<PathBuf> {
        let name = self.peer_name().map_or_else(|| self.node_name(), str::to_owned);
        Some(self.root.as_deref()?.join(self.kind.nodes_folder()).join(name))
    }

    /// The folder of a user, for example `User1`, if the network was read from a folder. The user's
    /// folder need not exist.
    pub fn user_folder(&self, name: &str) -> Option<PathBuf> {
        let users = self.root.as_deref()?.join("users");
        Some(users.join(format!("{name}@{}", self.domain)))
    }

    /// The TLS credentials of the node that [`peer`](Self::peer) signs as.
    pub fn peer_tls(&self) -> Option<&Credentials> {
        self.node()?.tls.as_ref()
    }

    /// Returns the signer of the organization's admin.
    pub fn admin(&self) -> Result<SigningIdentity, MspError> {
        self.user("Admin")
    }

    /// Returns the signer of a user, for example `User1`.
    pub fn user(&self, name: &str) -> Result<SigningIdentity, MspError> {
        self.signer(&format!("{name}@{}", self.domain))
    }

    /// The signing credentials of a member: `peer0`, `orderer`, `Admin`, `User1`.
    pub fn identity(&self, name: &str) -> Option<&Credentials> {
        self.member(name).map(|member| &member.identity)
    }

    /// The TLS credentials of a member.
    pub fn tls(&self, name: &str) -> Option<&Credentials> {
        self.member(name)?.tls.as_ref()
    }

    /// The PEM certificates of the TLS CAs.
    pub fn tls_ca_certificate(&self) -> &str {
        &self.tls_roots
    }

    /// The TLS files of a member, if the network was read from a folder.
    pub fn tls_files(&self, name: &str) -> Option<TlsFiles> {
        self.member(name)?.tls_files.clone()
    }

    /// The MSP folder of a member, if the network was read from a folder.
    pub fn msp_folder(&self, name: &str) -> Option<PathBuf> {
        let member = self.member(name)?;
        Some(self.member_folder(self.root.as_deref()?, member).join("msp"))
    }

    pub(crate) fn member_folder(&self, root: &Path, member: &Member) -> PathBuf {
        let kind = if member.is_user() { "users" } else { self.kind.nodes_folder() };
        root.join(kind).join(&member.name)
    }

    fn node_name(&self) -> String {
        format!("{}.{}", self.kind.node_host(), self.domain)
    }

    fn member(&self, short_name: &str) -> Option<&Member> {
        let matches = |member: &&Member| {
            let rest = member.name.strip_prefix(short_name);
            let rest = rest.and_then(|rest| rest.strip_prefix(['@', '.']));
            rest == Some(self.domain.as_str())
        };
        self.members.iter().find(matches)
    }

    fn node(&self) -> Option<&Member> {
        let usual = self.node_name();
        let nodes = || self.members.iter().filter(|member| !member.is_user());
        nodes().find(|node| node.name == usual).or_else(|| nodes().next())
    }

    fn signer(&self, name: &str) -> Result<SigningIdentity, MspError> {
        match self.members.iter().find(|member| member.name == name) {
            Some(member) => self.sign_as(member),
            None => {
                let reason = match self.unusable.get(name) {
                    Some(reason) => format!(" that can sign: {reason}"),
                    None => String::new(),
                };
                let (msp_id, name) = (self.msp_id.clone(), name.to_owned());
                Err(MspError::NoMember { msp_id, name, reason })
            }
        }
    }

    fn sign_as(&self, member: &Member) -> Result<SigningIdentity, MspError> {
        let Credentials { certificate, key } = &member.identity;
        SigningIdentity::from_pem(&self.msp_id, certificate.as_bytes(), key.as_bytes())
    }
}

fn msp_config(msp_id: &str, ca: &Credentials, tls_ca: &Credentials) -> FabricMspConfig {
    let ca_certificate = ca.certificate.clone().into_bytes();
    let unit = |role: Role| {
        Some(FabricOuIdentifier {
            certificate: ca_certificate.clone(),
            organizational_unit_identifier: role.to_string(),
        })
    };
    FabricMspConfig {
        name: msp_id.to_owned(),
        root_certs: vec![ca_certificate.clone()],
        crypto_config: Some(msp_dir::sha2()),
        tls_root_certs: vec![tls_ca.certificate.clone().into_bytes()],
        fabric_node_ous: Some(FabricNodeOUs {
            enable: true,
            client_ou_identifier: unit(Role::Client),
            peer_ou_identifier: unit(Role::Peer),
            admin_ou_identifier: unit(Role::Admin),
            orderer_ou_identifier: unit(Role::Orderer),
        }),
        ..FabricMspConfig::default()
    }
}
