//! `wasmcc inspect tx`: prints a transaction and the reason for its verdict.

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use super::explained_tx::{as_json, as_text, reasons};
use crate::blocks::{Source, SourceArgs, TxName};
use crate::compiler::compiler;
use crate::ledger::Steps;
use crate::signal::Interrupt;
use crate::{block_json, output};
use wasmcc_audit::{Laboratory, LaboratoryConfig};
use wasmcc_ledger::{InspectedTx, LedgerFolder, TxEnvelope, tx_filter};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{ChannelId, Height};

/// Show a transaction and explain its verdict: a conflict with the key or range, the version that
/// was read, the present version and the transaction that wrote it; or an unsatisfied policy with
/// what it protects and who endorsed.
#[derive(Debug, clap::Args)]
pub(crate) struct Tx {
    /// The transaction. For an id that was used twice, all its transactions are shown; a running
    /// peer returns only the first one.
    #[arg(value_name = "TXID|BLOCK:TRANSACTION")]
    tx: TxName,
    #[command(flatten)]
    source: SourceArgs,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A transaction, the reason for its verdict, and its block.
type Explained = (InspectedTx, Option<String>, Option<Block>);

impl Tx {
    pub(crate) fn run(self) -> Result<()> {
        let source = self.source.open()?;
        let found = match &source {
            Source::Folder { folder, channel } => self.in_folder(&source, folder, channel)?,
            _ => {
                let found = source.find_all(&self.tx)?.into_iter();
                found.map(|found| elsewhere(&source, found)).collect::<Result<_>>()?
            }
        };
        let mut shown = Vec::with_capacity(found.len());
        for (tx, why, block) in &found {
            let at = usize::try_from(tx.height.tx).unwrap_or(usize::MAX);
            let block = block.as_ref().map(block_json::Block::new);
            let details = block.as_ref().and_then(|block| block.transaction(at));
            shown.push((tx, why, details.map(serde_json::to_value).transpose()?));
        }
        if self.json {
            let all = shown.into_iter().map(|(tx, why, details)| {
                let mut json = as_json(tx, why);
                json["details"] = details.unwrap_or_default();
                json
            });
            return output::json(&all.collect::<Vec<_>>());
        }
        shown.iter().try_for_each(|(tx, why, details)| {
            output::line(&as_text(tx, why))?;
            details.as_ref().map_or(Ok(()), |details| output::line(&details_text(details)))
        })
    }

    fn in_folder(
        &self,
        source: &Source,
        folder: &LedgerFolder,
        channel: &ChannelId,
    ) -> Result<Vec<Explained>> {
        let (id, place) = match &self.tx {
            TxName::Id(id) => (id.clone(), None),
            at @ TxName::At(number, _) => {
                let (block, index) = source.find(at)?;
                (tx_id(&block, index), Some(Height::new(*number, index as u64)))
            }
        };
        let mut steps = Steps::start(&format!("reading {channel}"));
        let mut found = folder.inspect_tx(channel, &id, &mut |step| steps.show(step))?;
        found.retain(|tx| place.is_none_or(|place| tx.height == place));
        let reasons = reasons(folder, channel, &found, &mut |step| steps.show(step))?;
        drop(steps);
        if found.is_empty() {
            return Err(anyhow!("channel {channel} has no transaction {id}"));
        }
        let stored = folder.stored(channel).ok();
        // After a crash, the state's index lacks the last blocks.
        let read = |number| Some(source.find(&TxName::At(number, 0)).ok()?.0);
        let block = |number| stored.as_ref()?.block(number).ok()?.or_else(|| read(number));
        let found = found.into_iter().zip(reasons);
        Ok(found.map(|(tx, why)| (tx.clone(), why, block(tx.height.block))).collect())
    }
}

/// Explains a transaction of a peer or a file. Rebuilds the state before its block only if there is
/// something to explain.
fn elsewhere(source: &Source, (block, at): (Block, usize)) -> Result<Explained> {
    let number = block.header.as_ref().map_or(0, |header| header.number);
    let code = tx_filter(&block).get(at).map(|code| i32::from(*code));
    let code = code.and_then(|code| TxValidationCode::try_from(code).ok());
    let code = code.unwrap_or(TxValidationCode::InvalidOtherReason);
    let height = Height::new(number, at as u64);
    let mut tx = InspectedTx { height, code, conflict: None };
    let mut why = None;
    if code != TxValidationCode::Valid && number > 0 {
        // A signal must not leave the temporary folder behind.
        let _interrupt = Interrupt::listen()?;
        let laboratory = followed_to(source, number)?;
        let judged = laboratory.verdicts(&block, 1)?;
        why = judged.into_iter().nth(at).and_then(|(_, reason)| reason);
        let committed = laboratory.add(block.clone(), None);
        if let Ok(committed) = committed {
            tx.conflict = committed.txs.into_iter().nth(at).and_then(|tx| tx.conflict);
        }
        why = why.or_else(|| tx.conflict.as_ref().map(ToString::to_string));
    }
    Ok((tx, why, Some(block)))
}

/// Rebuilds the state before block `number`.
fn followed_to(source: &Source, number: u64) -> Result<Laboratory> {
    let config = LaboratoryConfig { compiler: compiler()?, ..LaboratoryConfig::default() };
    let laboratory = Laboratory::new(config, &[])?;
    let mut blocks = source.blocks(0, false)?;
    let mut steps = Steps::start("rebuilding the state");
    while laboratory.height() < number {
        let block = blocks.next()?.context("the source ends before the transaction's block")?;
        laboratory.add(block, None)?;
        steps.show(blocks.step()?);
    }
    Ok(laboratory)
}

fn tx_id(block: &Block, at: usize) -> String {
    let entry = block.data.as_ref().and_then(|data| data.data.get(at));
    let envelope = entry.and_then(|entry| TxEnvelope::parse(entry).ok());
    envelope.map(|envelope| envelope.into_channel_header().tx_id).unwrap_or_default()
}

/// Returns creator, chaincode, function and response as text.
fn details_text(details: &Value) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => output::shown(text),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    let identity =
        |value: &Value| format!("{} of {}", text(&value["name"]), text(&value["msp_id"]));
    let list = |name: &str, show: &dyn Fn(&Value) -> String| {
        let items = details[name].as_array().map_or(&[][..], Vec::as_slice);
        items.iter().map(show).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![
        format!("  id         {}", text(&details["tx_id"])),
        format!("  creator    {}", identity(&details["creator"])),
        format!("  time       {}", text(&details["timestamp"])),
    ];
    if let Value::Object(chaincode) = &details["chaincode"] {
        let part = |name: &str| chaincode.get(name).map(text).unwrap_or_default();
        lines.push(format!("  chaincode  {} {}", part("name"), part("version")));
        lines.push(format!("  input      {}", list("input", &text)));
        let response = &details["response"];
        let (status, payload) = (text(&response["status"]), text(&response["payload"]));
        lines.push(format!("  response   {status} {payload}"));
        lines.push(format!("  endorsers  {}", list("endorsers", &identity)));
    }
    if let Value::Object(_) = &details["event"] {
        let event = &details["event"];
        lines.push(format!("  event      {} {}", text(&event["name"]), text(&event["payload"])));
    }
    lines.join("\n")
}
