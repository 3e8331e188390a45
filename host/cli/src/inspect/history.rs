//! `wasmcc inspect history`: all writes of a key.

use anyhow::{Result, bail};
use serde_json::json;

use super::view::{ViewArgs, unescaped};
use crate::output;

/// Show every write of a key, the newest first, with the transaction that wrote.
#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// The chaincode.
    #[arg(value_name = "CHAINCODE")]
    chaincode: String,
    /// The key.
    #[arg(value_name = "KEY")]
    key: String,
    /// Limit of writes.
    #[arg(long, default_value = "100", value_name = "N")]
    limit: usize,
    #[command(flatten)]
    view: ViewArgs,
    /// Print them as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl History {
    /// Reads the history.
    pub(crate) fn run(self) -> Result<()> {
        let view = self.view.open()?;
        let key = unescaped(&self.key);
        let changes = view.ledger().history(&self.chaincode, &key)?;
        let changes = changes.take(self.limit).collect::<Result<Vec<_>, _>>()?;
        if changes.is_empty() {
            let (chaincode, key) = (&self.chaincode, output::shown(&key));
            bail!("no valid transaction has written key {key} of {chaincode}");
        }
        let mut rows = Vec::with_capacity(changes.len());
        for change in &changes {
            let block = view.ledger().tx_validation(&change.tx_id)?.map(|(_, block)| block);
            let value = (!change.is_delete).then_some(&change.value);
            let at = change.timestamp.map(|at| (at.seconds, at.nanos));
            rows.push((change, block, value, at));
        }
        if self.json {
            let rows = rows.iter().map(|(change, block, value, at)| {
                json!({
                    "tx_id": change.tx_id,
                    "block": block,
                    "deleted": change.is_delete,
                    "value": value.map(|value| output::bytes(value)),
                    "seconds": at.map(|(seconds, _)| seconds),
                    "nanos": at.map(|(_, nanos)| nanos),
                })
            });
            return output::json(&rows.collect::<Vec<_>>());
        }
        rows.iter().try_for_each(|(change, block, value, _)| {
            let block = block.map_or_else(|| "unknown".to_owned(), |block| block.to_string());
            let value = value.map_or_else(|| "deleted".to_owned(), |value| output::text(value));
            output::line(&format!("block {block}, {}\n  {value}", output::shown(&change.tx_id)))
        })
    }
}
