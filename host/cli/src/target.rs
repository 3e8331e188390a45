//! Options of clients: the peer and the identity.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::dev::{self, Record};
use crate::duration;
use crate::settings::{LOCAL_MSP_ID, MSP_CONFIG_PATH, PEER_ADDRESS, is_set_to};
use crate::tls::TargetTls;
use crate::usage::wrong;
use wasmcc_msp::network::{Org, read_signer};
use wasmcc_msp::{Network, SigningIdentity};
use wasmcc_types::ClientTls;

/// The default address of a peer.
const PEER: &str = "127.0.0.1:7051";

/// Options of verbs that connect to a peer.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Peer and identity")]
pub(crate) struct Target {
    /// The peer's address [default: 127.0.0.1:7051, or that of `wasmcc dev` in this folder].
    #[arg(long, env = PEER_ADDRESS, value_name = "HOST:PORT")]
    peer: Option<String>,
    /// The network folder with the identities, made by `wasmcc network` or cryptogen [default: that
    /// of `wasmcc dev` in this folder].
    #[arg(long, env = "WASMCC_NETWORK", value_name = "DIR")]
    network: Option<PathBuf>,
    /// The organization of the client [default: the network's first].
    #[arg(long, env = LOCAL_MSP_ID, value_name = "MSPID")]
    pub org: Option<String>,
    /// The user of the organization who signs [default: User1, or Admin where an admin is needed].
    #[arg(long, env = "WASMCC_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// The MSP folder that signs, in place of a user of the network folder; --org gives its MSP id.
    #[arg(long, env = MSP_CONFIG_PATH, value_name = "DIR", conflicts_with = "user")]
    msp: Option<PathBuf>,
    /// Time limit for each answer.
    #[arg(long, default_value = "60s", value_parser = duration::positive, value_name = "TIME")]
    pub timeout: Duration,
    #[command(flatten)]
    tls: TargetTls,
}

/// The same options for verbs that may work without a peer.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Peer and identity")]
pub(crate) struct OptionalTarget {
    /// The address of a running peer [default: 127.0.0.1:7051].
    #[arg(long, env = PEER_ADDRESS, value_name = "HOST:PORT")]
    peer: Option<String>,
    /// The network folder with the identities, made by `wasmcc network` or cryptogen.
    #[arg(long, env = "WASMCC_NETWORK", value_name = "DIR")]
    network: Option<PathBuf>,
    /// The organization of the client [default: the network's first].
    #[arg(long, env = LOCAL_MSP_ID, value_name = "MSPID")]
    org: Option<String>,
    /// The user of the organization who signs [default: User1].
    #[arg(long, env = "WASMCC_USER", value_name = "NAME")]
    user: Option<String>,
    /// The MSP folder that signs, in place of a user of the network folder; --org gives its MSP id.
    #[arg(long, env = MSP_CONFIG_PATH, value_name = "DIR", conflicts_with = "user")]
    msp: Option<PathBuf>,
    /// Time limit for each answer.
    #[arg(long, default_value = "60s", value_parser = duration::positive, value_name = "TIME")]
    timeout: Duration,
    #[command(flatten)]
    tls: TargetTls,
}

impl OptionalTarget {
    /// Returns the given peer, or that of `wasmcc dev` in this folder; None if there is neither.
    pub(crate) fn target(&self) -> Result<Option<Target>> {
        if self.network.is_none() && self.msp.is_none() && Record::nearest()?.is_none() {
            return match &self.peer {
                Some(_) => Err(anyhow!(
                    "a peer needs a client identity: give --network DIR, or --msp DIR with --org"
                )),
                None => Ok(None),
            };
        }
        let Self { peer, network, org, user, msp, timeout, tls } = self.clone();
        Ok(Some(Target { peer, network, org, user, msp, timeout, tls }))
    }
}

