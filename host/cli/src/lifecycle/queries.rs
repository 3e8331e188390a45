//! `checkcommitreadiness`, `queryapproved` and `querycommitted`: queries about definitions and
//! approvals.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::json;

use crate::endorsing_peers::AskedPeer;
use crate::lifecycle::definition::{Channel, DefinitionArgs};
use crate::lifecycle::{Output, asked, json};
use crate::output;
use crate::session::Session;
use crate::target::Target;
use wasmcc_client::lifecycle;
use wasmcc_types::proto::lifecycle::{
    CheckCommitReadinessResult, QueryApprovedChaincodeDefinitionResult,
    QueryApprovedChaincodeDefinitionsResult, QueryChaincodeDefinitionResult,
    QueryChaincodeDefinitionsResult,
};

/// Check whether a chaincode definition is ready to be committed on a channel.
#[derive(Debug, clap::Args)]
pub(super) struct CheckCommitReadiness {
    #[command(flatten)]
    definition: DefinitionArgs,
    /// Show the differences if an organization has approved another definition.
    #[arg(long, value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    inspect: Option<bool>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    peer: AskedPeer,
    #[command(flatten)]
    target: Target,
}

/// Query an organization's approved chaincode definitions from its peer.
#[derive(Debug, clap::Args)]
pub(super) struct QueryApproved {
    #[command(flatten)]
    channel: Channel,
    /// The chaincode [default: all].
    #[arg(short, long, value_name = "NAME")]
    name: Option<String>,
    /// The sequence of the definition [default: the latest].
    #[arg(long, value_name = "NUMBER", requires = "name")]
    sequence: Option<i64>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    peer: AskedPeer,
    #[command(flatten)]
    target: Target,
}

/// Query the committed chaincode definitions of a channel.
#[derive(Debug, clap::Args)]
pub(super) struct QueryCommitted {
    #[command(flatten)]
    channel: Channel,
    /// The chaincode; also shows its approvals [default: all].
    #[arg(short, long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    peer: AskedPeer,
    #[command(flatten)]
    target: Target,
}

impl CheckCommitReadiness {
    pub(super) async fn run(self) -> Result<()> {
        let definition = self.definition.definition()?;
        let session = self.peer.session(&self.target, "User1").await?;
        let DefinitionArgs { channel, name, version, sequence, .. } = &self.definition;
        let proposal = lifecycle::check_commit_readiness(definition);
        let mut result: CheckCommitReadinessResult =
            session.query_message(proposal, asked(&channel.id)).await?;
        if self.inspect != Some(true) {
            result.mismatches.clear();
        }
        if self.output.is_json() {
            return output::json(&json::readiness(&result));
        }
        output::line(&format!(
            "Chaincode definition for chaincode '{name}', version '{version}', sequence \
             '{sequence}' on channel '{}' approval status by org:",
            channel.id
        ))?;
        for (org, approved) in &result.approvals {
            let mismatch = match result.mismatches.get(org) {
                Some(found) => format!(" (mismatch: [{}])", found.items.join(", ")),
                None => String::new(),
            };
            output::line(&format!("{org}: {approved}{mismatch}"))?;
        }
        Ok(())
    }
}

impl QueryApproved {
    pub(super) async fn run(self) -> Result<()> {
        let session = self.peer.session(&self.target, "Admin").await?;
        let channel = self.channel.id.as_str();
        let Some(name) = &self.name else { return self.all(&session).await };
        let sequence = self.sequence.unwrap_or(0);
        if sequence < 0 {
            bail!("sequences begin with 1");
        }
        let proposal = lifecycle::query_approved(channel, name, sequence);
        let approved: QueryApprovedChaincodeDefinitionResult =
            session.query_message(proposal, asked(channel)).await?;
        if self.output.is_json() {
            return output::json(&json::approved(&approved));
        }
        output::line(&format!(
            "Approved chaincode definition for chaincode '{name}' on channel '{channel}':"
        ))?;
        output::line(&format!(
            "sequence: {}, version: {}, init-required: {}, package-id: {}, endorsement plugin: {}, \
             validation plugin: {}",
            approved.sequence,
            approved.version,
            approved.init_required,
            json::package_id(approved.source.as_ref()),
            approved.endorsement_plugin,
            approved.validation_plugin
        ))
    }

    async fn all(&self, session: &Session) -> Result<()> {
        let channel = self.channel.id.as_str();
        let result: QueryApprovedChaincodeDefinitionsResult =
            session.query_message(lifecycle::query_all_approved(channel), asked(channel)).await?;
        let definitions = result.approved_chaincode_definitions;
        if self.output.is_json() {
            let definitions: Vec<_> = definitions.iter().map(json::approved_of).collect();
            return output::json(&json!({ "approved_chaincode_definitions": definitions }));
        }
        output::line(&format!("Approved chaincode definitions on channel '{channel}':"))?;
        for approved in definitions {
            output::line(&format!(
                "name: {}, sequence: {}, version: {}, init-required: {}, package-id: {}, \
                 endorsement plugin: {}, validation plugin: {}",
                approved.name,
                approved.sequence,
                approved.version,
                approved.init_required,
                json::package_id(approved.source.as_ref()),
                approved.endorsement_plugin,
                approved.validation_plugin
            ))?;
        }
        Ok(())
    }
}

impl QueryCommitted {
    pub(super) async fn run(self) -> Result<()> {
        let session = self.peer.session(&self.target, "User1").await?;
        let channel = self.channel.id.as_str();
        let Some(name) = &self.name else { return self.all(&session).await };
        let proposal = lifecycle::query_committed(channel, name);
        let found: QueryChaincodeDefinitionResult =
            session.query_message(proposal, asked(channel)).await?;
        if self.output.is_json() {
            return output::json(&json::committed(&found));
        }
        output::line(&format!(
            "Committed chaincode definition for chaincode '{name}' on channel '{channel}':"
        ))?;
        let QueryChaincodeDefinitionResult { sequence, version, approvals, .. } = &found;
        output::line(&format!(
            "Version: {version}, Sequence: {sequence}, Endorsement Plugin: {}, Validation Plugin: \
             {}, Approvals: [{}]",
            found.endorsement_plugin,
            found.validation_plugin,
            listed(approvals)
        ))
    }

    async fn all(&self, session: &Session) -> Result<()> {
        let channel = self.channel.id.as_str();
        let result: QueryChaincodeDefinitionsResult =
            session.query_message(lifecycle::query_all_committed(channel), asked(channel)).await?;
        let definitions = result.chaincode_definitions;
        if self.output.is_json() {
            let definitions: Vec<_> = definitions.iter().map(json::committed_of).collect();
            return output::json(&json!({ "chaincode_definitions": definitions }));
        }
        output::line(&format!("Committed chaincode definitions on channel '{channel}':"))?;
        for found in definitions {
            output::line(&format!(
                "Name: {}, Version: {}, Sequence: {}, Endorsement Plugin: {}, Validation Plugin: \
                 {}",
                found.name,
                found.version,
                found.sequence,
                found.endorsement_plugin,
                found.validation_plugin
            ))?;
        }
        Ok(())
    }
}

fn listed(approvals: &BTreeMap<String, bool>) -> String {
    let approvals: Vec<String> =
        approvals.iter().map(|(org, approved)| format!("{org}: {approved}")).collect();
    approvals.join(", ")
}
