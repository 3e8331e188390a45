//! Assets, and what queries return of them.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{DataType, KeyModification, Result, Timestamp};

/// An asset, with its fields in the order in which they are written. A rich query may ask for some
/// of the fields only; the others are empty then.
#[derive(Clone, Debug, Default, PartialEq, DataType, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Asset {
    /// Tells kinds of documents apart in rich queries: `asset`.
    pub doc_type: String,
    /// Its key on the ledger.
    #[serde(rename = "ID")]
    pub id: String,
    /// Such as `blue`.
    pub color: String,
    /// In a unit that the owners agree on.
    pub size: i64,
    /// Who has it.
    pub owner: String,
    /// What it is thought to be worth.
    pub appraised_value: i64,
}

/// What an asset was after one transaction.
#[derive(Debug, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryQueryResult {
    /// The asset; after its deletion, only its id.
    pub(crate) record: Asset,
    /// The transaction.
    pub(crate) tx_id: String,
    /// The client's time in the transaction.
    pub(crate) timestamp: Timestamp,
    /// Whether the transaction deleted the asset.
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
    /// Where the next page begins; the rest is empty if there is none.
    pub(crate) bookmark: String,
}
