//! `wasmcc inspect chain`: prints height and members of a channel.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::blocks::{Source, SourceArgs, TxName};
use crate::hint::Asked;
use crate::ordering::last_config;
use crate::output;
use wasmcc_client::qscc;
use wasmcc_ledger::{commit_hash, header_hash};
use wasmcc_msp::{ApplicationCapabilities, ChannelConfig};
use wasmcc_types::QSCC;
use wasmcc_types::proto::common;

/// Show the height of a channel, the hashes of its last blocks, and its configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Chain {
    #[command(flatten)]
    source: SourceArgs,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Chain {
    /// Reads the newest block and the one with the configuration.
    pub(crate) fn run(self) -> Result<()> {
        let source = self.source.open()?;
        let newest = newest(&source)?;
        let config_block = last_config(&newest).unwrap_or(0);
        let (block, _) = source.find(&TxName::At(config_block, 0))?;
        let chain = describe(&newest, &block)?;
        if self.json {
            return output::json(&chain);
        }
        let text = |name: &str| match &chain[name] {
            Value::String(text) => text.clone(),
            Value::Array(names) => {
                names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        output::line(&format!(
            "{}: {} blocks\n\
             newest block      {}, {} transactions\n\
             its hash          {}\n\
             its commit hash   {}\n\
             configuration     sequence {}, of block {config_block}\n\
             organizations     {}\n\
             orderers          {} ({})\n\
             capability        {}",
            text("channel"),
            text("height"),
            newest.header.as_ref().map_or(0, |header| header.number),
            text("newest_block_transactions"),
            text("current_block_hash"),
            chain["commit_hash"].as_str().unwrap_or("none"),
            text("config_sequence"),
            text("organizations"),
            text("orderer_organizations"),
            chain["consensus"].as_str().unwrap_or("unknown"),
            text("capability"),
        ))
    }
}

/// Describes a channel by its newest block and the one with its configuration.
pub(crate) fn describe(newest: &common::Block, config_block: &common::Block) -> Result<Value> {
    let header = newest.header.as_ref().context("the newest block has no header")?;
    let number = config_block.header.as_ref().map_or(0, |header| header.number);
    let config = wasmcc_msp::config_of_block(config_block)
        .and_then(|(channel, config)| ChannelConfig::from_stored(&channel, &config))
        .with_context(|| format!("block {number} holds no usable configuration"))?;
    let orgs = |orgs: &[wasmcc_msp::OrgEntry]| -> Vec<String> {
        orgs.iter().map(|org| org.msp_id.clone()).collect()
    };
    Ok(json!({
        "channel": config.channel_id().as_str(),
        "height": header.number.saturating_add(1),
        "current_block_hash": output::hex(&header_hash(header)),
        "previous_block_hash": output::hex(&header.previous_hash),
        "commit_hash": commit_hash(newest).map(|hash| output::hex(&hash)),
        "newest_block_transactions": newest.data.as_ref().map_or(0, |data| data.data.len()),
        "config_block": number,
        "config_sequence": config.sequence(),
        "organizations": orgs(config.application_orgs()),
        "orderer_organizations": orgs(config.orderer_orgs()),
        "consensus": config.consensus_type(),
        "capability": capability(config.capabilities()),
    }))
}

/// Returns the last block.
pub(super) fn newest(source: &Source) -> Result<common::Block> {
    if let Source::Peer { runtime, session, channel } = source {
        let asked = Asked { channel, chaincode: QSCC };
        let height = runtime.block_on(session.height(channel))?;
        let last = qscc::block_by_number(channel, height.saturating_sub(1));
        return runtime.block_on(session.query_message(last, asked));
    }
    let mut blocks = source.blocks(0, false)?;
    let mut newest = None;
    while let Some(block) = blocks.next()? {
        newest = Some(block);
    }
    newest.context("there are no blocks")
}

/// Returns the highest of the application's capabilities.
fn capability(has: ApplicationCapabilities) -> &'static str {
    let known =
        [(has.v2_5, "V2_5"), (has.v2_0, "V2_0"), (has.v1_4_2, "V1_4_2"), (has.v1_3, "V1_3")];
    known.into_iter().find(|(has, _)| *has).map_or("none of V1_3 or above", |(_, name)| name)
}
