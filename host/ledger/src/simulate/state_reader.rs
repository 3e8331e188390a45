//! Reads single keys at one height and keeps what it has read.
//!
//! Does not record reads in a read-write set.

use crate::block::known_state::ReadRows;
use crate::error::LedgerError;
use crate::simulate::snapshot::Snapshot;
use crate::store::key;
use crate::store::state::VersionedValue;

/// Reads keys for one transaction; see [`Snapshot::reader`].
pub struct StateReader<'a> {
    snapshot: &'a Snapshot,
    rows: ReadRows,
}

impl Snapshot {
    /// Returns a reader that keeps what it reads, for the ledger that judges the transaction next.
    pub fn reader(&self) -> StateReader<'_> {
        StateReader { snapshot: self, rows: ReadRows::default() }
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

    /// What it has read.
    pub fn into_rows(self) -> ReadRows {
        self.rows
    }

    fn read(&mut self, row: Vec<u8>) -> Result<Option<&VersionedValue>, LedgerError> {
        let value = self.snapshot.row(&row)?;
        self.rows.0.push((row, value));
        Ok(self.rows.0.last().and_then(|(_, value)| value.as_ref()))
    }
}
