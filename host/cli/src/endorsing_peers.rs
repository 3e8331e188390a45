//! Options of Fabric's `peer` command that select endorsing peers and orderer, so that commands
//! written for it work unchanged.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::duration;
use crate::session::Session;
use crate::target::Target;
use crate::usage::wrong;

/// Which peers endorse a transaction.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "As in Fabric's peer command")]
pub(crate) struct EndorsingPeers {
    #[command(flatten)]
    pub peers: PeerAddresses,
    #[command(flatten)]
    _ordering: Ordering,
}

/// Peers by their addresses.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "As in Fabric's peer command")]
pub(crate) struct PeerAddresses {
    /// The address of a peer to ask, in place of --peer; may be repeated. Of several, all endorse
    /// and the first one orders.
    #[arg(long = "peerAddresses", value_name = "HOST:PORT")]
    addresses: Vec<String>,
    /// The CA of the TLS certificate of the peer in the same position, a PEM file.
    #[arg(long = "tlsRootCertFiles", value_name = "FILE")]
    roots: Vec<PathBuf>,
}

/// Options about the orderer. The peer forwards transactions to its orderer, so
/// nothing of this is needed.
#[derive(Debug, Default, clap::Args)]
struct Ordering {
    /// Accepted without effect: the peer knows its orderer.
    #[arg(short = 'o', long, value_name = "HOST:PORT")]
    orderer: Option<String>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "ordererTLSHostnameOverride", value_name = "NAME")]
    orderer_name: Option<String>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "cafile", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "certfile", value_name = "FILE")]
    certificate_file: Option<PathBuf>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "keyfile", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "clientauth")]
    client_auth: bool,
    /// Accepted without effect, as --orderer.
    #[arg(long = "connTimeout", value_parser = duration::positive, value_name = "TIME")]
    connect_timeout: Option<Duration>,
    /// Accepted without effect: the commit is always waited for.
    #[arg(long = "waitForEvent")]
    wait_for_event: bool,
    /// Accepted without effect: see --timeout.
    #[arg(long = "waitForEventTimeout", value_parser = duration::positive, value_name = "TIME")]
    wait_timeout: Option<Duration>,
}

impl PeerAddresses {
    /// A session with each of the peers, or with that of `target` if none are named.
    pub(crate) async fn sessions(&self, target: &Target, usual: &str) -> Result<Vec<Session>> {
        if self.addresses.is_empty() {
            if !self.roots.is_empty() {
                let text = "--tlsRootCertFiles belongs to --peerAddresses: give both, or --tls-ca";
                return Err(wrong(text));
            }
            return Ok(vec![Session::open(target, usual).await?]);
        }
        let (addresses, roots) = (self.addresses.len(), self.roots.len());
        if roots != 0 && roots != addresses {
            return Err(wrong(format!(
                "{addresses} peers by --peerAddresses, but {roots} files by --tlsRootCertFiles: \
                 give one for each peer"
            )));
        }
        let mut sessions = Vec::with_capacity(addresses);
        for (index, address) in self.addresses.iter().enumerate() {
            let target = target.at(address, self.roots.get(index));
            sessions.push(Session::open(&target, usual).await?);
        }
        Ok(sessions)
    }

    /// True if peers are named.
    pub(crate) fn are_named(&self) -> bool {
        !self.addresses.is_empty()
    }
}
