//! The read and write sets that transactions claim.
//!
//! Invariant: depends only on the dice and the height of the channel.

use prost::Message;

use crate::hostile::dice::Dice;
use crate::hostile::values::{COLLECTIONS, NAMES, key, signature_policy, value};
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;
use wasmcc_types::proto::kvrwset::{
    HashedRwSet, KvMetadataEntry, KvMetadataWrite, KvMetadataWriteHash, KvRead, KvReadHash,
    KvWrite, KvWriteHash, KvrwSet, QueryReads, QueryReadsMerkleSummary, RangeQueryInfo, Version,
};
use wasmcc_types::proto::rwset::{
    CollectionHashedReadWriteSet, CollectionPvtReadWriteSet, NsPvtReadWriteSet, NsReadWriteSet,
    TxPvtReadWriteSet, TxReadWriteSet,
};
use wasmcc_types::{VALIDATION_PARAMETER, sha256};

const ENTRY_NAMES: [&str; 4] = [VALIDATION_PARAMETER, VALIDATION_PARAMETER, "other", ""];

/// The public set, and the private data that belong to it.
pub(crate) struct Sets {
    pub(crate) public: TxReadWriteSet,
    pub(crate) private: TxPvtReadWriteSet,
}

/// Makes sets that a chaincode could have made, mostly in its own namespace.
pub(crate) fn sets(dice: &mut Dice<'_>, chaincode: &str, height: u64) -> Sets {
    let mut sets = Sets { public: TxReadWriteSet::default(), private: Default::default() };
    for _ in 0..1 + dice.below(3) {
        let namespace = match dice.below(3) {
            2 => *dice.pick(&NAMES),
            _ => chaincode,
        };
        let known = |ns: &NsReadWriteSet| ns.namespace == namespace;
        // A namespace that occurs twice leads to ILLEGAL_WRITESET.
        if sets.public.ns_rwset.iter().any(known) && !dice.one_in(16) {
            continue;
        }
        let (public, private) = namespace_sets(dice, namespace, height);
        sets.public.ns_rwset.push(public);
        sets.private.ns_pvt_rwset.push(private);
    }
    sets
}

fn namespace_sets(
    dice: &mut Dice<'_>,
    namespace: &str,
    height: u64,
) -> (NsReadWriteSet, NsPvtReadWriteSet) {
    let mut rwset = public_set(dice, namespace, height).encode_to_vec();
    dice.spoil_one_in(40, &mut rwset);
    let (mut hashed, mut private) = (Vec::new(), Vec::new());
    let collections = if dice.one_in(2) { dice.below(3) } else { 0 };
    for _ in 0..collections {
        let name = *dice.pick(&COLLECTIONS);
        let known = |set: &CollectionHashedReadWriteSet| set.collection_name == name;
        if hashed.iter().any(known) && !dice.one_in(16) {
            continue;
        }
        let (public, plain) = collection_sets(dice, namespace, name, height);
        hashed.push(public);
        private.push(plain);
    }
    let namespace = namespace.to_owned();
    let public =
        NsReadWriteSet { namespace: namespace.clone(), rwset, collection_hashed_rwset: hashed };
    (public, NsPvtReadWriteSet { namespace, collection_pvt_rwset: private })
}

fn public_set(dice: &mut Dice<'_>, namespace: &str, height: u64) -> KvrwSet {
    let mut set = KvrwSet::default();
    for _ in 0..dice.below(3) {
        let key = key(dice, namespace);
        set.reads.push(KvRead { key, version: version(dice, height) });
    }
    if dice.one_in(4) {
        set.range_queries_info.push(range(dice, namespace, height));
    }
    for _ in 0..dice.below(4) {
        let key = key(dice, namespace);
        let value = value(dice, namespace, &key);
        set.writes.push(KvWrite { key, is_delete: dice.one_in(8), value });
    }
    if dice.one_in(3) {
        let key = key(dice, namespace);
        set.metadata_writes.push(KvMetadataWrite { key, entries: entries(dice) });
    }
    set
}