impl Target {
    /// Returns the same client for another peer, or for its own if `peer` is empty: scripts for
    /// Fabric's command pass empty texts. The file `root`, if given, has the CA of the peer's
    /// certificate.
    pub(crate) fn at(&self, peer: &str, root: Option<&PathBuf>) -> Result<Self> {
        if peer.is_empty() && root.is_none() {
            return Ok(self.clone());
        }
        let peer = if peer.is_empty() { self.peer()? } else { peer.to_owned() };
        let tls = root.map_or_else(|| self.tls.clone(), |root| self.tls.with_ca(root));
        Ok(Self { peer: Some(peer), tls, ..self.clone() })
    }

    /// Returns a client of the network that this process serves: with TLS, at this address.
    pub(crate) fn of_dev(peer: String, network: PathBuf, timeout: Duration) -> Self {
        let (peer, network) = (Some(peer), Some(network));
        let (org, user, msp) = (None, None, None);
        Self { peer, network, org, user, msp, timeout, tls: TargetTls::on() }
    }

    /// Returns the peer's address.
    pub(crate) fn peer(&self) -> Result<String> {
        if let Some(peer) = &self.peer {
            return Ok(peer.clone());
        }
        let Some(record) = self.dev()? else { return Ok(PEER.to_owned()) };
        Ok(peer_of(&record, self.org.as_deref()).unwrap_or(PEER).to_owned())
    }

    /// True if the peer is that of `wasmcc dev` in this folder and no process serves it. Another
    /// network may use its address.
    pub(crate) fn is_down(&self) -> Result<bool> {
        let is_named = self.peer.is_some();
        Ok(!is_named && self.dev()?.is_some_and(|record| !record.is_served()))
    }

    /// True if the peer's address is that of Fabric's variable.
    pub(crate) fn is_peer_of_variable(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| is_set_to(PEER_ADDRESS, peer))
    }

    /// Returns the option or variable for the CA of the peer's certificate.
    pub(crate) fn ca_option(&self) -> &'static str {
        self.tls.ca_option()
    }

    /// Returns the network folder.
    pub(crate) fn network(&self) -> Result<PathBuf> {
        dev::network_folder(self.network.clone())
    }

    /// Returns the network folder; None if an MSP folder signs and no network folder is known.
    pub(crate) fn optional_network(&self) -> Result<Option<PathBuf>> {
        let needs_none = self.msp.is_some() && self.network.is_none();
        match needs_none && Record::nearest()?.is_none() {
            true => Ok(None),
            false => self.network().map(Some),
        }
    }

    /// True if the peer is one of `wasmcc dev`.
    pub(crate) fn is_dev(&self) -> Result<bool> {
        Ok(self.dev()?.is_some_and(|record| match &self.peer {
            None => true,
            Some(peer) => record.peers.values().any(|address| is_same_address(address, peer)),
        }))
    }

    /// Returns the record of `wasmcc dev`, if its network is selected.
    fn dev(&self) -> Result<Option<Record>> {
        let Some(record) = Record::nearest()? else { return Ok(None) };
        let is_meant = match &self.network {
            None => true,
            Some(given) => given.canonicalize().ok() == record.organizations.canonicalize().ok(),
        };
        Ok(is_meant.then_some(record))
    }

    /// Returns the CA and name of the peer, if TLS is used.
    pub(crate) fn tls(&self) -> Result<Option<ClientTls>> {
        let is_dev = self.is_dev()?;
        let usual = || {
            let network = self.optional_network()?.ok_or_else(|| {
                wrong("TLS needs the CA of the peer's certificate: give --tls-ca or --network")
            })?;
            // The peer may belong to another organization, or be the orderer.
            let network = open_network(&network)?;
            let orgs = network.orgs().iter().chain(network.orderer());
            let roots = orgs.map(Org::tls_ca_certificate);
            Ok(roots.collect::<Vec<_>>().join("\n"))
        };
        self.tls.read(usual, is_dev || self.peer()?.starts_with("https://"))
    }

    /// Returns the signing identity; `usual` is the default user.
    pub(crate) fn signer(&self, usual: &str) -> Result<SigningIdentity> {
        if let Some(msp) = &self.msp {
            let org = self.org.as_deref().ok_or_else(|| {
                wrong(format!("an MSP folder needs its MSP id: give --org, or set {LOCAL_MSP_ID}"))
            })?;
            return Ok(read_signer(msp, org)?);
        }
        let network = open_network(&self.network()?)?;
        let org = org(&network, self.org.as_deref())?;
        let user = self.user.as_deref().unwrap_or(usual);
        org.user(user).with_context(|| {
            let users: Vec<&str> = org.users().collect();
            let (org, users) = (org.msp_id(), users.join(", "));
            format!("cannot sign as {user} of {org}; its users are {users}: name one with --user")
        })
    }
}

