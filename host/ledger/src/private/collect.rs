//! Finds the private data of a block that is about to be committed.
//!
//! Invariant: a set that is missing or does not match its hash is recorded as missing, without an
//! error.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::block::rwset::{CollectionRwSet, TxRwSet};
use crate::block::tx::{CommitTx, tx_id};
use crate::error::LedgerError;
use crate::private::record::{PrivateRecord, PrivateSet};
use crate::private::rows::HashedKey;
use crate::private::rules::{CollectionRule, CollectionRules, NewHolder};
use crate::private::transient::TransientStore;
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;
use wasmcc_types::{ChannelId, sha256};

/// Returns the records of a block's private data to store, by `rules`. Sets of invalid transactions
/// are stored if they are available: they are distributed with their block. Fabric:
/// `gossip/privdata/pvtdataprovider.go`, `storePvtdataOfInvalidTx`.
pub(crate) fn collect_private(
    transient: &TransientStore,
    channel: &ChannelId,
    txs: &[CommitTx],
    codes: &[TxValidationCode],
    rules: &dyn CollectionRules,
) -> Result<Vec<PrivateRecord>, LedgerError> {
    let all = txs.iter().enumerate().filter_map(|(index, tx)| Some((index, tx.rwset.as_ref()?)));
    let mut records = records_of(all, &[], rules)?;
    let mut waiting = None;
    let place = |record: &PrivateRecord| usize::try_from(record.tx).ok();
    let is_valid = |record: &PrivateRecord| {
        place(record).and_then(|at| codes.get(at)) == Some(&TxValidationCode::Valid)
    };
    for record in records.iter_mut().filter(|record| !record.holders.is_empty()) {
        let tx = place(record).and_then(|index| txs.get(index));
        let Some((tx, tx_id)) = tx.and_then(|tx| Some((tx, tx_id(tx)?))) else { continue };
        let sets = match waiting.take_if(|(id, _)| *id == tx_id) {
            Some((_, sets)) => sets,
            None => transient.sets(tx_id)?,
        };
        let (ns, coll) = (record.namespace.as_str(), record.collection.as_str());
        let hash = pvt_rwset_hash(tx, ns, coll).unwrap_or_default();
        match find(&sets, ns, coll, hash) {
            Some(bytes) => record.set = PrivateSet::Whole(bytes),
            None if !is_valid(record) => {}
            None => tracing::warn!(
                %channel, tx_id, namespace = ns, collection = coll,
                "the private data of a transaction are missing"
            ),
        }
        waiting = Some((tx_id, sets));
    }
    records.retain(|record| is_valid(record) || record.set != PrivateSet::Missing);
    Ok(records)
}

/// Returns records for all writes of valid transactions to collections, as if every set were
/// missing; leaves out those in `have`.
pub(crate) fn without_sets(
    txs: &[CommitTx],
    codes: &[TxValidationCode],
    have: &[PrivateRecord],
    rules: &dyn CollectionRules,
) -> Result<Vec<PrivateRecord>, LedgerError> {
    records_of(valid_sets(txs, codes), have, rules)
}

/// As `without_sets`, for the given transactions.
fn records_of<'a>(
    sets: impl Iterator<Item = (usize, &'a TxRwSet)>,
    have: &[PrivateRecord],
    rules: &dyn CollectionRules,
) -> Result<Vec<PrivateRecord>, LedgerError> {
    let mut known = BTreeMap::<(&str, &str), Option<CollectionRule>>::new();
    let mut records = Vec::new();
    for (index, rwset) in sets {
        let tx = index as u64;
        for (ns, coll, hashed) in collections(rwset) {
            let is_it = |record: &PrivateRecord| {
                record.tx == tx && record.namespace == ns && record.collection == coll
            };
            if have.iter().any(is_it) {
                continue;
            }
            let rule = match known.get(&(ns, coll)) {
                Some(rule) => rule.clone(),
                None => {
                    let rule = rules.rule(ns, coll)?;
                    known.insert((ns, coll), rule.clone());
                    rule
                }
            };
            let Some(CollectionRule { mut holders, block_to_live }) = rule else { continue };
            if hashed.pvt_rwset_hash.is_empty() {
                // The record only keeps the lifetime of the hashes; there is no set.
                holders.clear();
            }
            if holders.is_empty() && block_to_live == 0 {
                continue;
            }
            let (namespace, collection) = (ns.to_owned(), coll.to_owned());
            let set = PrivateSet::Missing;
            let record =
                PrivateRecord { tx, namespace, collection, block_to_live, holders, since: 0, set };
            records.push(record);
        }
    }
    Ok(records)
}

fn pvt_rwset_hash<'a>(tx: &'a CommitTx, ns: &str, coll: &str) -> Option<&'a [u8]> {
    let set = tx.rwset.as_ref()?.namespaces.get(ns)?;
    set.collections.get(coll).map(|hashed| hashed.pvt_rwset_hash.as_slice())
}

/// Returns the keys that each valid transaction of a block purges.
pub(crate) fn purges(txs: &[CommitTx], codes: &[TxValidationCode]) -> Vec<(u64, HashedKey)> {
    let mut purges = Vec::new();
    for (index, rwset) in valid_sets(txs, codes) {
        for (ns, coll, hashed) in collections(rwset) {
            for write in hashed.writes.iter().filter(|write| write.is_purge) {
                let (namespace, collection) = (ns.to_owned(), coll.to_owned());
                let key = HashedKey { namespace, collection, key_hash: write.key_hash.clone() };
                purges.push((index as u64, key));
            }
        }
    }
    purges
}

/// Returns the organizations that valid transactions make holders, without duplicates.
pub(crate) fn new_holders(
    txs: &[CommitTx],
    codes: &[TxValidationCode],
    rules: &dyn CollectionRules,
) -> Vec<NewHolder> {
    let all = valid_sets(txs, codes).flat_map(|(tx, _)| rules.new_holders(tx));
    let once: BTreeSet<&NewHolder> = all.collect();
    once.into_iter().cloned().collect()
}

/// Returns the sets of the valid transactions, with their indexes.
pub(crate) fn valid_sets<'a>(
    txs: &'a [CommitTx],
    codes: &'a [TxValidationCode],
) -> impl Iterator<Item = (usize, &'a TxRwSet)> {
    let all = txs.iter().zip(codes).enumerate();
    all.filter(|(_, (_, code))| **code == TxValidationCode::Valid)
        .filter_map(|(index, (tx, _))| Some((index, tx.rwset.as_ref()?)))
}

/// Returns the collections that a transaction writes to.
pub(crate) fn collections(rwset: &TxRwSet) -> impl Iterator<Item = (&str, &str, &CollectionRwSet)> {
    rwset.namespaces.iter().flat_map(|(ns, set)| {
        let all = set.collections.iter();
        all.filter(|(_, hashed)| hashed.has_writes())
            .map(move |(coll, hashed)| (ns.as_str(), coll.as_str(), hashed))
    })
}

/// Returns the set that matches the hash in the block.
fn find(
    sets: &[TxPvtReadWriteSet],
    namespace: &str,
    collection: &str,
    hash: &[u8],
) -> Option<Vec<u8>> {
    let all = sets.iter().flat_map(|set| &set.ns_pvt_rwset);
    all.filter(|ns| ns.namespace == namespace)
        .flat_map(|ns| &ns.collection_pvt_rwset)
        .filter(|found| found.collection_name == collection)
        .map(|found| &found.rwset)
        .find(|bytes| sha256(bytes)[..] == *hash && KvrwSet::decode(bytes.as_slice()).is_ok())
        .cloned()
}