fn collection_sets(
    dice: &mut Dice<'_>,
    namespace: &str,
    name: &str,
    height: u64,
) -> (CollectionHashedReadWriteSet, CollectionPvtReadWriteSet) {
    let (mut hashed, mut plain) = (HashedRwSet::default(), KvrwSet::default());
    let hash = |text: &[u8]| sha256(text).to_vec();
    if dice.one_in(3) {
        let key_hash = hash(key(dice, namespace).as_bytes());
        hashed.hashed_reads.push(KvReadHash { key_hash, version: version(dice, height) });
    }
    for _ in 0..dice.below(3) {
        let key = key(dice, namespace);
        let value = value(dice, namespace, &key);
        let mut write = KvWriteHash {
            key_hash: hash(key.as_bytes()),
            is_delete: dice.one_in(8),
            value_hash: hash(&value),
            is_purge: dice.one_in(6),
        };
        dice.spoil_one_in(16, &mut write.key_hash);
        dice.spoil_one_in(16, &mut write.value_hash);
        plain.writes.push(KvWrite { key, is_delete: write.is_delete, value });
        hashed.hashed_writes.push(write);
    }
    if dice.one_in(4) {
        let (key, entries) = (key(dice, namespace), entries(dice));
        let key_hash = hash(key.as_bytes());
        hashed.metadata_writes.push(KvMetadataWriteHash { key_hash, entries: entries.clone() });
        plain.metadata_writes.push(KvMetadataWrite { key, entries });
    }
    let rwset = plain.encode_to_vec();
    let mut pvt_rwset_hash = if dice.one_in(4) { Vec::new() } else { hash(&rwset) };
    dice.spoil_one_in(16, &mut pvt_rwset_hash);
    let mut hashed_rwset = hashed.encode_to_vec();
    dice.spoil_one_in(40, &mut hashed_rwset);
    let collection_name = name.to_owned();
    let public = CollectionHashedReadWriteSet {
        collection_name: collection_name.clone(),
        hashed_rwset,
        pvt_rwset_hash,
    };
    (public, CollectionPvtReadWriteSet { collection_name, rwset })
}

fn entries(dice: &mut Dice<'_>) -> Vec<KvMetadataEntry> {
    let entry = |dice: &mut Dice<'_>| {
        let value = match dice.below(4) {
            0 => Vec::new(),
            1 => dice.bytes(),
            _ => signature_policy(dice),
        };
        KvMetadataEntry { name: (*dice.pick(&ENTRY_NAMES)).to_owned(), value }
    };
    (0..dice.below(3)).map(|_| entry(dice)).collect()
}

/// Chooses the version of a read. Most keys did not exist, or were written recently.
fn version(dice: &mut Dice<'_>, height: u64) -> Option<Version> {
    match dice.below(6) {
        0..4 => None,
        4 => {
            let block_num = height.saturating_sub(dice.below(8) as u64);
            Some(Version { block_num, tx_num: dice.below(4) as u64 })
        }
        _ => Some(Version { block_num: dice.number(), tx_num: dice.number() }),
    }
}

fn range(dice: &mut Dice<'_>, namespace: &str, height: u64) -> RangeQueryInfo {
    let reads_info = match dice.below(4) {
        0 => None,
        1 => Some(ReadsInfo::RawReads(QueryReads::default())),
        2 => {
            let read = |dice: &mut Dice<'_>| KvRead {
                key: key(dice, namespace),
                version: version(dice, height),
            };
            let kv_reads = (0..dice.below(3)).map(|_| read(dice)).collect();
            Some(ReadsInfo::RawReads(QueryReads { kv_reads }))
        }
        _ => Some(ReadsInfo::ReadsMerkleHashes(QueryReadsMerkleSummary {
            max_degree: dice.number() as u32,
            max_level: dice.number() as u32,
            max_level_hashes: (0..dice.below(3)).map(|_| dice.bytes()).collect(),
        })),
    };
    RangeQueryInfo {
        start_key: key(dice, namespace),
        end_key: key(dice, namespace),
        itr_exhausted: dice.one_in(2),
        reads_info,
    }
}
