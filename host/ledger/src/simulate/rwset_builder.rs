//! Collects the reads and writes of a simulation, and builds the read-write sets in Fabric's order.
//! Fabric: `rwsetutil/rwset_builder.go`.
//!
//! Everything is kept by plain key, so every list has the order of plain keys, including the hashed
//! ones.
//!
//! Invariant: the same calls lead to the same bytes; no state is used.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::ops::Bound;

use prost::Message;

use crate::block::rwset::{CollectionRwSet, NsRwSet, TxRwSet, version_of};
use crate::store::state::Metadata;
use wasmcc_types::proto::kvrwset::{
    KvMetadataEntry, KvMetadataWrite, KvMetadataWriteHash, KvRead, KvReadHash, KvWrite,
    KvWriteHash, KvrwSet, RangeQueryInfo,
};
use wasmcc_types::proto::rwset::{CollectionPvtReadWriteSet, NsPvtReadWriteSet, TxPvtReadWriteSet};
use wasmcc_types::{Height, sha256};

/// A read-write set under construction.
#[derive(Default)]
pub(crate) struct RwSetBuilder {
    namespaces: BTreeMap<String, NsBuilder>,
    bytes: usize,
    own_reads: BTreeSet<OwnRead>,
}

/// Limit on the reported reads of own writes: each range searches all writes of its namespace.
const MOST_OWN_READS: usize = 1_000;

/// A public key that was read after it was written. The read returned the old value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnRead {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
}

/// Start, end, and whether the query was read to its end.
type RangeKey = (String, String, bool);

#[derive(Default)]
struct NsBuilder {
    reads: BTreeMap<String, Option<Height>>,
    /// The ranges, each with its position.
    ranges: BTreeMap<RangeKey, (usize, RangeQueryInfo)>,
    /// An empty value deletes the key.
    writes: BTreeMap<String, Vec<u8>>,
    metadata: BTreeMap<String, Metadata>,
    collections: BTreeMap<String, CollectionBuilder>,
}

#[derive(Default)]
struct CollectionBuilder {
    reads: BTreeMap<String, Option<Height>>,
    writes: BTreeMap<String, PrivateWrite>,
    metadata: BTreeMap<String, Metadata>,
}

/// A write to a private key.
pub(crate) enum PrivateWrite {
    /// An empty value deletes the key.
    Put(Vec<u8>),
    /// Deletes the key and, unlike a delete, all its earlier values.
    Purge,
}

impl RwSetBuilder {
    /// Returns the approximate size of keys and values in bytes, without replaced ones.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns by how many bytes a write would enlarge the set.
    pub(crate) fn growth(&self, namespace: &str, key: &str, value_bytes: usize) -> usize {
        match self.namespaces.get(namespace).and_then(|ns| ns.writes.get(key)) {
            Some(replaced) => value_bytes.saturating_sub(replaced.len()),
            None => key.len() + value_bytes,
        }
    }

    /// Counts bytes that are kept elsewhere until the set is built.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Adds a read of a key; None if the key does not exist.
    pub(crate) fn add_read(&mut self, namespace: &str, key: &str, version: Option<Height>) {
        let ns = self.namespace(namespace);
        let is_own = ns.writes.contains_key(key);
        if ns.reads.insert(key.to_owned(), version).is_none() {
            self.bytes += key.len();
        }
        if is_own && self.own_reads.len() < MOST_OWN_READS {
            self.own_reads.insert(OwnRead { namespace: namespace.to_owned(), key: key.to_owned() });
        }
    }

    /// Records own writes within a range that is about to be read; an empty end means open.
    pub(crate) fn note_range(&mut self, namespace: &str, start: &str, end: &str) {
        let Some(ns) = self.namespaces.get(namespace) else { return };
        if !end.is_empty() && start >= end {
            return;
        }
        let from = (Bound::Included(start), Bound::Unbounded);
        let own = ns.writes.range::<str, _>(from).map(|(key, _)| key);
        for key in own.take_while(|key| end.is_empty() || key.as_str() < end) {
            if self.own_reads.len() >= MOST_OWN_READS {
                return;
            }
            self.own_reads.insert(OwnRead { namespace: namespace.to_owned(), key: key.clone() });
        }
    }

