//! `wasmcc snapshot`: requests snapshots of a channel's ledger, as `peer snapshot` does.

use anyhow::{Context, Result};
use prost::Message;

use crate::file::OptionalFile;
use crate::output;
use crate::session::Session;
use crate::target::Target;
use crate::usage::wrong;
use wasmcc_client as client;
use wasmcc_types::proto::common::SignatureHeader;
use wasmcc_types::proto::protos::snapshot_client::SnapshotClient;
use wasmcc_types::proto::protos::{SignedSnapshotRequest, SnapshotQuery, SnapshotRequest};

const EXAMPLES: &str = "\
Examples:
  wasmcc snapshot submitrequest -c mychannel                       # of the newest block
  wasmcc snapshot submitrequest -c mychannel -b 1000 --network net
  wasmcc snapshot listpending -c mychannel --peerAddress localhost:7051 --tlsRootCertFile ca.crt
  wasmcc snapshot cancelrequest -c mychannel -b 1000

The snapshot is in Fabric's format, in snapshots/completed/CHANNEL/BLOCK of the peer's data folder.
Admins of the peer's organization may request it.";

/// Manage requests for snapshots of a channel's ledger, in Fabric's format.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Snapshot {
    #[command(subcommand)]
    what: SnapshotVerb,
}

#[derive(Debug, clap::Subcommand)]
enum SnapshotVerb {
    Submitrequest(Submit),
    Cancelrequest(Cancel),
    Listpending(List),
}

/// Request a snapshot to be made when a block is committed.
#[derive(Debug, clap::Args)]
struct Submit {
    /// The number of the last block in the snapshot; 0: the newest block.
    #[arg(short, long = "blockNumber", value_name = "N", default_value_t = 0)]
    block: u64,
    #[command(flatten)]
    at: At,
}

/// Cancel a request whose snapshot is not being made yet.
#[derive(Debug, clap::Args)]
struct Cancel {
    /// The number of the block.
    #[arg(short, long = "blockNumber", value_name = "N")]
    block: u64,
    #[command(flatten)]
    at: At,
}

/// List the blocks of pending requests, also of snapshots that are being made.
#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    at: At,
}

/// Options for the channel and the peer.
#[derive(Debug, clap::Args)]
struct At {
    /// The channel.
    #[arg(short = 'c', long, visible_short_alias = 'C', visible_alias = "channelID")]
    #[arg(env = "WASMCC_CHANNEL", default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// The address of the peer, in place of --peer, as in Fabric's peer command.
    #[arg(long = "peerAddress", value_name = "HOST:PORT")]
    address: Option<String>,
    /// The CA of its TLS certificate, a PEM file.
    #[arg(long = "tlsRootCertFile", value_name = "FILE")]
    root: Option<OptionalFile>,
    #[command(flatten)]
    target: Target,
}

impl Snapshot {
    pub(crate) async fn run(self) -> Result<()> {
        match self.what {
            SnapshotVerb::Submitrequest(verb) => verb.run().await,
            SnapshotVerb::Cancelrequest(verb) => verb.run().await,
            SnapshotVerb::Listpending(verb) => verb.run().await,
        }
    }
}

impl At {
    async fn session(&self) -> Result<Session> {
        if self.channel.is_empty() {
            return Err(wrong("the name of the channel is empty: give --channelID NAME"));
        }
        let root = self.root.as_ref().and_then(OptionalFile::path);
        let target = self.target.at(self.address.as_deref().unwrap_or_default(), root)?;
        Session::open(&target, "Admin").await
    }
}

impl Submit {
    async fn run(self) -> Result<()> {
        let session = self.at.session().await?;
        let request = request(&session, self.at.channel, self.block);
        let answered = service(&session).generate(session.request(request)).await;
        answered
            .map_err(|status| session.broken(&status))
            .context("failed to submit the request")?;
        output::line("Snapshot request submitted successfully")
    }
}

impl Cancel {
    async fn run(self) -> Result<()> {
        let session = self.at.session().await?;
        let request = request(&session, self.at.channel, self.block);
        let answered = service(&session).cancel(session.request(request)).await;
        answered
            .map_err(|status| session.broken(&status))
            .context("failed to cancel the request")?;
        output::line("Snapshot request cancelled successfully")
    }
}

impl List {
    async fn run(self) -> Result<()> {
        let session = self.at.session().await?;
        let (signature_header, channel_id) = (Some(header(&session)), self.at.channel);
        let query = SnapshotQuery { signature_header, channel_id };
        let request = session.request(signed(&session, &query));
        let answered = service(&session).query_pendings(request).await;
        let pending = answered
            .map_err(|status| session.broken(&status))
            .context("failed to list pending requests")?;
        let blocks: Vec<String> =
            pending.into_inner().block_numbers.iter().map(u64::to_string).collect();
        let blocks = blocks.join(" ");
        output::line(&format!("Successfully got pending snapshot requests: [{blocks}]"))
    }
}

fn service(session: &Session) -> SnapshotClient<tonic::transport::Channel> {
    SnapshotClient::new(session.connection())
}

fn request(session: &Session, channel_id: String, block_number: u64) -> SignedSnapshotRequest {
    let signature_header = Some(header(session));
    signed(session, &SnapshotRequest { signature_header, channel_id, block_number })
}

fn header(session: &Session) -> SignatureHeader {
    let creator = session.signer().serialized().to_vec();
    SignatureHeader { creator, nonce: client::random_nonce() }
}

fn signed(session: &Session, request: &impl Message) -> SignedSnapshotRequest {
    let request = request.encode_to_vec();
    let signature = session.signer().sign(&request);
    SignedSnapshotRequest { request, signature }
}
