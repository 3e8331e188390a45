//! Options of Fabric's `peer` command that select endorsing peers and orderer, so that its command
//! lines work unchanged.

use std::cmp;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueHint;

use crate::file::OptionalFile;
use crate::hint::Asked;
use crate::session::Session;
use crate::target::Target;
use crate::usage::wrong;
use crate::{duration, output};
use wasmcc_client::qscc;
use wasmcc_ledger::header_hash;
use wasmcc_types::QSCC;
use wasmcc_types::proto::common::{Block, BlockchainInfo};

/// The heading of these options.
const AS_IN_FABRIC: &str = "As in Fabric's peer command";

/// Options that select the endorsing peers.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = AS_IN_FABRIC)]
pub(crate) struct EndorsingPeers {
    #[command(flatten)]
    pub peers: PeerAddresses,
    #[command(flatten)]
    _orderer: Orderer,
    /// Accepted without effect: this command always waits for the commit.
    #[arg(long = "waitForEvent", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    _wait_for_event: Option<bool>,
    /// Accepted without effect: see --timeout.
    #[arg(long = "waitForEventTimeout", value_parser = duration::parse, value_name = "TIME")]
    _wait_timeout: Option<Duration>,
}

/// Options that select the peer to query.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = AS_IN_FABRIC)]
pub(crate) struct AskedPeer {
    #[command(flatten)]
    peers: PeerAddresses,
    #[command(flatten)]
    _orderer: Orderer,
}

/// Options for peers by their addresses.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = AS_IN_FABRIC)]
pub(crate) struct PeerAddresses {
    /// The address of a peer to ask, in place of --peer; may be repeated. Several peers all
    /// endorse, and the first one orders. They need the same chain: each process of this program
    /// orders its own.
    #[arg(long = "peerAddresses", value_name = "HOST:PORT")]
    addresses: Vec<String>,
    /// The CA of the TLS certificate of the peer in the same position, a PEM file.
    #[arg(long = "tlsRootCertFiles", value_name = "FILE", value_hint = ValueHint::FilePath)]
    roots: Vec<OptionalFile>,
}

/// Options about the orderer. They have no effect, since the peer forwards transactions to its
/// orderer.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = AS_IN_FABRIC)]
pub(crate) struct Orderer {
    /// Accepted without effect: the peer knows its orderer.
    #[arg(short = 'o', long, value_name = "HOST:PORT")]
    orderer: Option<String>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "ordererTLSHostnameOverride", value_name = "NAME")]
    orderer_name: Option<String>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "cafile", value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca_file: Option<OptionalFile>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "certfile", value_name = "FILE", value_hint = ValueHint::FilePath)]
    certificate_file: Option<OptionalFile>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "keyfile", value_name = "FILE", value_hint = ValueHint::FilePath)]
    key_file: Option<OptionalFile>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "clientauth", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    client_auth: Option<bool>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "connTimeout", value_parser = duration::parse, value_name = "TIME")]
    connect_timeout: Option<Duration>,
    /// Accepted without effect, as --orderer.
    #[arg(long = "tlsHandshakeTimeShift", value_parser = duration::parse, value_name = "TIME")]
    time_shift: Option<Duration>,
}

impl AskedPeer {
    /// Opens a session with the named peer, or else with that of `target`.
    pub(crate) async fn session(&self, target: &Target, usual: &str) -> Result<Session> {
        if self.peers.addresses.len() > 1 {
            return Err(wrong("this command asks one peer: give --peerAddresses once"));
        }
        let sessions = self.peers.sessions(target, usual).await?;
        sessions.into_iter().next().context("no peer is named")
    }

    /// True if a peer is named.
    pub(crate) fn is_named(&self) -> bool {
        self.peers.are_named()
    }
}

impl PeerAddresses {
    /// Opens a session with each named peer, or else with that of `target`.
    pub(crate) async fn sessions(&self, target: &Target, usual: &str) -> Result<Vec<Session>> {
        let roots = self.roots.len();
        if !self.are_named() && roots <= 1 {
            // The file then is for the peer of `target`, as in Fabric's command.
            let target = target.at("", self.roots.first().and_then(OptionalFile::path))?;
            return Ok(vec![Session::open(&target, usual).await?]);
        }
        let addresses = self.addresses.len();
        if roots != 0 && roots != addresses {
            return Err(wrong(format!(
                "{addresses} peers by --peerAddresses, but {roots} files by --tlsRootCertFiles: \
                 give one for each peer"
            )));
        }
        let mut sessions = Vec::with_capacity(addresses);
        for (index, address) in self.addresses.iter().enumerate() {
            let root = self.roots.get(index).and_then(OptionalFile::path);
            sessions.push(Session::open(&target.at(address, root)?, usual).await?);
        }
        Ok(sessions)
    }

    /// Warns if a peer's chain differs from that of the first peer, which orders. Ignores peers
    /// that do not let the client read their chain: they may endorse for it nevertheless.
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
        self.addresses.iter().any(|address| !address.is_empty())
    }
}

/// Compares the blocks that both peers have, since one of them may lag behind.
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
