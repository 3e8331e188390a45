//! The read-write set of a transaction, unpacked to its lists, and its encoder.
//!
//! The lists keep their order. Fabric sorts the hashed ones by the plain key, which only the
//! endorser knows, so the order could not be made again.
//!
//! Does not know the state or verdicts; `rwset_builder` makes the set of a simulation.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use prost::Message;

use crate::ledger::error::LedgerError;
use crate::proto::kvrwset::HashedRwSet;
use crate::proto::kvrwset::KvMetadataWrite;
use crate::proto::kvrwset::KvMetadataWriteHash;
use crate::proto::kvrwset::KvRead;
use crate::proto::kvrwset::KvReadHash;
use crate::proto::kvrwset::KvWrite;
use crate::proto::kvrwset::KvWriteHash;
use crate::proto::kvrwset::KvrwSet;
use crate::proto::kvrwset::RangeQueryInfo;
use crate::proto::kvrwset::Version;
use crate::proto::rwset::CollectionHashedReadWriteSet;
use crate::proto::rwset::NsReadWriteSet;
use crate::proto::rwset::TxReadWriteSet;
use crate::types::Height;
use crate::types::sha256;

/// An unpacked `rwset.TxReadWriteSet`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxRwSet {
    /// By name of the namespace.
    pub namespaces: BTreeMap<String, NsRwSet>,
}

/// What a transaction did in one namespace.
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

/// What a transaction did in one collection; the public part, hashes only.
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
    /// Errors: `Decode` if some part does not parse (Fabric's BAD_RWSET); `DuplicateNamespace` and
    /// `DuplicateCollection` if a name occurs twice (ILLEGAL_WRITESET).
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let set = TxReadWriteSet::decode(bytes).map_err(decode_error("read-write set"))?;
        let mut namespaces = BTreeMap::new();
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
        Ok(Self { namespaces })
    }

    /// Returns the serialized `rwset.TxReadWriteSet`, byte for byte as Fabric serializes it.
    pub fn encode(&self) -> Vec<u8> {
        let ns_rwset = self.namespaces.iter().map(|(name, ns)| ns.close(name)).collect();
        TxReadWriteSet { data_model: 0, ns_rwset }.encode_to_vec()
    }

    /// True if the transaction changes anything, public or private.
    pub fn has_writes(&self) -> bool {
        self.namespaces.values().any(NsRwSet::has_writes)
    }
}

impl NsRwSet {
    /// True if the transaction changes anything in this namespace, public or private.
    pub fn has_writes(&self) -> bool {
        let written = |c: &CollectionRwSet| !c.writes.is_empty() || !c.metadata_writes.is_empty();
        !self.writes.is_empty()
            || !self.metadata_writes.is_empty()
            || self.collections.values().any(written)
    }

    fn open(message: &NsReadWriteSet) -> Result<Self, LedgerError> {
        let public = KvrwSet::decode(message.rwset.as_slice())
            .map_err(decode_error("read-write set of a namespace"))?;
        let mut collections = BTreeMap::new();
        for collection in &message.collection_hashed_rwset {
            let hashed = HashedRwSet::decode(collection.hashed_rwset.as_slice())
                .map_err(decode_error("hashed read-write set"))?;
            let opened = CollectionRwSet {
                reads: hashed.hashed_reads,
                writes: hashed.hashed_writes,
                metadata_writes: hashed.metadata_writes,
                pvt_rwset_hash: collection.pvt_rwset_hash.clone(),
            };
            if collections.insert(collection.collection_name.clone(), opened).is_some() {
                return Err(LedgerError::DuplicateCollection {
                    namespace: message.namespace.clone(),
                    collection: collection.collection_name.clone(),
                });
            }
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
        let public = KvrwSet {
            reads: self.reads.clone(),
            range_queries_info: self.range_queries.clone(),
            writes: self.writes.clone(),
            metadata_writes: self.metadata_writes.clone(),
        };
        let collections = self.collections.iter().map(|(name, collection)| {
            let hashed = HashedRwSet {
                hashed_reads: collection.reads.clone(),
                hashed_writes: collection.writes.clone(),
                metadata_writes: collection.metadata_writes.clone(),
            };
            CollectionHashedReadWriteSet {
                collection_name: name.clone(),
                hashed_rwset: hashed.encode_to_vec(),
                pvt_rwset_hash: collection.pvt_rwset_hash.clone(),
            }
        });
        NsReadWriteSet {
            namespace: name.to_owned(),
            rwset: public.encode_to_vec(),
            collection_hashed_rwset: collections.collect(),
        }
    }
}

/// The height that a read recorded; None if the key did not exist.
pub fn height_of(version: Option<&Version>) -> Option<Height> {
    version.map(|version| Height::new(version.block_num, version.tx_num))
}

/// True if a write deletes its key. Fabric: `rwsetutil.IsKVWriteDelete`.
pub fn is_delete(write: &KvWrite) -> bool {
    write.is_delete || write.value.is_empty()
}

/// True if a private write deletes its key; the hash of an empty value deletes, too. Fabric:
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
    fn a_namespace_or_collection_named_twice_is_told_from_bad_bytes() {
        let twice = decode(vec![namespace("a", &[]), namespace("a", &[])]);
        assert!(matches!(twice, Err(LedgerError::DuplicateNamespace { .. })));
        let twice = decode(vec![namespace("a", &["c", "c"])]);
        assert!(matches!(twice, Err(LedgerError::DuplicateCollection { .. })));
        let bad = NsReadWriteSet { rwset: vec![0xff], ..namespace("a", &[]) };
        assert!(matches!(decode(vec![bad]), Err(LedgerError::Decode { .. })));
        assert!(matches!(TxRwSet::decode(&[0xff]), Err(LedgerError::Decode { .. })));
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
