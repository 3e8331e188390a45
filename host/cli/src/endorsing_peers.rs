//! Options of Fabric's `peer` command that select endorsing peers and orderer, so that commands
//! written for it work unchanged.

use std::cmp;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::duration;
use crate::hint::Asked;
use crate::output;
use crate::session::Session;
use crate::target::Target;
use crate::usage::wrong;
use wasmcc_client::qscc;
use wasmcc_ledger::header_hash;
use wasmcc_types::QSCC;
use wasmcc_types::proto::common::{Block, BlockchainInfo};

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
    /// and the first one orders. They need the same chain: each process of this program orders its
    /// own.
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

    /// Warns if a named peer does not have the chain of the first one, in which the transaction
    /// will be. A peer that does not show its chain to the client may endorse for it all the same.
    pub(crate) async fn warn_of_other_chains(&self, sessions: &[Session], channel: &str) {
        let mut peers = self.addresses.iter().zip(sessions);
        let Some((first, orderer)) = peers.next() else { return };
        for (address, session) in peers {
            if have_same_chain(orderer, session, channel).await.unwrap_or(true) {
                continue;
            }
            output::aside(&format!(
                "warning: {address} has another chain of {channel} than {first}, and the \
                 transaction is only in that of {first}, which orders: the peers of a channel \
                 belong into one process (wasmcc peer --org A --org B)"
            ));
        }
    }

    /// True if peers are named.
    pub(crate) fn are_named(&self) -> bool {
        !self.addresses.is_empty()
    }
}

/// Compares the blocks of two peers, as far as both have them: one of them may lag behind.
async fn have_same_chain(one: &Session, other: &Session, channel: &str) -> Result<bool> {
    let asked = Asked { channel, chaincode: QSCC };
    let one_info: BlockchainInfo = one.query_message(qscc::chain_info(channel), asked).await?;
    let other_info: BlockchainInfo = other.query_message(qscc::chain_info(channel), asked).await?;
    let (longer, short) = match one_info.height.cmp(&other_info.height) {
        cmp::Ordering::Equal => {
            return Ok(one_info.current_block_hash == other_info.current_block_hash);
        }
        cmp::Ordering::Less => (other, one_info),
        cmp::Ordering::Greater => (one, other_info),
    };
    let last = qscc::block_by_number(channel, short.height.saturating_sub(1));
    let last: Block = longer.query_message(last, asked).await?;
    let hash = last.header.map(|header| header_hash(&header).to_vec());
    Ok(hash.is_none_or(|hash| hash == short.current_block_hash))
}
