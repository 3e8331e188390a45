//! `wasmcc inspect`: why a transaction became what it became.

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

use crate::ledger::{Data, Steps};
use crate::output;
use wasmcc_ledger::{Conflict, InspectedTx, LedgerFolder, NewestRow, Step};
use wasmcc_node::explain_block;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{ChannelId, Height};

const EXAMPLES: &str = "\
Examples:
  wasmcc inspect tx 58f5b405... --data net/data/Org1MSP
  wasmcc inspect tx 58f5b405... --data net/data/Org1MSP -C mychannel --json | jq '.[].conflict'

A transaction id has 64 digits. This reads the blocks of a peer that is not running. Versions are
BLOCK:TRANSACTION, both from 0.";

/// Look into the ledger of a peer that is not running.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Tx(Tx),
}

/// Explain the verdict on a transaction: the key or range that it lost over, the version that it
/// read, the version in its place, and the transaction that wrote it; or the policy that its
/// endorsements do not satisfy, what the policy protects, and who endorsed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Tx {
    /// The transaction.
    #[arg(value_name = "TXID")]
    tx_id: String,
    #[command(flatten)]
    data: Data,
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// Whether the answer is JSON.
    pub(crate) fn is_json(&self) -> bool {
        let What::Tx(asked) = &self.what;
        asked.json
    }

    /// Finds, replays, explains.
    pub(crate) fn run(self) -> Result<()> {
        let What::Tx(asked) = self.what;
        let folder = asked.data.open()?;
        let channel = folder.channel(&asked.channel)?;
        let mut steps = Steps::start(&format!("reading {channel}"));
        let found = folder.inspect_tx(&channel, &asked.tx_id, &mut |step| steps.show(step))?;
        let reasons = reasons(&folder, &channel, &found, &mut |step| steps.show(step));
        drop(steps);
        if found.is_empty() {
            return Err(anyhow!("channel {channel} has no transaction {}", asked.tx_id));
        }
        if asked.json {
            let found = found.iter().zip(&reasons);
            return output::json(&found.map(|(tx, why)| as_json(tx, why)).collect::<Vec<_>>());
        }
        let mut found = found.iter().zip(&reasons);
        found.try_for_each(|(tx, why)| output::line(&as_text(tx, why)))
    }
}

/// In words: what each lost over, or what the committer found against it.
fn reasons(
    folder: &LedgerFolder,
    channel: &ChannelId,
    found: &[InspectedTx],
    on_step: &mut dyn FnMut(Step),
) -> Vec<Option<String>> {
    let mut reasons = Vec::with_capacity(found.len());
    for tx in found {
        reasons.push(match &tx.conflict {
            Some(conflict) => Some(conflict.to_string()),
            None if tx.code == TxValidationCode::Valid => None,
            None => match explain_block(folder, channel, tx.height.block, on_step) {
                Ok(block) => {
                    let index = usize::try_from(tx.height.tx).unwrap_or(usize::MAX);
                    block.into_iter().nth(index).flatten()
                }
                // The verdict counts, the reason is extra.
                Err(error) => {
                    let error = anyhow::Error::from(error);
                    Some(format!("why is not known any more: {error:#}"))
                }
            },
        });
    }
    reasons
}

fn as_text(tx: &InspectedTx, reason: &Option<String>) -> String {
    let Height { block, tx: index } = tx.height;
    let code = tx.code.as_str_name();
    match reason {
        Some(reason) => {
            let reason = output::key(reason);
            format!("transaction {index} of block {block}: {code}\n  {reason}")
        }
        None => format!("transaction {index} of block {block}: {code}"),
    }
}

fn as_json(tx: &InspectedTx, reason: &Option<String>) -> Value {
    json!({
        "reason": reason,
        "block": tx.height.block,
        "transaction": tx.height.tx,
        "code": tx.code.as_str_name(),
        "conflict": tx.conflict.as_ref().map(conflict_json),
    })
}

fn conflict_json(conflict: &Conflict) -> Value {
    let at = |height: &Option<Height>| height.map(|height| height.to_string());
    let mut value = match conflict {
        Conflict::Key { namespace, key, read, now, writer } => json!({
            "namespace": namespace, "key": key,
            "read": at(read), "now": at(now), "writer": writer,
        }),
        Conflict::PrivateKey { namespace, collection, key_hash, read, now, writer } => json!({
            "namespace": namespace, "collection": collection, "key_hash": output::hex(key_hash),
            "read": at(read), "now": at(now), "writer": writer,
        }),
        Conflict::Range { namespace, start_key, end_key, key, read, now, writer, newest } => {
            let newest = newest.as_ref().map(|NewestRow { key, version, writer }| {
                json!({ "key": key, "version": version.to_string(), "writer": writer })
            });
            json!({
                "namespace": namespace, "start_key": start_key, "end_key": end_key, "key": key,
                "read": at(read), "now": at(now), "writer": writer, "newest": newest,
            })
        }
        Conflict::DuplicateTxId { block } => json!({ "first_in_block": block }),
        Conflict::Refused { namespace, key, .. } => json!({ "namespace": namespace, "key": key }),
    };
    value["text"] = json!(conflict.to_string());
    value
}
