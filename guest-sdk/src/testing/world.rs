//! The committed state of all chaincodes of the mock ledger.
//!
//! Invariant: no key has an empty value, and only keys that exist have metadata.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::timestamp::Timestamp;
use crate::types::KeyModification;
use crate::types::KeyValue;

/// A chaincode's own keys, or those of one of its collections.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    chaincode: String,
    /// Empty: none, the public state.
    collection: String,
}

impl Place {
    pub(super) fn public(chaincode: &str) -> Self {
        Self::private(chaincode, "")
    }

    pub(super) fn private(chaincode: &str, collection: &str) -> Self {
        Self { chaincode: chaincode.to_owned(), collection: collection.to_owned() }
    }
}

pub(super) type Metadata = BTreeMap<String, Vec<u8>>;

/// What a transaction wants to change; the last call for a key counts.
#[derive(Default)]
pub(super) struct Writes {
    /// None: delete.
    pub(super) values: BTreeMap<(Place, String), Option<Vec<u8>>>,
    /// Replaces all metadata of the key.
    pub(super) metadata: BTreeMap<(Place, String), Metadata>,
}

/// See the head of this module.
#[derive(Clone, Default)]
pub(super) struct World {
    values: BTreeMap<(Place, String), Vec<u8>>,
    metadata: BTreeMap<(Place, String), Metadata>,
    /// Oldest first.
    history: BTreeMap<(Place, String), Vec<KeyModification>>,
}

impl World {
    pub(super) fn get(&self, place: &Place, key: &str) -> Option<&[u8]> {
        self.values.get(&(place.clone(), key.to_owned())).map(Vec::as_slice)
    }

    pub(super) fn metadata(&self, place: &Place, key: &str) -> Metadata {
        self.metadata.get(&(place.clone(), key.to_owned())).cloned().unwrap_or_default()
    }

    /// Newest first.
    pub(super) fn history(&self, place: &Place, key: &str) -> Vec<KeyModification> {
        let changes = self.history.get(&(place.clone(), key.to_owned()));
        changes.into_iter().flatten().rev().cloned().collect()
    }

    /// From `start` (included) to `end` (excluded; empty: to the end of the place).
    pub(super) fn range(&self, place: &Place, start: &str, end: &str) -> Vec<KeyValue> {
        let from = Bound::Included((place.clone(), start.to_owned()));
        self.values
            .range((from, Bound::Unbounded))
            .take_while(|((at, key), _)| at == place && (end.is_empty() || key.as_str() < end))
            .map(|((_, key), value)| KeyValue { key: key.clone(), value: value.clone() })
            .collect()
    }

    pub(super) fn commit(&mut self, writes: Writes, tx_id: &str, timestamp: Timestamp) {
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
                    self.values.insert(at, value);
                }
                None => {
                    self.metadata.remove(&at);
                    self.values.remove(&at);
                }
            }
        }
        for (at, metadata) in writes.metadata {
            if self.values.contains_key(&at) {
                self.metadata.insert(at, metadata);
            }
        }
    }
}