/// Returns the address of the organization's own peer, or of the first: an organization of orderers
/// has none.
fn peer_of<'a>(record: &'a Record, org: Option<&str>) -> Option<&'a str> {
    let own = org.and_then(|org| record.peers.get(org));
    own.or_else(|| record.peers.values().next()).map(String::as_str)
}

/// True if two addresses are the same socket of this machine.
fn is_same_address(one: &str, other: &str) -> bool {
    let bare = |address: &str| {
        let schemes = ["http://", "https://"];
        let bare = schemes.iter().find_map(|scheme| address.strip_prefix(scheme));
        let bare = bare.unwrap_or(address);
        match bare.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => bare.to_owned(),
        }
    };
    bare(one) == bare(other)
}

/// Opens a network folder.
pub(crate) fn open_network(path: &Path) -> Result<Network> {
    Network::open(path).with_context(|| {
        let path = path.display();
        format!("cannot use the network folder {path} (make one with `wasmcc network {path}`)")
    })
}

/// Returns the organization with this MSP id, or the first.
pub(crate) fn org<'a>(network: &'a Network, msp_id: Option<&str>) -> Result<&'a Org> {
    let found = match msp_id {
        Some(msp_id) => network.org(msp_id),
        None => network.orgs().first(),
    };
    found.ok_or_else(|| {
        let orgs: Vec<&str> = network.orgs().iter().map(Org::msp_id).collect();
        let (wanted, orgs) = (msp_id.unwrap_or_default(), orgs.join(", "));
        anyhow!("the network has no organization {wanted}; it has {orgs}: name one with --org")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_msp::NetworkSpec;

    #[test]
    fn the_address_of_a_peer_has_several_forms() {
        for other in ["127.0.0.1:7051", "https://localhost:7051", "http://127.0.0.1:7051"] {
            assert!(is_same_address("localhost:7051", other), "{other}");
        }
        for other in ["localhost:7052", "peer0.localhost:7051"] {
            assert!(!is_same_address("localhost:7051", other), "{other}");
        }
    }

    #[test]
    fn the_peer_may_have_a_certificate_of_any_organization_of_the_network() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("network");
        let network = Network::generate(&folder, &NetworkSpec::with_orgs(2)).unwrap();
        let target = Target::of_dev("127.0.0.1:1".into(), folder, Duration::from_secs(1));
        let tls = Target { org: Some("Org2MSP".into()), ..target }.tls().unwrap().unwrap();
        for org in network.orgs() {
            assert!(tls.root.contains(org.tls_ca_certificate().trim()), "{}", org.msp_id());
        }
    }

    #[test]
    fn an_organization_without_peer_asks_the_first_of_the_network() {
        let peers = [("Org1MSP", "127.0.0.1:1"), ("Org2MSP", "127.0.0.1:2")];
        let record = Record {
            process: Some(1),
            state: ".wasmcc".into(),
            organizations: "organizations".into(),
            channel: "mychannel".into(),
            peers: peers.map(|(org, peer)| (org.to_owned(), peer.to_owned())).into(),
            orderer: "127.0.0.1:3".into(),
            page: None,
        };
        for (org, peer) in [
            (None, "127.0.0.1:1"),
            (Some("Org2MSP"), "127.0.0.1:2"),
            (Some("OrdererMSP"), "127.0.0.1:1"),
        ] {
            assert_eq!(peer_of(&record, org), Some(peer), "{org:?}");
        }
    }
}
