//! The read-write set of a transaction, unpacked to its lists, and its encoder.
//!
//! The lists keep their order. Fabric sorts the hashed ones by the plain key, which only the
//! endorser knows, so the order could not be restored.
//!
//! Does not know the state or verdicts; `rwset_builder` makes the set of a simulation.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use prost::Message;
use prost::encoding::message::{encode_repeated, encoded_len_repeated};

use crate::error::LedgerError;
use wasmcc_types::proto::kvrwset::{
    HashedRwSet, KvMetadataWrite, KvMetadataWriteHash, KvRead, KvReadHash, KvWrite, KvWriteHash,
    KvrwSet, RangeQueryInfo, Version,
};
use wasmcc_types::proto::rwset::{CollectionHashedReadWriteSet, NsReadWriteSet, TxReadWriteSet};
use wasmcc_types::{Height, sha256};

/// An unpacked `rwset.TxReadWriteSet`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxRwSet {
    /// By name of the namespace.
    pub namespaces: BTreeMap<String, NsRwSet>,
    /// The names in the order of the message; empty if that is ascending, as endorsers write it.
    pub(crate) order: Vec<String>,
}

/// The reads and writes of a transaction in one namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NsRwSet {
    /// Keys read, with the version that was read.
    pub reads: Vec<KvRead>,
    /// Ranges read.
    pub range_queries: Vec<RangeQueryInfo>,
    /// Keys put or deleted.
    pub writes: Vec<KvWrite>,
    /// Keys whose metadata is replaced, or deleted if there are no entries.
    pub metadata_writes: Vec<KvMetadataWrite>,
    /// The private part, by name of the collection.
    pub collections: BTreeMap<String, CollectionRwSet>,
}

/// The reads and writes of a transaction in one collection: the public part, hashes only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectionRwSet {
    /// Key hashes read, with the version that was read.
    pub reads: Vec<KvReadHash>,
    /// Key hashes put, deleted or purged.
    pub writes: Vec<KvWriteHash>,
    /// Key hashes whose metadata is replaced.
    pub metadata_writes: Vec<KvMetadataWriteHash>,
    /// SHA-256 of the serialized private write set; empty if there is none.
    pub pvt_rwset_hash: Vec<u8>,
}

impl TxRwSet {
    /// Unpacks a serialized `rwset.TxReadWriteSet`.
    ///
    /// If a namespace names a collection twice, the entries of both are merged in their order.
    ///
    /// Errors: `Decode` if a part cannot be decoded (Fabric's BAD_RWSET), `DuplicateNamespace` if a
    /// namespace occurs twice (ILLEGAL_WRITESET).
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let set = TxReadWriteSet::decode(bytes).map_err(decode_error("read-write set"))?;
        let mut namespaces = BTreeMap::new();
        let names = || set.ns_rwset.iter().map(|ns| &ns.namespace);
        let order = if names().is_sorted() { Vec::new() } else { names().cloned().collect() };
        for ns in set.ns_rwset {
            let opened = NsRwSet::open(&ns)?;
            match namespaces.entry(ns.namespace) {
                Entry::Vacant(entry) => entry.insert(opened),
                Entry::Occupied(entry) => {
                    let namespace = entry.key().clone();
                    return Err(LedgerError::DuplicateNamespace { namespace });
                }
            };
        }
        Ok(Self { namespaces, order })
    }

    /// The namespaces in the order of the message, in which Fabric validates them.
    pub fn in_order(&self) -> impl Iterator<Item = (&String, &NsRwSet)> {
        let ascending = self.namespaces.iter().filter(|_| self.order.is_empty());
        ascending.chain(self.order.iter().filter_map(|name| self.namespaces.get_key_value(name)))
    }

    /// Returns the serialized `rwset.TxReadWriteSet`, byte for byte as Fabric serializes it.
    pub fn encode(&self) -> Vec<u8> {
        let ns_rwset = self.namespaces.iter().map(|(name, ns)| ns.close(name)).collect();
        TxReadWriteSet { data_model: 0, ns_rwset }.encode_to_vec()
    }

    /// True if the transaction writes anything, public or private.
    pub fn has_writes(&self) -> bool {
        self.namespaces.values().any(NsRwSet::has_writes)
    }

    /// True if the transaction writes private data.
    pub fn writes_collections(&self) -> bool {
        let mut all = self.namespaces.values().flat_map(|ns| ns.collections.values());
        all.any(CollectionRwSet::has_writes)
    }
}

