//! Assets and the results of queries.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{DataType, KeyModification, Result, Timestamp};

/// An asset. Its JSON has the fields in this order. If a rich query requests only some fields, the
/// others are empty.
#[derive(Clone, Debug, Default, PartialEq, DataType, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Asset {
    /// The kind of document, for rich queries: `asset`.
    pub doc_type: String,
    /// Its key on the ledger.
    #[serde(rename = "ID")]
    pub id: String,
    /// For example `blue`.
    pub color: String,
    /// In a unit that the owners agree on.
    pub size: i64,
    /// Its owner.
    pub owner: String,
    /// Its estimated value.
    pub appraised_value: i64,
}

/// The state of an asset after one transaction.
#[derive(Debug, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryQueryResult {
    /// The asset; only its id after a deletion.
    pub(crate) record: Asset,
    /// The id of the transaction.
    pub(crate) tx_id: String,
    /// The client's time in the transaction.
    pub(crate) timestamp: Timestamp,
    /// True if the transaction deleted the asset.
    pub(crate) is_delete: bool,
}

impl HistoryQueryResult {
    pub(crate) fn of(change: KeyModification, id: &str) -> Result<Self> {
        let KeyModification { tx_id, value, timestamp, is_delete } = change;
        let record = match value.as_slice() {
            b"" => Asset { id: id.to_owned(), ..Asset::default() },
            json => serde_json::from_slice(json)?,
        };
        Ok(Self { record, tx_id, timestamp, is_delete })
    }
}

/// One page of assets.
#[derive(Debug, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaginatedQueryResult {
    /// The assets.
    pub(crate) records: Vec<Asset>,
    /// Their number.
    pub(crate) fetched_records_count: u32,
    /// The bookmark of the next page. On the last page, all fields but `records` are empty.
    pub(crate) bookmark: String,
}
