//! Reads single keys at one height and keeps the rows for the ledger, up to a limit.
//!
//! Does not record reads in a read-write set.

use crate::block::known_state::{ReadRows, row_bytes};
use crate::error::LedgerError;
use crate::simulate::snapshot::Snapshot;
use crate::store::key;
use crate::store::state::VersionedValue;

/// Reads keys for one transaction; see [`Snapshot::reader`].
pub struct StateReader<'a> {
    snapshot: &'a Snapshot,
    rows: ReadRows,
    /// The value of the last read, if it is not kept.
    lent: Option<VersionedValue>,
    /// Bytes that may still be kept.
    room: usize,
}

/// Limit on the bytes of values that are kept for one transaction. It is many times the usual
/// size, but small enough for all transactions of a block, whatever the sizes of the values.
const KEPT_BYTES: usize = 256 << 10;

impl Snapshot {
    /// Returns a reader that keeps its reads for the ledger, which validates the transaction next.
    pub fn reader(&self) -> StateReader<'_> {
        StateReader { snapshot: self, rows: ReadRows::default(), lent: None, room: KEPT_BYTES }
    }
}

impl StateReader<'_> {
    /// Returns a public key's value; None if it does not exist.
    pub fn get(
        &mut self,
        namespace: &str,
        key: &str,
    ) -> Result<Option<&VersionedValue>, LedgerError> {
        self.read(key::state(namespace, key))
    }

    /// Returns the hash of a private value, by the hash of the key.
    pub fn get_hashed(
        &mut self,
        namespace: &str,
        collection: &str,
        key_hash: &[u8],
    ) -> Result<Option<&VersionedValue>, LedgerError> {
        self.read(key::hashed(namespace, collection, key_hash))
    }

    /// Returns the rows that were kept.
    pub fn into_rows(self) -> ReadRows {
        self.rows
    }

    fn read(&mut self, row: Vec<u8>) -> Result<Option<&VersionedValue>, LedgerError> {
        let value = self.snapshot.row(&row)?;
        let Some(room) = self.room.checked_sub(row_bytes(&row, value.as_ref())) else {
            self.lent = value;
            return Ok(self.lent.as_ref());
        };
        self.room = room;
        self.rows.0.push((row, value));
        Ok(self.rows.0.last().and_then(|(_, value)| value.as_ref()))
    }
}
