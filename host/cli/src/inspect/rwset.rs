//! `wasmcc inspect rwset`: prints the reads and writes of a transaction.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::blocks::{SourceArgs, TxName};
use crate::{block_json, output};

/// Show what a transaction read and wrote, by chaincode; private data as hashes only.
#[derive(Debug, clap::Args)]
pub(crate) struct Rwset {
    /// The transaction.
    #[arg(value_name = "TXID|BLOCK:TRANSACTION")]
    tx: TxName,
    #[command(flatten)]
    source: SourceArgs,
    /// Print it as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Rwset {
    pub(crate) fn run(self) -> Result<()> {
        let source = self.source.open()?;
        let (block, at) = source.find(&self.tx)?;
        let block = block_json::Block::new(&block);
        let Some(sets) = block.rwset(at) else {
            bail!("the transaction has no readable read-write set");
        };
        match self.json {
            true => output::json(&sets),
            false => output::line(&as_text(&serde_json::to_value(sets)?)),
        }
    }
}

/// Returns a line for each entry.
fn as_text(sets: &Value) -> String {
    let mut lines = Vec::new();
    for set in list(sets) {
        lines.push(text(&set["namespace"]));
        for read in list(&set["reads"]) {
            lines.push(format!("  read      {} ({})", text(&read["key"]), version(&read)));
        }
        for range in list(&set["ranges"]) {
            let (start, end) = (text(&range["start"]), text(&range["end"]));
            let rows = list(&range["reads"]).len();
            let rows =
                if rows > 0 { format!("{rows} rows") } else { "hashes only, or none".into() };
            lines.push(format!("  range     {start} .. {end} ({rows})"));
        }
        for write in list(&set["writes"]) {
            let key = text(&write["key"]);
            lines.push(match write["deleted"].as_bool() {
                Some(true) => format!("  delete    {key}"),
                _ => format!("  write     {key} = {}", text(&write["value"])),
            });
        }
        for write in list(&set["metadata_writes"]) {
            lines.push(format!("  metadata  {} {}", text(&write["key"]), write["entries"]));
        }
        for private in list(&set["private"]) {
            lines.push(format!("  private   {}", text(&private["collection"])));
            lines.extend(hashes(&private));
        }
    }
    lines.join("\n")
}

/// Returns a line for each entry of a collection.
fn hashes(private: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for read in list(&private["reads"]) {
        lines.push(format!("    read      {} ({})", text(&read["key_hash"]), version(&read)));
    }
    for write in list(&private["writes"]) {
        let key = text(&write["key_hash"]);
        lines.push(match (write["purged"].as_bool(), write["deleted"].as_bool()) {
            (Some(true), _) => format!("    purge     {key}"),
            (_, Some(true)) => format!("    delete    {key}"),
            _ => format!("    write     {key} = {}", text(&write["value_hash"])),
        });
    }
    for write in list(&private["metadata_writes"]) {
        lines.push(format!("    metadata  {} {}", text(&write["key_hash"]), write["entries"]));
    }
    lines
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => output::shown(text),
        other => other.to_string(),
    }
}

fn version(read: &Value) -> String {
    match &read["version"] {
        Value::Null => "no such key".to_owned(),
        version => format!("version {}", text(version)),
    }
}
