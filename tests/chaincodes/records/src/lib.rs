//! The contract of `tests/node-chaincode/records.js`, function by function.
//!
//! Invariant: the same calls of the peer in the same order, and the same JSON.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, KeyValue, Result, contract};

/// The value under a key.
#[derive(DataType, Serialize, Deserialize)]
pub struct Record {
    /// The text that was put.
    pub text: String,
    /// The number of times that it was put.
    pub version: u32,
}

/// A key and its record.
#[derive(DataType, Serialize, Deserialize)]
pub struct Row {
    /// Its key.
    pub key: String,
    /// The record.
    pub record: Record,
}

/// A page of rows, with the bookmark of the next page.
#[derive(DataType, Serialize, Deserialize)]
pub struct RowPage {
    /// Empty after the last page.
    pub bookmark: String,
    /// The peer's count.
    pub count: u32,
    /// Ordered by key.
    pub rows: Vec<Row>,
}

/// A change of a key.
#[derive(DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// True if the key was deleted.
    pub is_delete: bool,
    /// None for a deletion.
    pub record: Option<Record>,
    /// The id of the transaction.
    pub tx_id: String,
}

/// The contract.
pub struct Records;

#[contract(name = "Records", version = "0.1.0")]
impl Records {
    /// Writes a record and returns its version.
    #[transaction]
    fn put(&self, ctx: &Context, key: &str, text: String) -> Result<u32> {
        let before = ctx.get_state(key)?;
        let version = match before {
            Some(record) => serde_json::from_slice::<Record>(&record)?.version + 1,
            None => 1,
        };
        ctx.put(key, &Record { text, version })?;
        Ok(version)
    }

    /// Returns the text of a record.
    #[transaction(evaluate)]
    fn get(&self, ctx: &Context, key: &str) -> Result<String> {
        let record: Record = ctx.get(key)?.ok_or_else(|| absent(key))?;
        Ok(record.text)
    }

    /// Returns a record.
    #[transaction(evaluate)]
    fn read(&self, ctx: &Context, key: &str) -> Result<Record> {
        ctx.get(key)?.ok_or_else(|| absent(key))
    }

    /// Deletes a record.
    #[transaction]
    fn delete(&self, ctx: &Context, key: &str) -> Result<()> {
        if ctx.get_state(key)?.is_none() {
            return Err(absent(key));
        }
        ctx.del_state(key)
    }

    /// Writes `count` records whose keys begin with `prefix`.
    #[transaction]
    fn put_many(&self, ctx: &Context, prefix: &str, count: u32) -> Result<()> {
        for index in 0..count {
            let record = Record { text: index.to_string(), version: 1 };
            ctx.put(&format!("{prefix}{index:05}"), &record)?;
        }
        Ok(())
    }

    /// Returns the records from `start` to before `end`.
    #[transaction(evaluate)]
    fn rows(&self, ctx: &Context, start: &str, end: &str) -> Result<Vec<Row>> {
        ctx.get_state_by_range(start, end)?.map(|found| row(found?)).collect()
    }

    /// Returns a page of the records.
    #[transaction(evaluate)]
    fn page(
        &self,
        ctx: &Context,
        start: &str,
        end: &str,
        size: i32,
        bookmark: &str,
    ) -> Result<RowPage> {
        let page = ctx.get_state_by_range_with_pagination(start, end, size, bookmark)?;
        let rows = page.rows.into_iter().map(row).collect::<Result<_>>()?;
        Ok(RowPage { bookmark: page.bookmark, count: page.fetched_records_count, rows })
    }

    /// Returns the changes of a key, newest first.
    #[transaction(evaluate)]
    fn history(&self, ctx: &Context, key: &str) -> Result<Vec<Change>> {
        let changes = ctx.get_history_for_key(key)?.map(|change| {
            let change = change?;
            let record = match change.is_delete {
                true => None,
                false => Some(serde_json::from_slice(&change.value)?),
            };
            Ok(Change { is_delete: change.is_delete, record, tx_id: change.tx_id })
        });
        changes.collect()
    }

    /// Writes a record and an event.
    #[transaction]
    fn announce(&self, ctx: &Context, name: &str, text: String) -> Result<()> {
        ctx.put(name, &Record { text: text.clone(), version: 1 })?;
        ctx.set_event("first", b"forgotten")?;
        ctx.set_event(name, text.as_bytes())
    }

    /// Calls another chaincode of this channel; its arguments are a JSON array.
    #[transaction]
    fn call(&self, ctx: &Context, chaincode: &str, args: Vec<String>) -> Result<String> {
        let args: Vec<Vec<u8>> = args.into_iter().map(String::into_bytes).collect();
        let payload = ctx.invoke_chaincode(chaincode, &args, "").ok()?;
        Ok(String::from_utf8_lossy(&payload).into_owned())
    }

    /// Writes, then fails.
    #[transaction]
    fn fail(&self, ctx: &Context, key: &str, words: String) -> Result<()> {
        ctx.put_state(key, b"not to stay")?;
        Err(Error::internal(words))
    }

    /// Returns the caller's MSP id and the transaction id.
    #[transaction(evaluate)]
    fn who(&self, ctx: &Context) -> Result<String> {
        Ok(format!("{} {}", ctx.client_identity()?.msp_id(), ctx.get_tx_id()))
    }
}

fn row(found: KeyValue) -> Result<Row> {
    Ok(Row { record: serde_json::from_slice(&found.value)?, key: found.key })
}

fn absent(key: &str) -> Error {
    Error::internal(format!("there is no {key}"))
}

wasmcc_sdk::chaincode!(Records);
