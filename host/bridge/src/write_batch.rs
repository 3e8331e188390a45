//! Collects writes that are sent to the peer together (fabric-chaincode-go `shim/batch.go`).
//!
//! Invariant: a batch never exceeds its limit of bytes. Does not send: the sender decides when, and
//! in how many parts.

use std::collections::BTreeMap;

use prost::Message;

use wasmcc_types::proto::protos::write_record::Type;
use wasmcc_types::proto::protos::{StateMetadata, WriteRecord};

/// Approximate memory of a record without its texts and values, in bytes.
const RECORD_BYTES: usize = 256;

/// The last write of each key. They are sent in the order of collection and key, so that equal
/// transactions send equal messages.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WriteBatch {
    records: BTreeMap<RecordKey, WriteRecord>,
    bytes: usize,
    limit: usize,
}

/// The batch would be larger than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transaction may hold back writes of at most {limit} bytes in a batch")]
pub(crate) struct BatchFull {
    /// The limit in bytes.
    pub limit: usize,
}

/// The key of a record: a value and its metadata are separate writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RecordKey {
    collection: String,
    key: String,
    metadata: bool,
}

impl WriteBatch {
    /// Creates an empty batch of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { records: BTreeMap::new(), bytes: 0, limit }
    }

    /// Returns the bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the write of a value.
    pub(crate) fn put(
        &mut self,
        collection: &str,
        key: &str,
        value: impl Into<Vec<u8>>,
    ) -> Result<(), BatchFull> {
        let value = value.into();
        self.insert(WriteRecord { value, ..record(collection, key, Type::PutState) })
    }

    /// Adds a deletion.
    pub(crate) fn delete(&mut self, collection: &str, key: &str) -> Result<(), BatchFull> {
        self.insert(record(collection, key, Type::DelState))
    }

    /// Adds a purge.
    pub(crate) fn purge(&mut self, collection: &str, key: &str) -> Result<(), BatchFull> {
        self.insert(record(collection, key, Type::PurgePrivateData))
    }

    /// Adds the write of a metadata entry.
    pub(crate) fn put_metadata(
        &mut self,
        collection: &str,
        key: &str,
        name: &str,
        value: impl Into<Vec<u8>>,
    ) -> Result<(), BatchFull> {
        let metadata = StateMetadata { metakey: name.to_owned(), value: value.into() };
        let record = record(collection, key, Type::PutStateMetadata);
        self.insert(WriteRecord { metadata: Some(metadata), ..record })
    }

    /// Returns its writes, in parts of at most `count` writes and `bytes` bytes. A larger write is
    /// a part of its own.
    pub(crate) fn into_parts(self, count: u32, bytes: usize) -> Vec<Vec<WriteRecord>> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).max(1);
        let mut parts: Vec<Vec<WriteRecord>> = Vec::new();
        let mut of_part = 0;
        for record in self.records.into_values() {
            let size = size(&record);
            match parts.last_mut() {
                Some(part) if part.len() < count && of_part + size <= bytes => {
                    part.push(record);
                    of_part += size;
                }
                _ => {
                    parts.push(vec![record]);
                    of_part = size;
                }
            }
        }
        parts
    }

    fn insert(&mut self, record: WriteRecord) -> Result<(), BatchFull> {
        let place = RecordKey {
            collection: record.collection.clone(),
            key: record.key.clone(),
            metadata: record.r#type() == Type::PutStateMetadata,
        };
        let before = self.records.get(&place).map_or(0, size);
        let bytes = self.bytes - before + size(&record);
        if bytes > self.limit {
            return Err(BatchFull { limit: self.limit });
        }
        self.bytes = bytes;
        self.records.insert(place, record);
        Ok(())
    }
}

/// Returns the memory of a record in bytes, more than in a message: collection and key are stored
/// twice.
fn size(record: &WriteRecord) -> usize {
    record.encoded_len() + record.collection.len() + record.key.len() + RECORD_BYTES
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

    const LIMIT: usize = 1 << 20;

    #[test]
    fn the_last_write_of_a_key_wins_and_metadata_is_apart() {
        let mut batch = WriteBatch::new(LIMIT);
        batch.put("", "a", b"1").unwrap();
        batch.put_metadata("", "a", "m", b"x").unwrap();
        batch.put("c", "a", b"2").unwrap();
        batch.delete("", "a").unwrap();
        batch.put("c", "p", b"3").unwrap();
        batch.purge("c", "p").unwrap();
        let all: Vec<_> = batch.into_parts(100, LIMIT).concat();
        let kinds: Vec<_> =
            all.iter().map(|r| (r.collection.as_str(), r.key.as_str(), r.r#type())).collect();
        let expected = [
            ("", "a", Type::DelState),
            ("", "a", Type::PutStateMetadata),
            ("c", "a", Type::PutState),
            ("c", "p", Type::PurgePrivateData),
        ];
        assert_eq!(kinds, expected);
        assert!(WriteBatch::new(LIMIT).into_parts(100, LIMIT).is_empty());
    }

    #[test]
    fn parts_are_as_long_as_the_peer_allows() {
        let mut batch = WriteBatch::new(LIMIT);
        (0..250).for_each(|n| batch.put("", &format!("{n:03}"), b"v").unwrap());
        let lengths: Vec<_> = batch.into_parts(100, LIMIT).iter().map(Vec::len).collect();
        assert_eq!(lengths, [100, 100, 50]);
    }

    #[test]
    fn parts_have_no_more_bytes_than_they_may() {
        let mut batch = WriteBatch::new(LIMIT);
        for (key, bytes) in [("a", 5_000), ("b", 30_000), ("c", 3_000), ("d", 3_000), ("e", 4_000)]
        {
            batch.put("", key, vec![1; bytes]).unwrap();
        }
        let keys = |part: &Vec<WriteRecord>| part.iter().map(|r| r.key.as_str()).collect();
        let parts = batch.into_parts(100, 10_000);
        assert_eq!(parts.iter().map(keys).collect::<Vec<String>>(), ["a", "b", "cd", "e"]);
    }

    #[test]
    fn a_batch_holds_no_more_than_its_limit() {
        let mut batch = WriteBatch::new(10_000);
        batch.put("", "a", [1; 9_000]).unwrap();
        let full = batch.put("", "b", [1; 9_000]).unwrap_err();
        let text = "a transaction may hold back writes of at most 10000 bytes in a batch";
        assert_eq!(full.to_string(), text);
        batch.put("", "a", [2; 9_001]).unwrap();
        batch.put("", "a", b"").unwrap();
        batch.put("", "b", [1; 9_000]).unwrap();
        let bytes = batch.bytes();
        assert!((9_000..10_000).contains(&bytes), "{bytes}");
        let many = (0..).find(|n| batch.delete("", &format!("{n:09}")).is_err());
        assert!(many.unwrap() < 40, "small writes take room, too");
    }
}
