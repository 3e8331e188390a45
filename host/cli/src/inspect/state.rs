//! `wasmcc inspect state`: prints the keys of a chaincode.

use anyhow::Result;
use serde_json::{Value, json};

use super::view::{ViewArgs, limit};
use crate::output;
use wasmcc_ledger::{StateRange, VersionedValue};

/// Show keys and values of a chaincode, in the order of the keys.
#[derive(Debug, clap::Args)]
pub(crate) struct State {
    /// The chaincode; `_lifecycle` and lscc have state, too.
    #[arg(value_name = "CHAINCODE")]
    chaincode: String,
    /// Only keys with this prefix. A prefix of composite keys is for example '\0asset\0red\0';
    /// write a backslash twice.
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Begin after this key.
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// Most keys to show.
    #[arg(long, default_value = "100", value_parser = limit(), value_name = "N")]
    limit: usize,
    #[command(flatten)]
    view: ViewArgs,
    /// Print them as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl State {
    pub(crate) fn run(self) -> Result<()> {
        let view = self.view.open()?;
        let prefix = output::unescaped(&self.prefix);
        let after = self.after.as_deref().map(output::unescaped);
        let keys = Keys { prefix: &prefix, after: after.as_deref(), limit: self.limit };
        let (rows, more) = keys
            .of(view.snapshot().range(&self.chaincode, keys.start(), ""), |key, value| {
                Ok((key, value))
            })?;
        let height = view.ledger().height();
        if self.json {
            let rows = rows.iter().map(|(key, value)| as_json(key, value, usize::MAX));
            let rows = rows.collect::<Result<Vec<_>>>()?;
            return output::json(&json!({ "height": height, "keys": rows, "more": more }));
        }
        for (key, value) in &rows {
            let metadata = match value.metadata_bytes.is_empty() {
                true => "",
                false => " (has metadata)",
            };
            let (key, text) = (output::shown_key(key), output::shown_text(&value.value));
            output::line(&format!("{key} = {text}\n  version {}{metadata}", value.version))?;
        }
        if rows.is_empty() {
            output::aside(&format!(
                "{} has no such key in the state of {height} blocks",
                self.chaincode
            ));
        }
        if let (true, Some((key, _))) = (more, rows.last()) {
            let key = output::shown_key(key);
            output::aside(&format!("there are more: see --after '{key}' and --limit"));
        }
        Ok(())
    }
}

/// A selection of keys.
pub(crate) struct Keys<'a> {
    /// The prefix of the keys.
    pub(crate) prefix: &'a str,
    /// The key after which to begin.
    pub(crate) after: Option<&'a str>,
    /// The most keys to return.
    pub(crate) limit: usize,
}

impl Keys<'_> {
    /// The start of the range.
    pub(crate) fn start(&self) -> &str {
        self.after.map_or(self.prefix, |after| self.prefix.max(after))
    }

    /// Returns the results of `take` for the selected rows, and whether there are more. The range
    /// must begin at [`start`](Self::start).
    pub(crate) fn of<T>(
        &self,
        range: StateRange,
        mut take: impl FnMut(String, VersionedValue) -> Result<T>,
    ) -> Result<(Vec<T>, bool)> {
        let mut rows = Vec::new();
        for row in range {
            let (key, value) = row?;
            if !key.starts_with(self.prefix) {
                break;
            }
            if self.after == Some(key.as_str()) {
                continue;
            }
            if rows.len() == self.limit {
                return Ok((rows, true));
            }
            rows.push(take(key, value)?);
        }
        Ok((rows, false))
    }
}

/// A row, with at most `max` bytes of its value and of each metadata entry.
pub(crate) fn as_json(key: &str, value: &VersionedValue, max: usize) -> Result<Value> {
    let metadata = value.metadata()?;
    let metadata =
        metadata.iter().map(|(name, value)| (name.clone(), output::bytes_up_to(value, max)));
    Ok(json!({
        "key": output::key(key),
        "value": output::bytes_up_to(&value.value, max),
        "version": value.version.to_string(),
        "metadata": metadata.collect::<serde_json::Map<_, _>>(),
    }))
}
