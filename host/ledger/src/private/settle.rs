//! Removes purged and expired data from the private data store. Fabric: `pvtdatastorage/store.go`,
//! functions `deleteDataMarkedForPurge` and `purgeExpiredData`.
//!
//! The record of an expired set stays, without keys and values. It has the lifetime of the hashes,
//! which is needed to rebuild the state.
//!
//! Invariant: data are removed only as committed blocks require, and only after the state without
//! them is on disk.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::error::LedgerError;
use crate::private::record::{PrivateRecord, PrivateSet, expiring_block};
use crate::private::rows::{self, HashedKey, RecordPlace};
use crate::private::store::{PrivateStore, put_keys, remove_keys};
use crate::store::state::VersionedValue;
use crate::store::{Batch, Table, key};
use wasmcc_types::proto::kvrwset::{KvWrite, KvrwSet};
use wasmcc_types::{Height, sha256};

/// Returns the block with which a value of a record expires; None if it has expired.
type LivesUntil<'a> = &'a dyn Fn(u64, &PrivateRecord, &KvWrite) -> Result<Option<u64>, LedgerError>;

/// The SHA-256 hashes of keys.
type KeyHashes = BTreeSet<Vec<u8>>;

impl PrivateStore {
    /// Removes purged and expired data as of the state at `height`. Purges are done at once,
    /// expired data are removed every `interval` blocks.
    pub(crate) fn settle(
        &self,
        state: &Table,
        height: u64,
        interval: u64,
    ) -> Result<(), LedgerError> {
        if height.is_multiple_of(interval.max(1)) {
            self.settle_all(state, height)
        } else if self.has_purges(height)? {
            state.flush()?;
            self.purge_below(height)
        } else {
            Ok(())
        }
    }

    /// As `settle`, but removes all expired data now.
    pub(crate) fn settle_all(&self, state: &Table, height: u64) -> Result<(), LedgerError> {
        let Some(last) = height.checked_sub(1) else { return Ok(()) };
        if self.has_purges(height)? || self.has_expiries(last)? {
            // Otherwise a crash could leave a state that has the key, without a record of its
            // purge.
            state.flush()?;
            self.purge_below(height)?;
            self.expire_up_to(last, &|block, record, write| {
                let until = lives_until(state, block, record, write)?;
                Ok(until.filter(|until| *until > last))
            })?;
        }
        Ok(())
    }

    fn has_purges(&self, height: u64) -> Result<bool, LedgerError> {
        let (from, to) = rows::purges_below(height);
        Ok(self.table.range(&from, &to).next().transpose()?.is_some())
    }

    fn has_expiries(&self, last: u64) -> Result<bool, LedgerError> {
        let (from, to) = rows::expiries_up_to(last);
        Ok(self.table.range(&from, &to).next().transpose()?.is_some())
    }

    /// Does all purges of blocks below `height`: removes each key, with its name, from all records
    /// up to and including the transaction that purges it.
    fn purge_below(&self, height: u64) -> Result<(), LedgerError> {
        let mut batch = Batch::default();
        // One transaction may purge many keys of a record; the record is read and written once.
        let mut purged = BTreeMap::<RecordPlace, KeyHashes>::new();
        let (from, to) = rows::purges_below(height);
        for row in self.table.range(&from, &to) {
            let (row, _) = row?;
            let (at, key) = rows::purge_parts(&row)?;
            self.purge_key(&mut batch, &mut purged, at, key)?;
            batch.delete(row);
        }
        for (place, keys) in purged {
            if let Some(mut record) = self.record(&place)? {
                without(&mut record, &keys);
                let RecordPlace { block, tx, namespace, collection } = &place;
                batch.put(rows::record(*block, *tx, namespace, collection), record.encode());
            }
        }
        self.table.apply(batch)?;
        self.table.flush()
    }

