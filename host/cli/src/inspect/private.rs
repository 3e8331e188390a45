//! `wasmcc inspect private`: prints the private data that an organization holds, with the hashes on
//! the channel.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::view::{ViewArgs, limit};
use crate::output;
use wasmcc_ledger::{Snapshot, VersionedValue};
use wasmcc_node::folder_org;
use wasmcc_types::sha256;

/// Show the private data of a collection that an organization's peer holds. Needs the peer's data
/// folder: blocks have no private values.
#[derive(Debug, clap::Args)]
pub(crate) struct Private {
    /// The chaincode.
    #[arg(value_name = "CHAINCODE")]
    chaincode: String,
    /// The collection.
    #[arg(value_name = "COLLECTION")]
    collection: String,
    /// One key; its hash is shown even if the value is not held. Without a data folder, a key must
    /// be given.
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// The organization of the peer [default: that of the data folder].
    #[arg(long, value_name = "MSPID")]
    holder: Option<String>,
    /// Most keys to show.
    #[arg(long, default_value = "100", value_parser = limit(), value_name = "N")]
    limit: usize,
    #[command(flatten)]
    view: ViewArgs,
    /// Print them as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A private key with its value and hash, as far as they exist.
pub(crate) struct Row {
    key: String,
    value: Option<VersionedValue>,
    hash: Option<VersionedValue>,
}

impl Row {
    /// Reads an organization's value of a key, and the hash on the channel.
    pub(crate) fn read(
        snapshot: &Snapshot,
        holder: &str,
        chaincode: &str,
        collection: &str,
        key: &str,
    ) -> Result<Self> {
        let value = snapshot.get_private(holder, chaincode, collection, key)?;
        let hash = snapshot.get_private_hash(chaincode, collection, key)?;
        Ok(Self { key: key.to_owned(), value, hash })
    }

    /// True if the value has the hash on the channel.
    fn is_current(&self) -> bool {
        match (&self.value, &self.hash) {
            (Some(value), Some(hash)) => hash.value == sha256(&value.value),
            _ => false,
        }
    }

    /// At most `max` bytes of the value.
    pub(crate) fn as_json(&self, max: usize) -> Value {
        let at =
            |value: &Option<VersionedValue>| value.as_ref().map(|value| value.version.to_string());
        json!({
            "key": output::key(&self.key),
            "value": self.value.as_ref().map(|value| output::bytes_up_to(&value.value, max)),
            "version": at(&self.value),
            "value_hash": self.hash.as_ref().map(|hash| output::hex(&hash.value)),
            "hash_version": at(&self.hash),
            "current": self.is_current(),
        })
    }

    fn as_text(&self) -> String {
        let key = output::shown_key(&self.key);
        let hash = self.hash.as_ref().map(|hash| output::hex(&hash.value));
        let hash = hash.as_deref().unwrap_or("none on the channel");
        match &self.value {
            None => format!("{key}\n  not held here, hash {hash}"),
            Some(value) => {
                let note = if self.is_current() { "" } else { ", NOT what the channel has" };
                let (text, version) = (output::shown_text(&value.value), value.version);
                format!("{key} = {text}\n  version {version}{note}, hash {hash}")
            }
        }
    }
}

impl Private {
    pub(crate) fn run(self) -> Result<()> {
        let data = self.view.source.data.as_deref();
        let holder = self.holder.clone().or_else(|| folder_org(data?)).unwrap_or_default();
        if data.is_none() && self.key.is_none() {
            bail!(
                "blocks have no private values: name the peer's data folder with --data, or a key \
                 to see its hash"
            );
        }
        let view = self.view.open()?;
        let snapshot = view.snapshot();
        let (rows, more) = match &self.key {
            Some(key) => (vec![self.row(&snapshot, &holder, &output::unescaped(key))?], false),
            None => self.rows(&snapshot, &holder)?,
        };
        if self.json {
            let rows: Vec<_> = rows.iter().map(|row| row.as_json(usize::MAX)).collect();
            return output::json(&json!({ "holder": holder, "keys": rows, "more": more }));
        }
        if rows.is_empty() {
            let (chaincode, collection) = (&self.chaincode, &self.collection);
            output::aside(&format!("{holder} holds nothing of {chaincode}/{collection}"));
        }
        rows.iter().try_for_each(|row| output::line(&row.as_text()))?;
        if more {
            output::aside("there are more: --limit shows them");
        }
        Ok(())
    }

    fn rows(&self, snapshot: &Snapshot, holder: &str) -> Result<(Vec<Row>, bool)> {
        let held = snapshot.private_range(holder, &self.chaincode, &self.collection, "", "");
        let mut rows = Vec::new();
        for held in held {
            if rows.len() == self.limit {
                return Ok((rows, true));
            }
            rows.push(self.row(snapshot, holder, &held?.0)?);
        }
        Ok((rows, false))
    }

    fn row(&self, snapshot: &Snapshot, holder: &str, key: &str) -> Result<Row> {
        Row::read(snapshot, holder, &self.chaincode, &self.collection, key)
    }
}