    /// Returns the keys that were read after they were written, by key or within a range; at most
    /// 1,000. These reads returned the old values.
    pub(crate) fn take_own_reads(&mut self) -> Vec<OwnRead> {
        take(&mut self.own_reads).into_iter().collect()
    }

    /// Adds a range. Of two equal queries the first one is kept. Fabric: `AddToRangeQuerySet`.
    pub(crate) fn add_range(&mut self, namespace: &str, mut info: RangeQueryInfo) {
        let (start, end) = (take(&mut info.start_key), take(&mut info.end_key));
        let ranges = &mut self.namespace(namespace).ranges;
        let place = ranges.len();
        ranges.entry((start, end, info.itr_exhausted)).or_insert((place, info));
    }

    /// Adds a write; an empty value deletes. The last write of a key is used.
    pub(crate) fn add_write(&mut self, namespace: &str, key: &str, value: Vec<u8>) {
        self.bytes += value.len();
        match self.namespace(namespace).writes.insert(key.to_owned(), value) {
            Some(replaced) => self.bytes -= replaced.len(),
            None => self.bytes += key.len(),
        }
    }

    /// Replaces a key's metadata; empty metadata deletes it.
    pub(crate) fn add_metadata_write(&mut self, namespace: &str, key: &str, metadata: Metadata) {
        self.bytes += metadata_bytes(&metadata);
        match self.namespace(namespace).metadata.insert(key.to_owned(), metadata) {
            Some(replaced) => self.bytes -= metadata_bytes(&replaced),
            None => self.bytes += key.len(),
        }
    }

    /// Adds a read of a private key's hash.
    pub(crate) fn add_hashed_read(
        &mut self,
        namespace: &str,
        collection: &str,
        key: &str,
        version: Option<Height>,
    ) {
        self.bytes += key.len();
        self.collection(namespace, collection).reads.insert(key.to_owned(), version);
    }

    /// Adds a write of a private key.
    pub(crate) fn add_private_write(
        &mut self,
        namespace: &str,
        collection: &str,
        key: &str,
        write: PrivateWrite,
    ) {
        self.bytes += key.len();
        if let PrivateWrite::Put(value) = &write {
            self.bytes += value.len();
        }
        self.collection(namespace, collection).writes.insert(key.to_owned(), write);
    }

    /// Replaces the metadata of a private key; empty metadata deletes it.
    pub(crate) fn add_private_metadata_write(
        &mut self,
        namespace: &str,
        collection: &str,
        key: &str,
        metadata: Metadata,
    ) {
        self.bytes += key.len() + metadata_bytes(&metadata);
        self.collection(namespace, collection).metadata.insert(key.to_owned(), metadata);
    }

    /// Builds the public set, with the hashes of the private one, and the private set if it is not
    /// empty.
    pub(crate) fn build(self) -> (TxRwSet, Option<TxPvtReadWriteSet>) {
        let mut public = TxRwSet::default();
        let mut private = Vec::new();
        for (name, ns) in self.namespaces {
            let mut collections = BTreeMap::new();
            let mut private_collections = Vec::new();
            for (collection, builder) in ns.collections {
                let plain = builder.plain();
                let mut hashed = builder.hashed();
                if let Some(plain) = plain {
                    let rwset = plain.encode_to_vec();
                    hashed.pvt_rwset_hash = sha256(&rwset).to_vec();
                    let collection_name = collection.clone();
                    private_collections.push(CollectionPvtReadWriteSet { collection_name, rwset });
                }
                collections.insert(collection, hashed);
            }
            if !private_collections.is_empty() {
                private.push(NsPvtReadWriteSet {
                    namespace: name.clone(),
                    collection_pvt_rwset: private_collections,
                });
            }
            let set = NsRwSet {
                reads: ns.reads.into_iter().map(|(key, version)| kv_read(key, version)).collect(),
                range_queries: in_order(ns.ranges),
                writes: ns.writes.into_iter().map(|(key, value)| kv_write(key, value)).collect(),
                metadata_writes: ns
                    .metadata
                    .into_iter()
                    .map(|(key, metadata)| kv_metadata_write(key, metadata))
                    .collect(),
                collections,
            };
            public.namespaces.insert(name, set);
        }
        let private = (!private.is_empty())
            .then_some(TxPvtReadWriteSet { data_model: 0, ns_pvt_rwset: private });
        (public, private)
    }

