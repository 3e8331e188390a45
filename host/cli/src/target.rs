//! Which peer is asked, and who asks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::duration;
use crate::tls::TargetTls;
use wasmcc_msp::network::Org;
use wasmcc_msp::{Network, SigningIdentity};
use wasmcc_types::ClientTls;

/// The arguments of all verbs that ask a peer.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Which peer, and who asks")]
pub(crate) struct Target {
    /// The peer's address.
    #[arg(long, env = "WASMCC_PEER", default_value = "127.0.0.1:7051", value_name = "HOST:PORT")]
    pub peer: String,
    /// The network folder with the identities, as `wasmcc network` or cryptogen makes it.
    #[arg(long, env = "WASMCC_NETWORK", value_name = "DIR")]
    pub network: PathBuf,
    /// The organization of the one who asks [default: the network's first].
    #[arg(long, env = "WASMCC_ORG", value_name = "MSPID")]
    pub org: Option<String>,
    /// The one who asks [default: User1, or Admin where it takes one].
    #[arg(long, env = "WASMCC_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// How long to wait for each answer.
    #[arg(long, default_value = "60s", value_parser = duration::positive, value_name = "TIME")]
    pub timeout: Duration,
    #[command(flatten)]
    tls: TargetTls,
}

/// The same where there may be no peer.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Which peer, and who asks")]
pub(crate) struct OptionalTarget {
    /// The address of a running peer [default: 127.0.0.1:7051].
    #[arg(long, env = "WASMCC_PEER", value_name = "HOST:PORT")]
    peer: Option<String>,
    /// The network folder with the identities, as `wasmcc network` or cryptogen makes it.
    #[arg(long, env = "WASMCC_NETWORK", value_name = "DIR")]
    network: Option<PathBuf>,
    /// The organization of the one who asks [default: the network's first].
    #[arg(long, env = "WASMCC_ORG", value_name = "MSPID")]
    org: Option<String>,
    /// The one who asks [default: User1].
    #[arg(long, env = "WASMCC_USER", value_name = "NAME")]
    user: Option<String>,
    /// How long to wait for each answer.
    #[arg(long, default_value = "60s", value_parser = duration::positive, value_name = "TIME")]
    timeout: Duration,
    #[command(flatten)]
    tls: TargetTls,
}

impl OptionalTarget {
    /// The peer that is named; None if none is.
    pub(crate) fn target(&self) -> Result<Option<Target>> {
        let Some(network) = self.network.clone() else {
            return match &self.peer {
                Some(_) => Err(anyhow!("a peer wants to know who asks: give --network DIR")),
                None => Ok(None),
            };
        };
        let Self { peer, org, user, timeout, tls, .. } = self.clone();
        let peer = peer.unwrap_or_else(|| "127.0.0.1:7051".to_owned());
        Ok(Some(Target { peer, network, org, user, timeout, tls }))
    }
}

impl Target {
    /// The same client at another peer, whose certificate is of the CA in the file `root`, if
    /// there is one.
    pub(crate) fn at(&self, peer: &str, root: Option<&PathBuf>) -> Self {
        let tls = root.map_or_else(|| self.tls.clone(), |root| self.tls.with_ca(root));
        Self { peer: peer.to_owned(), tls, ..self.clone() }
    }

    /// How the peer is known, if TLS is wanted.
    pub(crate) fn tls(&self) -> Result<Option<ClientTls>> {
        let usual = || {
            let network = open_network(&self.network)?;
            Ok(org(&network, self.org.as_deref())?.tls_ca_certificate().to_owned())
        };
        self.tls.read(usual, self.peer.starts_with("https://"))
    }

    /// The identity that signs; `usual` is its name unless one is given.
    pub(crate) fn signer(&self, usual: &str) -> Result<SigningIdentity> {
        let network = open_network(&self.network)?;
        let org = org(&network, self.org.as_deref())?;
        let user = self.user.as_deref().unwrap_or(usual);
        org.user(user).with_context(|| {
            let users: Vec<&str> = org.users().collect();
            let (org, users) = (org.msp_id(), users.join(", "));
            format!("cannot sign as {user} of {org}; its users are {users}: name one with --user")
        })
    }
}

/// Reads a network folder.
pub(crate) fn open_network(path: &Path) -> Result<Network> {
    Network::open(path).with_context(|| {
        let path = path.display();
        format!("cannot use the network folder {path} (make one with `wasmcc network {path}`)")
    })
}

/// The organization with this MSP id, or the first.
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