    /// Removes the rows of a key, and collects the records that contain it.
    fn purge_key(
        &self,
        batch: &mut Batch,
        purged: &mut BTreeMap<RecordPlace, KeyHashes>,
        at: Height,
        key: HashedKey,
    ) -> Result<(), LedgerError> {
        let (from, to) = rows::keys_up_to(&key, at);
        let HashedKey { namespace, collection, key_hash } = key;
        for row in self.table.range(&from, &to) {
            let (row, _) = row?;
            let height = rows::key_height(&row)
                .ok_or(LedgerError::CorruptPrivateData { what: "a key has no record" })?;
            batch.delete(row);
            let place = RecordPlace {
                block: height.block,
                tx: height.tx,
                namespace: namespace.clone(),
                collection: collection.clone(),
            };
            purged.entry(place).or_default().insert(key_hash.clone());
        }
        batch.put(rows::purged(&namespace, &collection, &key_hash), at.to_bytes());
        Ok(())
    }

    /// Removes keys and values from all records that expire when block `last` is committed, except
    /// values that have not expired yet.
    fn expire_up_to(&self, last: u64, lives: LivesUntil<'_>) -> Result<(), LedgerError> {
        let mut batch = Batch::default();
        let (from, to) = rows::expiries_up_to(last);
        for row in self.table.range(&from, &to) {
            let (row, _) = row?;
            let place = rows::dated_place(&row)?;
            if let Some(record) = self.record(&place)? {
                expire_record(&mut batch, &place, record, lives)?;
            }
            batch.delete(row);
        }
        self.table.apply(batch)?;
        self.table.flush()
    }
}

fn expire_record(
    batch: &mut Batch,
    place: &RecordPlace,
    mut record: PrivateRecord,
    lives: LivesUntil<'_>,
) -> Result<(), LedgerError> {
    let RecordPlace { block, tx, namespace, collection } = place;
    let set = record.bytes().map(KvrwSet::decode).and_then(Result::ok).unwrap_or_default();
    let (mut left, mut until) = (KvrwSet::default(), None);
    for write in set.writes {
        if let Some(at) = lives(*block, &record, &write)? {
            left.writes.push(write);
            until = until.max(Some(at));
        }
    }
    remove_keys(batch, *block, &record);
    batch.delete(rows::missing(*block, *tx, namespace, collection));
    record.set = match until {
        Some(until) => {
            batch.put(rows::expiry(until, *block, *tx, namespace, collection), Vec::new());
            PrivateSet::Alive(left.encode_to_vec())
        }
        None => PrivateSet::Expired,
    };
    put_keys(batch, *block, &record);
    batch.put(rows::record(*block, *tx, namespace, collection), record.encode());
    Ok(())
}

fn without(record: &mut PrivateRecord, keys: &KeyHashes) {
    let Some(bytes) = record.bytes() else { return };
    let mut set = KvrwSet::decode(bytes).unwrap_or_default();
    let stays = |key: &str| !keys.contains(sha256(key.as_bytes()).as_slice());
    set.writes.retain(|write| stays(&write.key));
    set.metadata_writes.retain(|write| stays(&write.key));
    record.set = match record.set {
        PrivateSet::Alive(_) => PrivateSet::Alive(set.encode_to_vec()),
        _ => PrivateSet::Rest(set.encode_to_vec()),
    };
}

/// Returns the block with which a value expires that a record of `block` wrote and whose version
/// has changed because its metadata were written. None if the value is no longer in the state.
fn lives_until(
    state: &Table,
    block: u64,
    record: &PrivateRecord,
    write: &KvWrite,
) -> Result<Option<u64>, LedgerError> {
    let mut until = None;
    for org in &record.holders {
        let row = key::private(org, &record.namespace, &record.collection, &write.key);
        let value = state.get(&row, VersionedValue::decode)?;
        if let Some(VersionedValue { value, version, .. }) = value
            && value == write.value
            && version.block > block
        {
            until = until.max(expiring_block(version.block, record.block_to_live));
        }
    }
    Ok(until)
}
