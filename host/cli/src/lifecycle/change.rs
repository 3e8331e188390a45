//! `approveformyorg` and `commit`: the verbs that change the ledger.

use anyhow::Result;
use serde_json::json;

use crate::answer::Outcome;
use crate::endorsing_peers::EndorsingPeers;
use crate::hint::Asked;
use crate::lifecycle::definition::DefinitionArgs;
use crate::lifecycle::{Output, asked};
use crate::output;
use crate::progress::Progress;
use crate::session::Session;
use crate::target::Target;
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lifecycle::{approve, commit, query_installed};

/// Approve the chaincode definition for my organization.
#[derive(Debug, clap::Args)]
pub(super) struct ApproveForMyOrg {
    #[command(flatten)]
    definition: DefinitionArgs,
    /// The package that the organization's peers run; without it, they run none.
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
        // As in Fabric's peer command, an empty text means none.
        let package_id = self.package_id.as_deref().filter(|id| !id.is_empty());
        let proposal = approve(definition, package_id);
        let channel = asked(&self.definition.channel.id);
        let sessions = self.peers.peers.sessions(&self.target, "Admin").await?;
        // Only the organization's own peer can endorse its approval, whichever address is called.
        let own = sessions.first().map(|session| session.signer().msp_id().to_owned());
        let endorsers: Vec<String> = own.into_iter().collect();
        let outcome =
            submit("approving", proposal, channel, (&sessions, &endorsers, &self.peers)).await?;
        if let (Some(id), Some(session)) = (package_id, sessions.first()) {
            warn_if_missing(session, id).await;
        }
        report(outcome, &self.output, orderer(&sessions))
    }
}

/// Warns if the peer lacks the package: the approval is valid, but its id may be mistyped. No
/// warning if the peer belongs to another organization and does not list its packages.
async fn warn_if_missing(session: &Session, package_id: &str) {
    let answer = session.process(query_installed(package_id), asked("")).await;
    let Ok(answer) = answer else { return };
    if answer.response().message.contains("could not find chaincode with package id") {
        output::aside(&format!(
            "warning: the peer has no package {package_id}, so it cannot run the chaincode; \
             `wasmcc lifecycle chaincode queryinstalled` lists those that it has"
        ));
    }
}

impl Commit {
    pub(super) async fn run(self) -> Result<()> {
        let proposal = commit(self.definition.definition()?);
        let channel = asked(&self.definition.channel.id);
        let sessions = self.peers.peers.sessions(&self.target, "Admin").await?;
        let outcome =
            submit("committing", proposal, channel, (&sessions, &[], &self.peers)).await?;
        report(outcome, &self.output, orderer(&sessions))
    }
}

/// Collects endorsements from the named peers, else from `endorsers`, else from peers that the
/// gateway selects.
async fn submit(
    what: &'static str,
    proposal: ProposalBuilder,
    channel: Asked<'_>,
    (sessions, endorsers, named): (&[Session], &[String], &EndorsingPeers),
) -> Result<Outcome> {
    let progress = Progress::start(what);
    match sessions {
        [one] if !named.peers.are_named() => {
            one.submit(proposal, endorsers, channel, &progress).await
        }
        peers => Session::submit_to(peers, proposal, channel, &progress).await,
    }
}

/// Returns the address of the first peer, which orders.
fn orderer(sessions: &[Session]) -> &str {
    sessions.first().map_or("", Session::address)
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
