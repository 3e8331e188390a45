//! Finds the private data of a block that is about to be committed.
//!
//! Invariant: what is missing or is not what the block says is noted as missing; it is no error.

use std::collections::BTreeMap;

use prost::Message;

use crate::ledger::channel::Ledger;
use crate::ledger::collections::CollectionRule;
use crate::ledger::collections::CollectionRules;
use crate::ledger::commit::CommitTx;
use crate::ledger::commit::tx_id;
use crate::ledger::error::LedgerError;
use crate::ledger::private::record::PrivateRecord;
use crate::ledger::private::record::PrivateSet;
use crate::ledger::private::rows::HashedKey;
use crate::ledger::rwset::CollectionRwSet;
use crate::ledger::rwset::TxRwSet;
use crate::proto::kvrwset::KvrwSet;
use crate::proto::protos::TxValidationCode;
use crate::proto::rwset::TxPvtReadWriteSet;
use crate::types::sha256;

impl Ledger {
    /// What is to be kept of the private data of a block, as `rules` say.
    pub(crate) fn collect_private(
        &self,
        txs: &[CommitTx],
        codes: &[TxValidationCode],
        rules: &dyn CollectionRules,
    ) -> Result<Vec<PrivateRecord>, LedgerError> {
        let mut known = BTreeMap::<(&str, &str), Option<CollectionRule>>::new();
        let mut records = Vec::new();
        for (index, rwset) in valid_sets(txs, codes) {
            let mut waiting = None;
            for (ns, coll, hashed) in collections(rwset) {
                let rule = match known.get(&(ns, coll)) {
                    Some(rule) => rule.clone(),
                    None => {
                        let rule = rules.rule(ns, coll)?;
                        known.insert((ns, coll), rule.clone());
                        rule
                    }
                };
                let Some(CollectionRule { holders, block_to_live }) = rule else { continue };
                if holders.is_empty() && block_to_live == 0 {
                    continue;
                }
                if waiting.is_none() && !holders.is_empty() {
                    let tx_id = txs.get(index).and_then(tx_id);
                    waiting = Some(tx_id.map_or(Ok(Vec::new()), |id| self.transient.sets(id))?);
                }
                let found = find(waiting.as_deref().unwrap_or_default(), ns, coll, hashed);
                let set = match found.filter(|_| !holders.is_empty()) {
                    Some(bytes) => PrivateSet::Whole(bytes),
                    None => PrivateSet::Missing,
                };
                if set == PrivateSet::Missing && !holders.is_empty() {
                    tracing::warn!(
                        channel = %self.channel, namespace = ns, collection = coll,
                        tx_id = txs.get(index).and_then(tx_id),
                        "the private data of a transaction is missing"
                    );
                }
                let (namespace, collection) = (ns.to_owned(), coll.to_owned());
                let tx = index as u64;
                let record =
                    PrivateRecord { tx, namespace, collection, block_to_live, holders, set };
                records.push(record);
            }
        }
        Ok(records)
    }
}

/// The keys that each valid transaction of a block purges.
pub(crate) fn purges(txs: &[CommitTx], codes: &[TxValidationCode]) -> Vec<(u64, HashedKey)> {
    let mut purges = Vec::new();
    for (index, rwset) in valid_sets(txs, codes) {
        for (ns, coll, hashed) in collections(rwset) {
            for write in hashed.writes.iter().filter(|write| write.is_purge) {
                let key = (ns.to_owned(), coll.to_owned(), write.key_hash.clone());
                purges.push((index as u64, key));
            }
        }
    }
    purges
}

/// The sets of the valid transactions, with their places.
pub(crate) fn valid_sets<'a>(
    txs: &'a [CommitTx],
    codes: &'a [TxValidationCode],
) -> impl Iterator<Item = (usize, &'a TxRwSet)> {
    let all = txs.iter().zip(codes).enumerate();
    all.filter(|(_, (_, code))| **code == TxValidationCode::Valid)
        .filter_map(|(index, (tx, _))| Some((index, tx.rwset.as_ref()?)))
}

/// The collections that a transaction writes to.
fn collections(rwset: &TxRwSet) -> impl Iterator<Item = (&str, &str, &CollectionRwSet)> {
    rwset.namespaces.iter().flat_map(|(ns, set)| {
        let all = set.collections.iter();
        all.filter(|(_, hashed)| !hashed.writes.is_empty() || !hashed.metadata_writes.is_empty())
            .map(move |(coll, hashed)| (ns.as_str(), coll.as_str(), hashed))
    })
}

/// The set with the hash that is in the block.
fn find(
    sets: &[TxPvtReadWriteSet],
    namespace: &str,
    collection: &str,
    hashed: &CollectionRwSet,
) -> Option<Vec<u8>> {
    let all = sets.iter().flat_map(|set| &set.ns_pvt_rwset);
    all.filter(|ns| ns.namespace == namespace)
        .flat_map(|ns| &ns.collection_pvt_rwset)
        .filter(|found| found.collection_name == collection)
        .map(|found| &found.rwset)
        .find(|bytes| {
            sha256(bytes)[..] == hashed.pvt_rwset_hash && KvrwSet::decode(bytes.as_slice()).is_ok()
        })
        .cloned()
}