    fn namespace(&mut self, namespace: &str) -> &mut NsBuilder {
        if !self.namespaces.contains_key(namespace) {
            self.namespaces.insert(namespace.to_owned(), NsBuilder::default());
        }
        self.namespaces.get_mut(namespace).expect("inserted above if it was missing")
    }

    fn collection(&mut self, namespace: &str, collection: &str) -> &mut CollectionBuilder {
        self.namespace(namespace).collections.entry(collection.to_owned()).or_default()
    }
}

/// Returns the size of a key's metadata, names and values, in bytes.
pub(crate) fn metadata_bytes(metadata: &Metadata) -> usize {
    metadata.iter().map(|(name, value)| name.len() + value.len()).sum()
}

impl CollectionBuilder {
    /// Returns the private set, for members only; None without writes. It also contains keys whose
    /// metadata alone changes, because their version changes, too.
    fn plain(&self) -> Option<KvrwSet> {
        if self.writes.is_empty() && self.metadata.is_empty() {
            return None;
        }
        let write = |(key, write): (&String, &PrivateWrite)| match write {
            PrivateWrite::Put(value) => kv_write(key.clone(), value.clone()),
            PrivateWrite::Purge => kv_write(key.clone(), Vec::new()),
        };
        let metadata = |key: &String| KvMetadataWrite { key: key.clone(), entries: Vec::new() };
        Some(KvrwSet {
            writes: self.writes.iter().map(write).collect(),
            metadata_writes: self.metadata.keys().map(metadata).collect(),
            ..Default::default()
        })
    }

    /// Returns the public hashes.
    fn hashed(self) -> CollectionRwSet {
        let read = |(key, version): (String, Option<Height>)| KvReadHash {
            key_hash: sha256(key.as_bytes()).to_vec(),
            version: version.map(version_of),
        };
        let metadata = |(key, metadata): (String, Metadata)| KvMetadataWriteHash {
            key_hash: sha256(key.as_bytes()).to_vec(),
            entries: entries(metadata),
        };
        CollectionRwSet {
            reads: self.reads.into_iter().map(read).collect(),
            writes: self.writes.into_iter().map(|(key, write)| kv_write_hash(key, write)).collect(),
            metadata_writes: self.metadata.into_iter().map(metadata).collect(),
            pvt_rwset_hash: Vec::new(),
        }
    }
}

/// Returns the ranges in the order in which they were added.
fn in_order(ranges: BTreeMap<RangeKey, (usize, RangeQueryInfo)>) -> Vec<RangeQueryInfo> {
    let whole = |((start_key, end_key, _), (place, info))| {
        (place, RangeQueryInfo { start_key, end_key, ..info })
    };
    let mut ranges: Vec<(usize, RangeQueryInfo)> = ranges.into_iter().map(whole).collect();
    ranges.sort_unstable_by_key(|(place, _)| *place);
    ranges.into_iter().map(|(_, info)| info).collect()
}

/// Makes the message for a read.
pub(crate) fn kv_read(key: String, version: Option<Height>) -> KvRead {
    KvRead { key, version: version.map(version_of) }
}

fn kv_write(key: String, value: Vec<u8>) -> KvWrite {
    KvWrite { key, is_delete: value.is_empty(), value }
}

fn kv_write_hash(key: String, write: PrivateWrite) -> KvWriteHash {
    let key_hash = sha256(key.as_bytes()).to_vec();
    match write {
        PrivateWrite::Put(value) if !value.is_empty() => {
            let value_hash = sha256(&value).to_vec();
            KvWriteHash { key_hash, is_delete: false, value_hash, is_purge: false }
        }
        PrivateWrite::Put(_) => KvWriteHash { key_hash, is_delete: true, ..Default::default() },
        PrivateWrite::Purge => {
            KvWriteHash { key_hash, is_delete: true, is_purge: true, ..Default::default() }
        }
    }
}

