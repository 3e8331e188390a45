//! `approveformyorg` and `commit`: what changes the ledger.

use anyhow::Result;
use serde_json::json;

use crate::cli::lifecycle::definition::DefinitionArgs;
use crate::cli::lifecycle::{Output, asked};
use crate::cli::output;
use crate::cli::progress::Progress;
use crate::cli::session::{Outcome, Session};
use crate::cli::target::Target;
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
    target: Target,
}

impl ApproveForMyOrg {
    pub(super) async fn run(self) -> Result<()> {
        let definition = self.definition.definition()?;
        let session = Session::open(&self.target, "Admin").await?;
        let progress = Progress::start("approving");
        let channel = self.definition.channel.id.as_str();
        let proposal = approve(definition, self.package_id.as_deref());
        let outcome = session.submit(proposal, &[], asked(channel), &progress).await?;
        drop(progress);
        report(outcome, &self.output, &self.target.peer)
    }
}

impl Commit {
    pub(super) async fn run(self) -> Result<()> {
        let definition = self.definition.definition()?;
        let session = Session::open(&self.target, "Admin").await?;
        let progress = Progress::start("committing");
        let channel = self.definition.channel.id.as_str();
        let outcome = session.submit(commit(definition), &[], asked(channel), &progress).await?;
        drop(progress);
        report(outcome, &self.output, &self.target.peer)
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
