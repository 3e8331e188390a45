//! Read-write sets, with the names of Fabric's messages.

use std::collections::BTreeMap;

use crate::read::Part;

/// An unpacked `rwset.TxReadWriteSet`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxRwSet {
    /// By namespace.
    pub namespaces: BTreeMap<String, NsRwSet>,
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
    /// Private data, by collection.
    pub collections: BTreeMap<String, CollectionRwSet>,
}

/// The reads and writes of a transaction in one collection; the public part, hashes only.
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

/// The transaction that last wrote a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// The number of its block.
    pub block_num: u64,
    /// Its index in the block, from 0.
    pub tx_num: u64,
}

/// A key that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvRead {
    /// The key.
    pub key: String,
    /// None: the key did not exist.
    pub version: Option<Version>,
}

/// A key that is put or deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvWrite {
    /// The key.
    pub key: String,
    /// True for a deletion.
    pub is_delete: bool,
    /// The new value.
    pub value: Vec<u8>,
}

/// A range that was read. Its rows are not included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeQueryInfo {
    /// The first key.
    pub start_key: String,
    /// The end; excluded.
    pub end_key: String,
    /// True if it was read to its end.
    pub itr_exhausted: bool,
}

/// A key whose metadata is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvMetadataWrite {
    /// The key.
    pub key: String,
    /// Names and values.
    pub entries: Vec<(String, Vec<u8>)>,
}

/// A private key that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvReadHash {
    /// SHA-256 of the key.
    pub key_hash: Vec<u8>,
    /// None: the key did not exist.
    pub version: Option<Version>,
}

/// A private key that is put, deleted or purged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvWriteHash {
    /// SHA-256 of the key.
    pub key_hash: Vec<u8>,
    /// True for a deletion.
    pub is_delete: bool,
    /// SHA-256 of the new value.
    pub value_hash: Vec<u8>,
    /// True if the key's history is removed as well.
    pub is_purge: bool,
}

/// A private key whose metadata is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvMetadataWriteHash {
    /// SHA-256 of the key.
    pub key_hash: Vec<u8>,
    /// Names and values.
    pub entries: Vec<(String, Vec<u8>)>,
}

impl TxRwSet {
    /// Reads the set from a message.
    pub(crate) fn read(part: Part<'_>) -> Option<Self> {
        Some(Self { namespaces: part.map(namespace)? })
    }
}

fn namespace(part: Part<'_>) -> Option<NsRwSet> {
    let read =
        |part: Part<'_>| Some(KvRead { key: part.at("key").text()?, version: version(part)? });
    let range = |part: Part<'_>| {
        Some(RangeQueryInfo {
            start_key: part.at("start_key").text()?,
            end_key: part.at("end_key").text()?,
            itr_exhausted: part.at("itr_exhausted").is()?,
        })
    };
    let write = |part: Part<'_>| {
        Some(KvWrite {
            key: part.at("key").text()?,
            is_delete: part.at("is_delete").is()?,
            value: part.at("value").bytes()?,
        })
    };
    let metadata = |part: Part<'_>| {
        Some(KvMetadataWrite { key: part.at("key").text()?, entries: entries(part)? })
    };
    Some(NsRwSet {
        reads: part.at("reads").list(read)?,
        range_queries: part.at("range_queries").list(range)?,
        writes: part.at("writes").list(write)?,
        metadata_writes: part.at("metadata_writes").list(metadata)?,
        collections: part.at("collections").map(collection)?,
    })
}

fn collection(part: Part<'_>) -> Option<CollectionRwSet> {
    let read = |part: Part<'_>| {
        Some(KvReadHash { key_hash: part.at("key_hash").bytes()?, version: version(part)? })
    };
    let write = |part: Part<'_>| {
        Some(KvWriteHash {
            key_hash: part.at("key_hash").bytes()?,
            is_delete: part.at("is_delete").is()?,
            value_hash: part.at("value_hash").bytes()?,
            is_purge: part.at("is_purge").is()?,
        })
    };
    let metadata = |part: Part<'_>| {
        Some(KvMetadataWriteHash {
            key_hash: part.at("key_hash").bytes()?,
            entries: entries(part)?,
        })
    };
    Some(CollectionRwSet {
        reads: part.at("reads").list(read)?,
        writes: part.at("writes").list(write)?,
        metadata_writes: part.at("metadata_writes").list(metadata)?,
        pvt_rwset_hash: part.at("pvt_rwset_hash").bytes()?,
    })
}

fn version(part: Part<'_>) -> Option<Option<Version>> {
    part.at("version").optional(|part| {
        let (block_num, tx_num) = part.pair(Part::number, Part::number)?;
        Some(Version { block_num, tx_num })
    })
}

fn entries(part: Part<'_>) -> Option<Vec<(String, Vec<u8>)>> {
    part.at("entries").list(|entry| entry.pair(Part::text, Part::bytes))
}
