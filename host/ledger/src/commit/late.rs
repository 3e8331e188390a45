//! Private data that arrive after their block. Fabric: `kvLedger.CommitPvtDataOfOldBlocks`,
//! `GetMissingPvtDataInfoForMostRecentBlocks`.
//!
//! They are added to the private data store at once, and to the private state with the next block.
//! So the state of a running simulation does not change, and a rebuilt state is the same.
//!
//! Invariant: a set is added only if its hash is in the block, without the keys that were purged
//! since.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use prost::Message;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::private::record::{PrivateRecord, PrivateSet};
use crate::private::rows::{self, RecordPlace};
use crate::private::store::put;
use crate::store::Batch;
use crate::store::key::height;
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::{Height, sha256};

/// A private set that organizations of this process should have, but lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPrivateData {
    /// The transaction: its block and its index there.
    pub height: Height,
    /// The namespace.
    pub namespace: String,
    /// The collection.
    pub collection: String,
}

impl Ledger {
    /// Returns the missing sets, oldest first, at most `limit`.
    pub fn missing_private_data(
        &self,
        limit: usize,
    ) -> Result<Vec<MissingPrivateData>, LedgerError> {
        let now = self.height();
        let (from, to) = rows::all_missing();
        let mut missing = Vec::new();
        for row in self.private.table.range(&from, &to) {
            let place = rows::record_place(&row?.0)?;
            let Some(record) = self.private.record(&place)? else { continue };
            let RecordPlace { block, tx, namespace, collection } = place;
            let expired = record.expires(block).is_some_and(|at| at < now);
            if missing.len() == limit || block >= now {
                break;
            }
            if !expired {
                let height = Height::new(block, tx);
                missing.push(MissingPrivateData { height, namespace, collection });
            }
        }
        Ok(missing)
    }

    /// Adds a missing set, a serialized `kvrwset.KVRWSet`. It can be read from the next block on.
    /// Returns false, and changes nothing, if the set is not missing or does not match the hash in
    /// the block.
    pub fn add_missing_private_data(
        &self,
        missing: &MissingPrivateData,
        rwset: &[u8],
    ) -> Result<bool, LedgerError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.failed {
            return Err(LedgerError::NeedsReopen { channel: self.channel.clone() });
        }
        let MissingPrivateData { height: Height { block, tx }, namespace, collection } = missing;
        let place = RecordPlace {
            block: *block,
            tx: *tx,
            namespace: namespace.clone(),
            collection: collection.clone(),
        };
        let now = self.height();
        let record = self.private.record(&place)?;
        let missing_still = |record: &PrivateRecord| {
            *block < now && record.is_missing() && record.expires(*block).is_none_or(|at| at >= now)
        };
        let Some(mut record) = record.filter(missing_still) else { return Ok(false) };
        let Ok(set) = KvrwSet::decode(rwset) else { return Ok(false) };
        if !self.is_in_block(missing, rwset)? {
            return Ok(false);
        }
        record.since = now;
        record.set = self.without_purged(missing, set, rwset)?;
        let mut batch = Batch::default();
        put(&mut batch, *block, &record);
        batch.delete(rows::missing(*block, *tx, namespace, collection));
        batch.put(rows::late(now, *block, *tx, namespace, collection), Vec::new());
        self.private.table.apply(batch)?;
        self.private.table.flush()?;
        drop(writer);
        Ok(true)
    }

    fn is_in_block(&self, set: &MissingPrivateData, rwset: &[u8]) -> Result<bool, LedgerError> {
        let public = self.public_set(set.height)?;
        let ns = public.namespaces.get(&set.namespace);
        let hashed = ns.and_then(|ns| ns.collections.get(&set.collection));
        Ok(hashed.is_some_and(|hashed| hashed.pvt_rwset_hash == sha256(rwset)))
    }

    fn without_purged(
        &self,
        missing: &MissingPrivateData,
        mut set: KvrwSet,
        rwset: &[u8],
    ) -> Result<PrivateSet, LedgerError> {
        let mut purged = BTreeSet::new();
        let writes = set.writes.iter().map(|write| &write.key);
        let metadata = set.metadata_writes.iter().map(|write| &write.key);
        for key in writes.chain(metadata) {
            let key_hash = sha256(key.as_bytes());
            let row = rows::purged(&missing.namespace, &missing.collection, &key_hash);
            let at = self.private.table.get(&row, |bytes| Ok(height(bytes).map(|(at, _)| at)))?;
            if at.flatten().is_some_and(|at| at >= missing.height) {
                purged.insert(key.clone());
            }
        }
        if purged.is_empty() {
            return Ok(PrivateSet::Whole(rwset.to_vec()));
        }
        set.writes.retain(|write| !purged.contains(&write.key));
        set.metadata_writes.retain(|write| !purged.contains(&write.key));
        Ok(PrivateSet::Rest(set.encode_to_vec()))
    }
}