impl NsRwSet {
    /// True if the transaction writes anything in this namespace, public or private.
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
            || !self.metadata_writes.is_empty()
            || self.collections.values().any(CollectionRwSet::has_writes)
    }

    fn open(message: &NsReadWriteSet) -> Result<Self, LedgerError> {
        let public = KvrwSet::decode(message.rwset.as_slice())
            .map_err(decode_error("read-write set of a namespace"))?;
        let mut collections = BTreeMap::<String, CollectionRwSet>::new();
        for collection in &message.collection_hashed_rwset {
            let hashed = HashedRwSet::decode(collection.hashed_rwset.as_slice())
                .map_err(decode_error("hashed read-write set"))?;
            let opened = match collections.entry(collection.collection_name.clone()) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    // The first of several hashes is used. Fabric: `transaction.retrieveHash`.
                    let pvt_rwset_hash = collection.pvt_rwset_hash.clone();
                    entry.insert(CollectionRwSet { pvt_rwset_hash, ..Default::default() })
                }
            };
            opened.reads.extend(hashed.hashed_reads);
            opened.writes.extend(hashed.hashed_writes);
            opened.metadata_writes.extend(hashed.metadata_writes);
        }
        Ok(Self {
            reads: public.reads,
            range_queries: public.range_queries_info,
            writes: public.writes,
            metadata_writes: public.metadata_writes,
            collections,
        })
    }

    fn close(&self, name: &str) -> NsReadWriteSet {
        let collections =
            self.collections.iter().map(|(name, collection)| CollectionHashedReadWriteSet {
                collection_name: name.clone(),
                hashed_rwset: collection.encode(),
                pvt_rwset_hash: collection.pvt_rwset_hash.clone(),
            });
        NsReadWriteSet {
            namespace: name.to_owned(),
            rwset: self.encode_public(),
            collection_hashed_rwset: collections.collect(),
        }
    }

    /// Returns the serialized `kvrwset.KVRWSet`, without copying the values first.
    fn encode_public(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(
            encoded_len_repeated(1, &self.reads)
                + encoded_len_repeated(2, &self.range_queries)
                + encoded_len_repeated(3, &self.writes)
                + encoded_len_repeated(4, &self.metadata_writes),
        );
        encode_repeated(1, &self.reads, &mut bytes);
        encode_repeated(2, &self.range_queries, &mut bytes);
        encode_repeated(3, &self.writes, &mut bytes);
        encode_repeated(4, &self.metadata_writes, &mut bytes);
        bytes
    }
}

impl CollectionRwSet {
    /// True if the transaction writes anything in this collection.
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty() || !self.metadata_writes.is_empty()
    }

    /// Returns the serialized `kvrwset.HashedRWSet`.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_repeated(1, &self.reads, &mut bytes);
        encode_repeated(2, &self.writes, &mut bytes);
        encode_repeated(3, &self.metadata_writes, &mut bytes);
        bytes
    }
}

/// Returns the height that a read recorded; None: the key did not exist.
pub fn height_of(version: Option<&Version>) -> Option<Height> {
    version.map(|version| Height::new(version.block_num, version.tx_num))
}

/// Converts a height.
pub(crate) fn version_of(height: Height) -> Version {
    Version { block_num: height.block, tx_num: height.tx }
}

/// True if a write deletes its key. Fabric: `rwsetutil.IsKVWriteDelete`.
pub fn is_delete(write: &KvWrite) -> bool {
    write.is_delete || write.value.is_empty()
}

/// True if a private write deletes its key; the hash of an empty value also deletes. Fabric:
/// `rwsetutil.IsKVWriteHashDelete`.
pub fn is_hashed_delete(write: &KvWriteHash) -> bool {
    write.is_delete || write.value_hash.is_empty() || write.value_hash == sha256(&[])
}

