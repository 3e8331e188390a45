//! Reads at one height of a channel, without recording them.
//!
//! Invariant: read-only. A snapshot never delays a commit, however long it lives. It costs the
//! memory of the values that are replaced in the meantime.

use std::ops::Bound;
use std::sync::Arc;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::store::state::{Metadata, VersionedValue};
use crate::store::{TableRows, key};
use wasmcc_types::sha256;

/// The state of one channel at the moment when this was created. Clones share it.
#[derive(Clone)]
pub struct Snapshot {
    open: Arc<OpenSnapshot>,
}

struct OpenSnapshot {
    ledger: Arc<Ledger>,
    height: u64,
}

impl Drop for OpenSnapshot {
    fn drop(&mut self) {
        self.ledger.overlay.close(self.height);
    }
}

impl Ledger {
    /// Returns a snapshot of the current state, for reads that are not recorded.
    pub fn snapshot(self: &Arc<Self>) -> Snapshot {
        Snapshot::new(Arc::clone(self))
    }
}

impl Snapshot {
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        let height = ledger.overlay.open();
        Self { open: Arc::new(OpenSnapshot { ledger, height }) }
    }

    /// Number of visible blocks: the snapshot sees the writes of blocks below this number.
    pub fn height(&self) -> u64 {
        self.open.height
    }

    /// Returns the lowest height that is known to have the same contents in these namespaces.
    /// Expiring hashes and late private data are ignored.
    pub fn unchanged_since<const N: usize>(&self, namespaces: [&str; N]) -> u64 {
        let heights = &self.open.ledger.namespaces;
        let since = namespaces.iter().map(|namespace| heights.since(namespace)).max();
        // A change above this height says nothing about the blocks below it.
        since.filter(|since| *since <= self.height()).unwrap_or_else(|| self.height())
    }

    /// The ledger of the channel.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.open.ledger
    }

    /// Returns a public key's value; None if it does not exist.
    pub fn get(&self, namespace: &str, key: &str) -> Result<Option<VersionedValue>, LedgerError> {
        self.row(&key::state(namespace, key))
    }

    /// Returns the metadata of a public key; empty if it has none or does not exist.
    pub fn get_metadata(&self, namespace: &str, key: &str) -> Result<Metadata, LedgerError> {
        self.get(namespace, key)?.map_or_else(|| Ok(Metadata::new()), |value| value.metadata())
    }

    /// Returns the hash of a private value, by the plain key.
    pub fn get_private_hash(
        &self,
        namespace: &str,
        collection: &str,
        key: &str,
    ) -> Result<Option<VersionedValue>, LedgerError> {
        self.get_hashed(namespace, collection, &sha256(key.as_bytes()))
    }

    /// Returns the hash of a private value, by the hash of the key.
    pub fn get_hashed(
        &self,
        namespace: &str,
        collection: &str,
        key_hash: &[u8],
    ) -> Result<Option<VersionedValue>, LedgerError> {
        self.row(&key::hashed(namespace, collection, key_hash))
    }

    /// Returns the hashes of a collection's private keys, each with the hash of its value, from
    /// `key_hash` on (included) in byte order. All peers of a channel have them.
    pub fn hashed_range(&self, namespace: &str, collection: &str, key_hash: &[u8]) -> HashedRange {
        let (from, to) = key::hashed_range(namespace, collection, key_hash);
        let key_at = key::hashed(namespace, collection, &[]).len();
        HashedRange(self.rows(from, to, key_at))
    }

    /// True if, after the newest block, an organization of this process holds the private key with
    /// this hash.
    pub fn is_held(
        &self,
        namespace: &str,
        collection: &str,
        key_hash: &[u8],
    ) -> Result<bool, LedgerError> {
        let (from, to) = key::private_names(namespace, collection, key_hash);
        Ok(self.open.ledger.table.range(&from, &to).next().transpose()?.is_some())
    }

    /// Returns the public keys from `start` (included) to `end` (excluded), in byte order; empty
    /// means the beginning or the end of the namespace.
    pub fn range(&self, namespace: &str, start: &str, end: &str) -> StateRange {
        let (from, to) = key::state_range(namespace, start, end);
        self.rows(from, to, key::state_key_at(namespace))
    }

    /// Returns a private value as an organization (MSP id) holds it; None if it holds none. Compare
    /// its version with that of the hash to know whether it is current.
    pub fn get_private(
        &self,
        org: &str,
        namespace: &str,
        collection: &str,
        key: &str,
    ) -> Result<Option<VersionedValue>, LedgerError> {
        self.row(&key::private(org, namespace, collection, key))
    }

    /// Returns the private keys that an organization holds, from `start` (included) to `end`
    /// (excluded), in byte order; empty means open.
    pub fn private_range(
        &self,
        org: &str,
        namespace: &str,
        collection: &str,
        start: &str,
        end: &str,
    ) -> StateRange {
        let (from, to) = key::private_range(org, namespace, collection, start, end);
        self.rows(from, to, key::private_key_at(org, namespace, collection))
    }

    /// Returns the rows of the table from `from` (included) to `to` (excluded); the key begins at
    /// `key_at`.
    pub(crate) fn rows(&self, from: Vec<u8>, to: Vec<u8>, key_at: usize) -> StateRange {
        let rows = self.open.ledger.table.range(&from, &to);
        let from = Bound::Included(from);
        StateRange { snapshot: self.clone(), key_at, rows, peeked: None, from, to }
    }

    /// Returns the value of a row at this height.
    pub(crate) fn row(&self, row: &[u8]) -> Result<Option<VersionedValue>, LedgerError> {
        // The table is read before the overlay, see `store::overlay`.
        let stored = self.open.ledger.table.get(row, VersionedValue::decode)?;
        Ok(self.open.ledger.overlay.replaced(self.open.height, row).unwrap_or(stored))
    }
}

