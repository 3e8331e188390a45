//! Writes that are held back to go to the peer together (fabric-chaincode-go `shim/batch.go`).
//!
//! Invariant: no messages of its own; who sends it decides when and in how many parts.

use std::collections::BTreeMap;

use crate::proto::protos::write_record::Type;
use crate::proto::protos::{StateMetadata, WriteRecord};

/// The last write of each key. Sent in the order of collection and key, so that a transaction
/// always says the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteBatch {
    records: BTreeMap<Place, WriteRecord>,
}

/// A value and its metadata are written apart from each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    collection: String,
    key: String,
    metadata: bool,
}

impl WriteBatch {
    /// Holds a value back.
    pub fn put(&mut self, collection: &str, key: &str, value: &[u8]) {
        self.insert(WriteRecord {
            value: value.to_vec(),
            ..record(collection, key, Type::PutState)
        });
    }

    /// Holds a deletion back.
    pub fn delete(&mut self, collection: &str, key: &str) {
        self.insert(record(collection, key, Type::DelState));
    }

    /// Holds a purge back.
    pub fn purge(&mut self, collection: &str, key: &str) {
        self.insert(record(collection, key, Type::PurgePrivateData));
    }

    /// Holds a piece of metadata back.
    pub fn put_metadata(&mut self, collection: &str, key: &str, name: &str, value: &[u8]) {
        let metadata = StateMetadata { metakey: name.to_owned(), value: value.to_vec() };
        let record = record(collection, key, Type::PutStateMetadata);
        self.insert(WriteRecord { metadata: Some(metadata), ..record });
    }

    /// Empties it, in parts of at most `size` writes.
    pub fn take(&mut self, size: u32) -> Vec<Vec<WriteRecord>> {
        let size = usize::try_from(size).unwrap_or(usize::MAX).max(1);
        let mut records = std::mem::take(&mut self.records).into_values().peekable();
        let mut parts = Vec::new();
        while records.peek().is_some() {
            parts.push(records.by_ref().take(size).collect());
        }
        parts
    }

    fn insert(&mut self, record: WriteRecord) {
        let place = Place {
            collection: record.collection.clone(),
            key: record.key.clone(),
            metadata: record.r#type() == Type::PutStateMetadata,
        };
        self.records.insert(place, record);
    }
}

fn record(collection: &str, key: &str, kind: Type) -> WriteRecord {
    WriteRecord {
        key: key.to_owned(),
        collection: collection.to_owned(),
        r#type: kind.into(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_of_a_key_wins_and_metadata_is_apart() {
        let mut batch = WriteBatch::default();
        batch.put("", "a", b"1");
        batch.put_metadata("", "a", "m", b"x");
        batch.put("c", "a", b"2");
        batch.delete("", "a");
        batch.put("c", "p", b"3");
        batch.purge("c", "p");
        let all: Vec<_> = batch.take(100).concat();
        let kinds: Vec<_> =
            all.iter().map(|r| (r.collection.as_str(), r.key.as_str(), r.r#type())).collect();
        let expected = [
            ("", "a", Type::DelState),
            ("", "a", Type::PutStateMetadata),
            ("c", "a", Type::PutState),
            ("c", "p", Type::PurgePrivateData),
        ];
        assert_eq!(kinds, expected);
        assert!(batch.take(100).is_empty());
    }

    #[test]
    fn parts_are_as_long_as_the_peer_allows() {
        let mut batch = WriteBatch::default();
        (0..250).for_each(|n| batch.put("", &format!("{n:03}"), b"v"));
        let lengths: Vec<_> = batch.take(100).iter().map(Vec::len).collect();
        assert_eq!(lengths, [100, 100, 50]);
    }
}
