//! The committed state of all chaincodes of the mock ledger.
//!
//! Invariant: no key has an empty value, and only keys that exist have metadata.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use crate::timestamp::Timestamp;
use crate::types::{KeyModification, KeyValue};

/// A chaincode's public keys, or the keys of one of its collections.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    chaincode: String,
    /// Empty for the public state.
    collection: String,
}

impl Place {
    pub(super) fn public(chaincode: &str) -> Self {
        Self::private(chaincode, "")
    }

    pub(super) fn private(chaincode: &str, collection: &str) -> Self {
        Self { chaincode: chaincode.to_owned(), collection: collection.to_owned() }
    }

    pub(super) fn chaincode(&self) -> &str {
        &self.chaincode
    }

    /// Returns the collection; empty for the public state.
    pub(super) fn collection(&self) -> &str {
        &self.collection
    }
}

/// A key and where it is.
pub(super) type Key = (Place, String);
pub(super) type Metadata = BTreeMap<String, Vec<u8>>;

/// The transaction that last wrote a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) block: u64,
    pub(super) tx: u64,
}

/// The reads of a transaction.
#[derive(Default)]
pub(super) struct Reads {
    /// None: the key did not exist.
    pub(super) keys: BTreeMap<Key, Option<Version>>,
    pub(super) ranges: Vec<Rc<RangeRead>>,
}

/// A range that was opened.
pub(super) struct RangeRead {
    pub(super) place: Place,
    pub(super) start: String,
    pub(super) end: String,
    /// All rows of the range.
    pub(super) rows: Vec<(String, Version)>,
    /// How many rows the peer has read, and whether it reached the end.
    pub(super) read: Cell<(usize, bool)>,
}

/// The writes of a transaction; the last write of a key counts.
#[derive(Default)]
pub(super) struct Writes {
    /// None: delete.
    pub(super) values: BTreeMap<Key, Option<Vec<u8>>>,
    /// Each entry replaces all metadata of the key.
    pub(super) metadata: BTreeMap<Key, Metadata>,
}

/// The committed state of all chaincodes of a ledger.
#[derive(Clone, Default)]
pub(super) struct World {
    values: BTreeMap<Key, (Vec<u8>, Version)>,
    metadata: BTreeMap<Key, Metadata>,
    /// Oldest first.
    history: BTreeMap<Key, Vec<KeyModification>>,
}

impl World {
    pub(super) fn get(&self, place: &Place, key: &str) -> Option<&[u8]> {
        self.values.get(&(place.clone(), key.to_owned())).map(|(value, _)| value.as_slice())
    }

    /// Returns the version of a key; None if the key does not exist.
    pub(super) fn version(&self, key: &Key) -> Option<Version> {
        self.values.get(key).map(|(_, version)| *version)
    }

    pub(super) fn metadata(&self, place: &Place, key: &str) -> Metadata {
        self.metadata.get(&(place.clone(), key.to_owned())).cloned().unwrap_or_default()
    }

    /// Returns the changes of a key, newest first.
    pub(super) fn history(&self, place: &Place, key: &str) -> Vec<KeyModification> {
        let changes = self.history.get(&(place.clone(), key.to_owned()));
        changes.into_iter().flatten().rev().cloned().collect()
    }

    /// Returns the rows from `start` (included) to `end` (excluded; empty: the end of the place).
    pub(super) fn range(&self, place: &Place, start: &str, end: &str) -> Vec<KeyValue> {
        self.rows(place, start, end)
            .map(|(key, (value, _))| KeyValue { key: key.to_owned(), value: value.clone() })
            .collect()
    }

    /// Returns the keys of a range with their versions.
    pub(super) fn versions(&self, place: &Place, start: &str, end: &str) -> Vec<(String, Version)> {
        self.rows(place, start, end).map(|(key, (_, version))| (key.to_owned(), *version)).collect()
    }

    fn rows<'a>(
        &'a self,
        place: &'a Place,
        start: &str,
        end: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a (Vec<u8>, Version))> {
        let from = Bound::Included((place.clone(), start.to_owned()));
        self.values
            .range((from, Bound::Unbounded))
            .take_while(move |((at, key), _)| at == place && (end.is_empty() || key.as_str() < end))
            .map(|((_, key), row)| (key.as_str(), row))
    }

    /// Keeps the keys for which `is_kept` returns true.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&Place, Version) -> bool) {
        self.values.retain(|(place, _), (_, version)| is_kept(place, *version));
        let values = &self.values;
        self.metadata.retain(|key, _| values.contains_key(key));
    }

    pub(super) fn commit(
        &mut self,
        writes: Writes,
        tx_id: &str,
        timestamp: Timestamp,
        version: Version,
    ) {
        for (at, value) in writes.values {
            if at.0.collection.is_empty() {
                self.history.entry(at.clone()).or_default().push(KeyModification {
                    tx_id: tx_id.to_owned(),
                    value: value.clone().unwrap_or_default(),
                    timestamp,
                    is_delete: value.is_none(),
                });
            }
            match value {
                Some(value) => {
                    self.values.insert(at, (value, version));
                }
                None => {
                    self.metadata.remove(&at);
                    self.values.remove(&at);
                }
            }
        }
        for (at, metadata) in writes.metadata {
            if let Some((_, written)) = self.values.get_mut(&at) {
                *written = version;
                self.metadata.insert(at, metadata);
            }
        }
    }
}