/// The rows of a range at the height of a snapshot, in byte order of keys.
pub struct StateRange {
    snapshot: Snapshot,
    /// Length of the prefix before the key.
    key_at: usize,
    rows: TableRows,
    peeked: Option<(Vec<u8>, VersionedValue)>,
    from: Bound<Vec<u8>>,
    to: Vec<u8>,
}

/// A row; None if it did not exist at the height.
type RowAtHeight = (Vec<u8>, Option<VersionedValue>);

impl StateRange {
    /// Returns the next row of the table or the overlay, whichever is first.
    fn step(&mut self) -> Result<Option<RowAtHeight>, LedgerError> {
        if self.peeked.is_none() {
            self.peeked = self.rows.next_as(VersionedValue::decode).transpose()?;
        }
        // The overlay is read after the table, see `store::overlay`.
        let overlay = &self.snapshot.open.ledger.overlay;
        let height = self.snapshot.open.height;
        if overlay.is_idle_since(height) {
            return Ok(self.peeked.take().map(|(row, value)| (row, Some(value))));
        }
        let from = self.from.as_ref().map(Vec::as_slice);
        let replaced = overlay.next_replaced(height, from, &self.to);
        let stored = match (&self.peeked, &replaced) {
            (Some((row, _)), Some(replaced)) if replaced < row => None,
            _ => self.peeked.take(),
        };
        Ok(match (stored, replaced) {
            (Some((row, value)), _) => {
                let value = overlay.replaced(height, &row).unwrap_or(Some(value));
                Some((row, value))
            }
            (None, Some(row)) => {
                let value = overlay.replaced(height, &row).flatten();
                Some((row, value))
            }
            (None, None) => None,
        })
    }
}

impl StateRange {
    /// Returns the next row with its complete key in the table.
    pub(crate) fn next_row(&mut self) -> Option<Result<(Vec<u8>, VersionedValue), LedgerError>> {
        self.next_with(|row, value| Ok((row.to_vec(), value)))
    }

    fn next_with<T>(
        &mut self,
        read: impl Fn(&[u8], VersionedValue) -> Result<T, LedgerError>,
    ) -> Option<Result<T, LedgerError>> {
        loop {
            let (row, value) = match self.step() {
                Ok(Some(found)) => found,
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            };
            let found = value.map(|value| read(&row, value));
            self.from = Bound::Excluded(row);
            if found.is_some() {
                return found;
            }
        }
    }
}

impl Iterator for StateRange {
    type Item = Result<(String, VersionedValue), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let key_at = self.key_at;
        self.next_with(|row, value| key::text_after(row, key_at).map(|key| (key, value)))
    }
}

/// Hashes of private keys at the height of a snapshot, see [`Snapshot::hashed_range`].
pub struct HashedRange(StateRange);

impl Iterator for HashedRange {
    type Item = Result<(Vec<u8>, VersionedValue), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let key_at = self.0.key_at;
        self.0.next_with(|row, value| Ok((row.get(key_at..).unwrap_or_default().to_vec(), value)))
    }
}
