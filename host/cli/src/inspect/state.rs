//! `wasmcc inspect state`: the keys of a chaincode.

use anyhow::Result;
use serde_json::{Value, json};

use super::view::{ViewArgs, unescaped};
use crate::output;
use wasmcc_ledger::VersionedValue;

/// Show keys and values of a chaincode, in the order of the keys.
#[derive(Debug, clap::Args)]
pub(crate) struct State {
    /// The chaincode; `_lifecycle` and lscc have state, too.
    #[arg(value_name = "CHAINCODE")]
    chaincode: String,
    /// Only keys that begin with this; of composite keys for example '\0asset\0red\0'.
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Begin after this key.
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// Limit of keys.
    #[arg(long, default_value = "100", value_name = "N")]
    limit: usize,
    #[command(flatten)]
    view: ViewArgs,
    /// Print them as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl State {
    /// Reads a range of the state.
    pub(crate) fn run(self) -> Result<()> {
        let view = self.view.open()?;
        let prefix = unescaped(&self.prefix);
        let after = self.after.as_deref().map(unescaped);
        let start = after.as_ref().map_or(prefix.as_str(), |after| prefix.as_str().max(after));
        let (mut rows, mut more) = (Vec::new(), false);
        for row in view.snapshot().range(&self.chaincode, start, "") {
            let (key, value) = row?;
            if !key.starts_with(&prefix) {
                break;
            }
            if after.as_ref() == Some(&key) {
                continue;
            }
            if rows.len() == self.limit {
                more = true;
                break;
            }
            rows.push((key, value));
        }
        let height = view.ledger().height();
        if self.json {
            let rows = rows.iter().map(|(key, value)| as_json(key, value));
            let rows = rows.collect::<Result<Vec<_>>>()?;
            return output::json(&json!({ "height": height, "keys": rows, "more": more }));
        }
        for (key, value) in &rows {
            let metadata = match value.metadata_bytes.is_empty() {
                true => "",
                false => " (has metadata)",
            };
            let (key, text) = (output::shown(key), output::text(&value.value));
            output::line(&format!("{key} = {text}\n  version {}{metadata}", value.version))?;
        }
        if rows.is_empty() {
            output::aside(&format!(
                "{} has no such key in the state of {height} blocks",
                self.chaincode
            ))?;
        }
        match (more, rows.last()) {
            (true, Some((key, _))) => {
                let key = output::shown(key);
                output::aside(&format!(
                    "there are more: --after '{key}' goes on, --limit shows more"
                ))
            }
            _ => Ok(()),
        }
    }
}

fn as_json(key: &str, value: &VersionedValue) -> Result<Value> {
    let metadata = value.metadata()?;
    let metadata = metadata.iter().map(|(name, value)| (name.clone(), output::bytes(value)));
    Ok(json!({
        "key": output::key(key),
        "value": output::bytes(&value.value),
        "version": value.version.to_string(),
        "metadata": metadata.collect::<serde_json::Map<_, _>>(),
    }))
}
