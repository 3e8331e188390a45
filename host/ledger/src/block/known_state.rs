//! State before a block that its validation has read, so that the ledger does not read it again.
//!
//! Invariant: saves reads and changes no verdict. It counts only for the block that comes next at
//! its height, and nothing changes that state before the block is in the ledger.

use std::collections::HashMap;

use crate::store::state::VersionedValue;

/// The values of rows; None if the row does not exist.
pub(crate) type Rows = HashMap<Vec<u8>, Option<VersionedValue>>;

/// Bytes that a row takes, about.
pub(crate) fn row_bytes(row: &[u8], value: Option<&VersionedValue>) -> usize {
    let of = |value: &VersionedValue| value.value.len() + value.metadata_bytes.len();
    size_of::<(Vec<u8>, Option<VersionedValue>)>() + row.len() + value.map_or(0, of)
}

/// Rows that were read for one transaction. See `Snapshot::reader`.
#[derive(Debug, Default)]
pub struct ReadRows(pub(crate) Vec<(Vec<u8>, Option<VersionedValue>)>);

/// What was read for the transactions of a block, at the height before it.
#[derive(Debug, Default)]
pub struct KnownState {
    height: u64,
    rows: Rows,
    /// By the transaction's place.
    new_ids: Vec<bool>,
}

impl KnownState {
    /// Nothing is known yet of the state at `height`, before a block of so many transactions.
    pub fn at(height: u64, txs: usize) -> Self {
        // Most transactions write a few keys.
        let rows = Rows::with_capacity(2 * txs);
        Self { height, rows, new_ids: Vec::with_capacity(txs) }
    }

    /// Adds what was read for the next transaction. `is_new` tells that no block has its id.
    pub fn push(&mut self, ReadRows(rows): ReadRows, is_new: bool) {
        self.rows.extend(rows);
        self.new_ids.push(is_new);
    }

    /// Itself if it is of the state at this height, else nothing.
    pub(crate) fn of_height(self, height: u64) -> Self {
        if self.height == height { self } else { Self::default() }
    }

    /// True if the transaction at this place has an id that no block has.
    pub(crate) fn is_new(&self, place: usize) -> bool {
        self.new_ids.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn into_rows(self) -> Rows {
        self.rows
    }
}
