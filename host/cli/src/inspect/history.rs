//! `wasmcc inspect history`: prints all writes of a key.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::view::{ViewArgs, limit};
use crate::output;
use wasmcc_ledger::KeyModification;

/// Show every write of a key, the newest first, with its transaction.
#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// The chaincode.
    #[arg(value_name = "CHAINCODE")]
    chaincode: String,
    /// The key.
    #[arg(value_name = "KEY")]
    key: String,
    /// Most writes to show.
    #[arg(long, default_value = "100", value_parser = limit(), value_name = "N")]
    limit: usize,
    #[command(flatten)]
    view: ViewArgs,
    /// Print them as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl History {
    pub(crate) fn run(self) -> Result<()> {
        let view = self.view.open()?;
        let key = output::unescaped(&self.key);
        let mut all = view.ledger().history(&self.chaincode, &key)?;
        let changes = all.by_ref().take(self.limit).collect::<Result<Vec<_>, _>>()?;
        let has_more = all.next().transpose()?.is_some();
        if changes.is_empty() {
            let (chaincode, key) = (&self.chaincode, output::shown_key(&key));
            bail!("no valid transaction has written key {key} of {chaincode}");
        }
        let mut rows = Vec::with_capacity(changes.len());
        for change in &changes {
            let block = view.ledger().tx_validation(&change.tx_id)?.map(|(_, block)| block);
            rows.push((change, block));
        }
        if has_more {
            output::aside("there are older writes: --limit shows more");
        }
        if self.json {
            let rows = rows.iter().map(|(change, block)| as_json(change, *block, usize::MAX));
            return output::json(&rows.collect::<Vec<_>>());
        }
        rows.iter().try_for_each(|(change, block)| {
            let value = (!change.is_delete).then_some(&change.value);
            let block = block.map_or_else(|| "unknown".to_owned(), |block| block.to_string());
            let value = value.map(|value| output::shown_text(value));
            let value = value.unwrap_or_else(|| "deleted".to_owned());
            output::line(&format!("block {block}, {}\n  {value}", output::shown(&change.tx_id)))
        })
    }
}

/// A write in the given block, with at most `max` bytes of its value.
pub(crate) fn as_json(change: &KeyModification, block: Option<u64>, max: usize) -> Value {
    let value = (!change.is_delete).then(|| output::bytes_up_to(&change.value, max));
    json!({
        "tx_id": change.tx_id,
        "block": block,
        "deleted": change.is_delete,
        "value": value,
        "seconds": change.timestamp.map(|at| at.seconds),
        "nanos": change.timestamp.map(|at| at.nanos),
    })
}