fn kv_metadata_write(key: String, metadata: Metadata) -> KvMetadataWrite {
    KvMetadataWrite { key, entries: entries(metadata) }
}

fn entries(metadata: Metadata) -> Vec<KvMetadataEntry> {
    metadata.into_iter().map(|(name, value)| KvMetadataEntry { name, value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_entries_are_single() {
        let mut builder = RwSetBuilder::default();
        builder.add_write("b", "2", vec![1]);
        builder.add_write("b", "1", vec![1]);
        builder.add_write("b", "2", vec![]);
        builder.add_read("b", "k", Some(Height::new(1, 2)));
        builder.add_read("b", "k", Some(Height::new(1, 2)));
        builder.add_read("a", "none", None);
        let (set, private) = builder.build();
        assert!(private.is_none());
        assert_eq!(set.namespaces.keys().collect::<Vec<_>>(), ["a", "b"]);
        let ns = &set.namespaces["b"];
        assert_eq!(ns.reads.len(), 1);
        let writes: Vec<_> = ns.writes.iter().map(|w| (w.key.as_str(), w.is_delete)).collect();
        assert_eq!(writes, [("1", false), ("2", true)]);
        assert_eq!(set.namespaces["a"].reads[0].version, None);
    }

    #[test]
    fn equal_range_queries_are_recorded_once() {
        let mut builder = RwSetBuilder::default();
        let info = |end: &str, itr_exhausted| RangeQueryInfo {
            start_key: "a".into(),
            end_key: end.into(),
            itr_exhausted,
            reads_info: None,
        };
        for info in [info("c", true), info("b", true), info("c", true), info("c", false)] {
            builder.add_range("ns", info);
        }
        let ranges = builder.build().0.namespaces.remove("ns").unwrap().range_queries;
        assert_eq!(ranges, [info("c", true), info("b", true), info("c", false)]);
    }

    #[test]
    fn many_reads_of_own_writes_are_not_all_told() {
        let mut builder = RwSetBuilder::default();
        for number in 0..MOST_OWN_READS + 10 {
            builder.add_write("ns", &format!("{number:04}"), vec![1]);
        }
        builder.note_range("ns", "0005", "");
        builder.note_range("ns", "", "");
        builder.add_read("ns", "0000", None);
        let told = builder.take_own_reads();
        assert_eq!((told.len(), told[0].key.as_str()), (MOST_OWN_READS, "0005"));
    }

    #[test]
    fn private_writes_are_sorted_by_plain_key_and_hashed() {
        let mut builder = RwSetBuilder::default();
        for key in ["b", "a", "c"] {
            builder.add_private_write("ns", "coll", key, PrivateWrite::Put(b"v".to_vec()));
        }
        builder.add_private_write("ns", "coll", "d", PrivateWrite::Purge);
        builder.add_hashed_read("ns", "readonly", "r", None);
        let metadata = Metadata::from([("n".into(), vec![1])]);
        builder.add_private_metadata_write("ns", "meta", "m", metadata);
        let (public, private) = builder.build();
        let collections = &public.namespaces["ns"].collections;
        let hashes: Vec<_> = collections["coll"].writes.iter().map(|w| &w.key_hash).collect();
        let expected: Vec<_> = ["a", "b", "c", "d"].map(|k| sha256(k.as_bytes()).to_vec()).into();
        assert_eq!(hashes, expected.iter().collect::<Vec<_>>());
        let last = collections["coll"].writes.last().unwrap();
        assert!(last.is_delete && last.is_purge && last.value_hash.is_empty());
        assert!(collections["readonly"].pvt_rwset_hash.is_empty());

        let private = private.unwrap().ns_pvt_rwset.remove(0).collection_pvt_rwset;
        let names: Vec<_> = private.iter().map(|c| c.collection_name.as_str()).collect();
        assert_eq!(names, ["coll", "meta"]);
        for set in &private {
            let hash = &collections[&set.collection_name].pvt_rwset_hash;
            assert_eq!(hash, &sha256(&set.rwset));
        }
        let meta = KvrwSet::decode(private[1].rwset.as_slice()).unwrap();
        assert_eq!(meta.metadata_writes[0].key, "m");
        assert!(meta.metadata_writes[0].entries.is_empty());
    }
}
