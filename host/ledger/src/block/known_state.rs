//! State before a block that its validation has read already, so that the ledger does not read it
//! again.
//!
//! Invariant: saves reads and changes no verdict. It is used only for the next block at its height;
//! the state does not change before that block is committed.

use std::collections::HashMap;

use crate::store::state::VersionedValue;

/// The values of rows; None if the row does not exist.
pub(crate) type Rows = HashMap<Vec<u8>, Option<VersionedValue>>;

/// The approximate size of a row in memory.
pub(crate) fn row_bytes(row: &[u8], value: Option<&VersionedValue>) -> usize {
    let of = |value: &VersionedValue| value.value.len() + value.metadata_bytes.len();
    size_of::<(Vec<u8>, Option<VersionedValue>)>() + row.len() + value.map_or(0, of)
}

/// The rows that were read for one transaction. See `Snapshot::reader`.
#[derive(Debug, Default)]
pub struct ReadRows(pub(crate) Vec<(Vec<u8>, Option<VersionedValue>)>);

/// The state read for the transactions of a block, at the height before it.
#[derive(Debug, Default)]
pub struct KnownState {
    height: u64,
    rows: Rows,
    /// Whether the transaction's id is new, by the transaction's index.
    new_ids: Vec<bool>,
}

impl KnownState {
    /// Makes an empty state at `height`, before a block of `txs` transactions.
    pub fn at(height: u64, txs: usize) -> Self {
        // An estimate: most transactions write few keys.
        let rows = Rows::with_capacity(2 * txs);
        Self { height, rows, new_ids: Vec::with_capacity(txs) }
    }

    /// Adds the rows read for the next transaction. `is_new`: no block has its id.
    pub fn push(&mut self, ReadRows(rows): ReadRows, is_new: bool) {
        self.rows.extend(rows);
        self.new_ids.push(is_new);
    }

    /// Returns itself if it is of the state at this height, else an empty state.
    pub(crate) fn of_height(self, height: u64) -> Self {
        if self.height == height { self } else { Self::default() }
    }

    /// True if the transaction at this index has an id that no block has.
    pub(crate) fn is_new(&self, place: usize) -> bool {
        self.new_ids.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn into_rows(self) -> Rows {
        self.rows
    }
}
