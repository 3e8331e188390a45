//! The committed state before one block, with a cache of what was read.
//!
//! Validation and the preparation of changes read the same keys, and many transactions read the
//! same key, such as their chaincode's definition. Each key is read from the table once.
//!
//! Invariant: lives only while one block is validated. The writer's lock is held for that time, so
//! the state does not change.

use std::cell::{Cell, RefCell};

use crate::block::known_state::{Rows, row_bytes};
use crate::block::updates::CommittedState;
use crate::error::LedgerError;
use crate::store::state::VersionedValue;
use crate::store::{Table, TableRows, key};
use wasmcc_types::Height;

/// The state of a channel with a cache of what was read.
pub(crate) struct CachedState<'a> {
    table: &'a Table,
    known: RefCell<Rows>,
    /// Bytes that may still be cached.
    room: Cell<usize>,
}

/// Limit on the cached bytes: the values of a few keys may be as large as the disk.
const KEPT_BYTES: usize = 64 << 20;

impl<'a> CachedState<'a> {
    /// Makes the cache with rows that were read before, at the same height.
    pub(crate) fn new(table: &'a Table, known: Rows) -> Self {
        Self { table, known: RefCell::new(known), room: Cell::new(KEPT_BYTES) }
    }

    fn read<T>(
        &self,
        row: Vec<u8>,
        give: impl FnOnce(Option<&VersionedValue>) -> T,
    ) -> Result<T, LedgerError> {
        let mut known = self.known.borrow_mut();
        if let Some(value) = known.get(&row) {
            return Ok(give(value.as_ref()));
        }
        let value = self.table.get(&row, VersionedValue::decode)?;
        let Some(room) = self.room.get().checked_sub(row_bytes(&row, value.as_ref())) else {
            return Ok(give(value.as_ref()));
        };
        self.room.set(room);
        Ok(give(known.entry(row).or_insert(value).as_ref()))
    }
}

impl CommittedState for CachedState<'_> {
    type Range = CommittedRange;

    fn get(&self, namespace: &str, key: &str) -> Result<Option<VersionedValue>, LedgerError> {
        self.read(key::state(namespace, key), |value| value.cloned())
    }

    fn get_hashed(
        &self,
        namespace: &str,
        collection: &str,
        key_hash: &[u8],
    ) -> Result<Option<VersionedValue>, LedgerError> {
        self.read(key::hashed(namespace, collection, key_hash), |value| value.cloned())
    }

    fn version(&self, namespace: &str, key: &str) -> Result<Option<Height>, LedgerError> {
        self.read(key::state(namespace, key), |value| value.map(|value| value.version))
    }

    fn hashed_version(
        &self,
        namespace: &str,
        collection: &str,
        key_hash: &[u8],
    ) -> Result<Option<Height>, LedgerError> {
        let row = key::hashed(namespace, collection, key_hash);
        self.read(row, |value| value.map(|value| value.version))
    }

    fn range(&self, namespace: &str, start: &str, end: &str) -> CommittedRange {
        let (from, to) = key::state_range(namespace, start, end);
        CommittedRange { rows: self.table.range(&from, &to), namespace: namespace.to_owned() }
    }
}

/// The keys and versions of a range.
pub(crate) struct CommittedRange {
    rows: TableRows,
    namespace: String,
}

impl Iterator for CommittedRange {
    type Item = Result<(String, Height), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.and_then(|(row, value)| {
            let key = key::state_key(&row, &self.namespace)?;
            Ok((key, VersionedValue::decode_version(&value)?))
        }))
    }
}