fn decode_error(what: &'static str) -> impl FnOnce(prost::DecodeError) -> LedgerError {
    move |source| LedgerError::Decode { what, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(name: &str, collections: &[&str]) -> NsReadWriteSet {
        let collection = |name: &&str| CollectionHashedReadWriteSet {
            collection_name: (*name).into(),
            ..Default::default()
        };
        NsReadWriteSet {
            namespace: name.into(),
            rwset: vec![],
            collection_hashed_rwset: collections.iter().map(collection).collect(),
        }
    }

    fn decode(namespaces: Vec<NsReadWriteSet>) -> Result<TxRwSet, LedgerError> {
        let set = TxReadWriteSet { data_model: 0, ns_rwset: namespaces };
        TxRwSet::decode(&set.encode_to_vec())
    }

    #[test]
    fn a_namespace_named_twice_is_told_from_bad_bytes() {
        let twice = decode(vec![namespace("a", &[]), namespace("a", &[])]);
        assert!(matches!(twice, Err(LedgerError::DuplicateNamespace { .. })));
        let bad = NsReadWriteSet { rwset: vec![0xff], ..namespace("a", &[]) };
        assert!(matches!(decode(vec![bad]), Err(LedgerError::Decode { .. })));
        assert!(matches!(TxRwSet::decode(&[0xff]), Err(LedgerError::Decode { .. })));
    }

    #[test]
    fn a_collection_named_twice_is_one_with_the_entries_of_both() {
        let collection = |hash: u8| {
            let write = KvWriteHash { key_hash: vec![hash], ..Default::default() };
            let read = KvReadHash { key_hash: vec![hash], version: None };
            let set = HashedRwSet {
                hashed_reads: vec![read],
                hashed_writes: vec![write],
                ..Default::default()
            };
            CollectionHashedReadWriteSet {
                collection_name: "c".into(),
                hashed_rwset: set.encode_to_vec(),
                pvt_rwset_hash: vec![hash; 3],
            }
        };
        let mut ns = namespace("a", &[]);
        ns.collection_hashed_rwset = vec![collection(2), collection(1), collection(2)];
        let opened = &decode(vec![ns]).unwrap().namespaces["a"].collections["c"];
        let hashes: Vec<u8> = opened.writes.iter().map(|write| write.key_hash[0]).collect();
        assert_eq!((hashes, opened.reads.len()), (vec![2, 1, 2], 3));
        assert_eq!(opened.pvt_rwset_hash, [2; 3]);
    }

    #[test]
    fn namespaces_are_judged_in_the_order_in_which_they_came() {
        let names = |all: &[&str]| {
            let set = decode(all.iter().map(|name| namespace(name, &[])).collect()).unwrap();
            set.in_order().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&["a", "b", "c"]), ["a", "b", "c"]);
        assert_eq!(names(&["c", "a", "b"]), ["c", "a", "b"]);
        assert!(names(&[]).is_empty());
    }

    #[test]
    fn hashed_lists_keep_their_order() {
        let write = |hash: u8| KvWriteHash {
            key_hash: vec![hash; 32],
            value_hash: vec![1; 32],
            ..Default::default()
        };
        let collection =
            CollectionRwSet { writes: vec![write(9), write(1), write(5)], ..Default::default() };
        let mut set = TxRwSet::default();
        let ns = set.namespaces.entry("ns".into()).or_default();
        ns.collections.insert("c".into(), collection);
        assert_eq!(TxRwSet::decode(&set.encode()).unwrap(), set);
        assert!(set.has_writes());
    }

    #[test]
    fn empty_values_are_deletes() {
        assert!(is_delete(&KvWrite { key: "k".into(), is_delete: false, value: vec![] }));
        let write = KvWriteHash { value_hash: sha256(&[]).to_vec(), ..Default::default() };
        assert!(is_hashed_delete(&write));
        let write = KvWriteHash { value_hash: sha256(&[1]).to_vec(), ..Default::default() };
        assert!(!is_hashed_delete(&write));
    }
}
