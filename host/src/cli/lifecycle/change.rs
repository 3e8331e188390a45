//! `approveformyorg` and `commit`: what changes the ledger.

use anyhow::Result;
use serde_json::json;

use crate::cli::endorsing_peers::EndorsingPeers;
use crate::cli::hint::Asked;
use crate::cli::lifecycle::definition::DefinitionArgs;
use crate::cli::lifecycle::{Output, asked};
use crate::cli::output;
use crate::cli::progress::Progress;
use crate::cli::session::{Outcome, Session};
use crate::cli::target::Target;
use crate::client::ProposalBuilder;
use crate::client::lifecycle::{approve, commit};

/// Approve the chaincode definition for my organization.
#[derive(Debug, clap::Args)]
pub(super) struct ApproveForMyOrg {
    #[command(flatten)]
    definition: DefinitionArgs,
    /// The package that the organization's peers run; without, they run none.
    #[arg(long, value_name = "ID")]
    package_id: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    peers: EndorsingPeers,
    #[command(flatten)]
    target: Target,
}

/// Commit the chaincode definition on the channel.
#[derive(Debug, clap::Args)]
pub(super) struct Commit {
    #[command(flatten)]
    definition: DefinitionArgs,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    peers: EndorsingPeers,
    #[command(flatten)]
    target: Target,
}

impl ApproveForMyOrg {
    pub(super) async fn run(self) -> Result<()> {
        let definition = self.definition.definition()?;
        let proposal = approve(definition, self.package_id.as_deref());
        let channel = asked(&self.definition.channel.id);
        let outcome = submit("approving", proposal, channel, &self.peers, &self.target).await?;
        report(outcome, &self.output, &self.target.peer)
    }
}

impl Commit {
    pub(super) async fn run(self) -> Result<()> {
        let proposal = commit(self.definition.definition()?);
        let channel = asked(&self.definition.channel.id);
        let outcome = submit("committing", proposal, channel, &self.peers, &self.target).await?;
        report(outcome, &self.output, &self.target.peer)
    }
}

/// Has the named peers endorse, or else those that the gateway finds.
async fn submit(
    what: &'static str,
    proposal: ProposalBuilder,
    channel: Asked<'_>,
    named: &EndorsingPeers,
    target: &Target,
) -> Result<Outcome> {
    let sessions = named.peers.sessions(target, "Admin").await?;
    let progress = Progress::start(what);
    match sessions.as_slice() {
        [one] if !named.peers.are_named() => one.submit(proposal, &[], channel, &progress).await,
        peers => Session::submit_to(peers, proposal, channel, &progress).await,
    }
}

fn report(outcome: Outcome, format: &Output, peer: &str) -> Result<()> {
    let (tx_id, status) = (&outcome.tx_id, outcome.code.as_str_name());
    match format.is_json() {
        false => {
            output::line(&format!("txid [{tx_id}] committed with status ({status}) at {peer}"))?;
        }
        true => {
            let block = outcome.block_number;
            output::json(&json!({ "status": status, "tx_id": tx_id, "block": block }))?;
        }
    }
    outcome.check()
}
