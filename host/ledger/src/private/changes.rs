//! Changes of a block in the private state, and the hashes and private values that expire with it.
//! Fabric: `validateAndPreparePvtBatch` of `validation/batch_preparer.go`, `pvtstatepurgemgmt`.
//!
//! Beside each private value, a row maps the hash of its key to the plain key. So a change of the
//! hash reaches the value, even if the plain set is missing.
//!
//! Invariant: verdicts and commit hashes do not depend on private data. They depend on hashes that
//! expire, and these expire on every peer with the same block.

use std::collections::BTreeMap;

use prost::Message;

use crate::block::rwset::{is_delete, is_hashed_delete};
use crate::block::tx::CommitTx;
use crate::block::updates::UpdateBatch;
use crate::error::LedgerError;
use crate::private::collect::{collections, purges, valid_sets};
use crate::private::record::{PrivateBlock, PrivateRecord};
use crate::private::rows::HashedKey;
use crate::private::rules::NewHolder;
use crate::rich::{IndexSet, Space};
use crate::store::overlay::Layer;
use crate::store::state::VersionedValue;
use crate::store::{Batch, Table, key};
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Height, sha256};

/// The changes of one block in addition to its public and hashed updates.
pub(crate) struct PrivateChanges<'a> {
    table: &'a Table,
    number: u64,
    /// Private values, by row.
    values: BTreeMap<Vec<u8>, PrivateChange>,
    /// The rows of the values that this block changes, by the row of the name.
    names: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Expired hashes, with their last values.
    expired: Vec<(Vec<u8>, VersionedValue)>,
    /// Rows of the expiry index; true if the row is added, false if it is removed.
    expiries: Vec<(Vec<u8>, bool)>,
}

struct PrivateChange {
    space: Space,
    name_row: Vec<u8>,
    key: String,
    before: Option<VersionedValue>,
    after: Option<VersionedValue>,
}

/// A plain key in the private state of an organization.
#[derive(Clone, Copy)]
struct PrivateKey<'k> {
    org: &'k str,
    ns: &'k str,
    coll: &'k str,
    key: &'k str,
}

impl<'a> PrivateChanges<'a> {
    /// Collects the changes. `updates` are all public and hashed updates of the block.
    pub(crate) fn prepare(
        table: &'a Table,
        number: u64,
        txs: &[CommitTx],
        codes: &[TxValidationCode],
        updates: &UpdateBatch,
        private: &PrivateBlock,
    ) -> Result<Self, LedgerError> {
        let PrivateBlock { records, late, new_holders } = private;
        let mut changes = Self {
            table,
            number,
            values: BTreeMap::new(),
            names: BTreeMap::new(),
            expired: Vec::new(),
            expiries: Vec::new(),
        };
        let purges = purges(txs, codes);
        let mut metadata = Vec::new();
        for (index, rwset) in valid_sets(txs, codes) {
            let at = index as u64;
            // A purge applies to every organization, even to one that does not get the set.
            for (_, key) in purges.iter().filter(|(tx, _)| *tx == at) {
                changes.purge(key)?;
            }
            for record in records.iter().filter(|record| record.tx == at) {
                let (ns, coll) = (record.namespace.as_str(), record.collection.as_str());
                let hashed = rwset.namespaces.get(ns).and_then(|set| set.collections.get(coll));
                let Some(hashed) = hashed else { continue };
                let set = record.opened(hashed);
                for org in &record.holders {
                    for write in &set.writes {
                        let after = (!is_delete(write))
                            .then(|| value(&write.value, Height::new(number, at)));
                        let key = PrivateKey { org, ns, coll, key: &write.key };
                        changes.change(key)?.after = after;
                    }
                    for write in &set.metadata_writes {
                        metadata.push((org, ns, coll, write.key.clone()));
                    }
                }
            }
        }
        for (org, ns, coll, key) in metadata {
            changes.follow_metadata(PrivateKey { org, ns, coll, key: &key }, updates)?;
        }
        changes.expire(updates)?;
        changes.note_expiries(txs, codes, updates, records);
        for (block, record) in late {
            changes.add_late(*block, record, updates, &purges)?;
        }
        for new in new_holders {
            changes.add_holder(new, updates)?;
        }
        Ok(changes)
    }

    /// Adds the changes and their index entries to a batch, and the replaced values to the layer.
    pub(crate) fn apply(self, batch: &mut Batch, layer: &mut Layer, indexes: &IndexSet) {
        for (row, comes) in self.expiries {
            if comes {
                batch.put(row, Vec::new());
            } else {
                batch.delete(row);
            }
        }
        for (row, before) in self.expired {
            batch.delete(row.clone());
            layer.insert(row, Some(before));
        }
        for (row, change) in self.values {
            let (before, after) = (change.before.as_ref(), change.after.as_ref());
            indexes.change(batch, &change.space, &change.key, before, after);
            match (&change.before, &change.after) {
                (None, None) => continue,
                (_, Some(value)) => {
                    batch.put(row.clone(), value.encode());
                    batch.put(change.name_row, change.key.into_bytes());
                }
                (Some(_), None) => {
                    batch.delete(row.clone());
                    batch.delete(change.name_row);
                }
            }
            layer.insert(row, change.before);
        }
    }

    /// Returns the change of a key; a new entry changes nothing yet.
    fn change(&mut self, key: PrivateKey<'_>) -> Result<&mut PrivateChange, LedgerError> {
        let PrivateKey { org, ns, coll, key } = key;
        let row = key::private(org, ns, coll, key);
        if !self.values.contains_key(&row) {
            let before = self.table.get(&row, VersionedValue::decode)?;
            let name_row = key::private_name(ns, coll, &sha256(key.as_bytes()), org);
            self.names.insert(name_row.clone(), row.clone());
            let space = Space::private(org, ns, coll);
            let (key, after) = (key.to_owned(), before.clone());
            let change = PrivateChange { space, name_row, key, before, after };
            self.values.insert(row.clone(), change);
        }
        Ok(self.values.get_mut(&row).expect("inserted above if it was missing"))
    }

    /// Returns organization and plain key of all committed values of a key.
    fn holders(
        &self,
        ns: &str,
        coll: &str,
        key_hash: &[u8],
    ) -> Result<Vec<(String, String)>, LedgerError> {
        let (from, to) = key::private_names(ns, coll, key_hash);
        let rows = self.table.range(&from, &to).map(|row| {
            let (row, key) = row?;
            Ok((key::private_name_org(&row, &from)?, plain_key(key)?))
        });
        rows.collect()
    }

    /// Removes the values of a key: committed ones, and those of earlier transactions of the block.
    fn purge(&mut self, key: &HashedKey) -> Result<(), LedgerError> {
        let HashedKey { namespace: ns, collection: coll, key_hash } = key;
        for (org, key) in self.holders(ns, coll, key_hash)? {
            self.change(PrivateKey { org: &org, ns, coll, key: &key })?.after = None;
        }
        let (from, to) = key::private_names(ns, coll, key_hash);
        for row in self.names.range(from..to).map(|(_, row)| row) {
            if let Some(change) = self.values.get_mut(row) {
                change.after = None;
            }
        }
        Ok(())
    }

    /// Updates the version of a value after its metadata were written, which changed the version of
    /// the hash. The value gets the same version if it matches the hash. Fabric:
    /// `incrementPvtdataVersionIfNeeded`.
    fn follow_metadata(
        &mut self,
        key: PrivateKey<'_>,
        updates: &UpdateBatch,
    ) -> Result<(), LedgerError> {
        let hashed = updates.hashed(key.ns, key.coll, &sha256(key.key.as_bytes()));
        let Some(hashed) = hashed.and_then(|update| update.after.as_ref()) else { return Ok(()) };
        let change = self.change(key)?;
        if let Some(latest) = &mut change.after
            && sha256(&latest.value)[..] == hashed.value
        {
            latest.version = hashed.version;
        }
        Ok(())
    }

    /// Removes expired hashes and values, unless they were written again. Fabric:
    /// `PurgeMgr.prepareWorkingsetFor`, `AddExpiredEntriesToUpdateBatch`.
    fn expire(&mut self, updates: &UpdateBatch) -> Result<(), LedgerError> {
        let (from, to) = key::expiries(self.number);
        for row in self.table.range(&from, &to) {
            let (row, _) = row?;
            let key::ExpiringKey { committing, namespace: ns, collection: coll, key_hash } =
                key::expiry_parts(&row)?;
            self.expiries.push((row, false));
            let written = updates.hashed(&ns, &coll, &key_hash).is_some();
            let hashed = key::hashed(&ns, &coll, &key_hash);
            if !written
                && let Some(value) = self.table.get(&hashed, VersionedValue::decode)?
                && value.version.block == committing
            {
                self.expired.push((hashed, value));
            }
            for (org, key) in self.holders(&ns, &coll, &key_hash)? {
                let key = PrivateKey { org: &org, ns: &ns, coll: &coll, key: &key };
                let change = self.change(key)?;
                if change.after == change.before {
                    change.after.take_if(|value| value.version.block == committing);
                }
            }
        }
        Ok(())
    }

    /// Adds a late set, as far as its hashes still match. Fabric: `findAndRemoveStalePvtData`.
    fn add_late(
        &mut self,
        block: u64,
        record: &PrivateRecord,
        updates: &UpdateBatch,
        purges: &[(u64, HashedKey)],
    ) -> Result<(), LedgerError> {
        let PrivateRecord { namespace: ns, collection: coll, tx, .. } = record;
        let set = record.bytes().map(KvrwSet::decode).and_then(Result::ok).unwrap_or_default();
        let at = Height::new(block, *tx);
        for write in &set.writes {
            let key_hash = sha256(write.key.as_bytes());
            // A purge of this block also applies to the late set, even if the key is put
            // afterwards.
            let is_it = |(_, key): &(u64, HashedKey)| {
                key.namespace == *ns && key.collection == *coll && key.key_hash == key_hash
            };
            if purges.iter().any(is_it) {
                continue;
            }
            let hash = self.hash_after(ns, coll, &key_hash, updates)?;
            let deletes = is_delete(write);
            for org in &record.holders {
                let change = self.change(PrivateKey { org, ns, coll, key: &write.key })?;
                match &hash {
                    // The late write is a delete: remove an older value.
                    None if deletes => drop(change.after.take_if(|value| value.version < at)),
                    Some(hash) if !deletes && hash.value == sha256(&write.value) => {
                        change.after = Some(value(&write.value, hash.version));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Copies the values of the other holders in this process to a new holder. Fabric's peers fetch
    /// them from each other: `kvledger/coll_elg_notifier.go`, `gossip/privdata/reconcile.go`.
    fn add_holder(&mut self, new: &NewHolder, updates: &UpdateBatch) -> Result<(), LedgerError> {
        let NewHolder { namespace: ns, collection: coll, org } = new;
        let (from, to) = key::names_of_collection(ns, coll);
        // Only its length is used; all hashes have the same.
        let prefix = key::private_names(ns, coll, &[0; 32]).0;
        let mut held = Vec::new();
        for row in self.table.range(&from, &to) {
            let (name_row, key) = row?;
            let key = plain_key(key)?;
            let holder = key::private_name_org(&name_row, &prefix)?;
            held.push((key::private(&holder, ns, coll, &key), key));
        }
        for row in self.names.range(from..to).map(|(_, row)| row) {
            held.extend(self.values.get(row).map(|change| (row.clone(), change.key.clone())));
        }
        for (row, key) in held {
            let value = match self.values.get(&row) {
                Some(change) => change.after.clone(),
                None => self.table.get(&row, VersionedValue::decode)?,
            };
            let Some(value) = value else { continue };
            let hash = self.hash_after(ns, coll, &sha256(key.as_bytes()), updates)?;
            if hash.is_some_and(|hash| hash.version == value.version) {
                self.change(PrivateKey { org, ns, coll, key: &key })?.after = Some(value);
            }
        }
        Ok(())
    }

    /// Returns the hash of a value after the block.
    fn hash_after(
        &self,
        ns: &str,
        coll: &str,
        key_hash: &[u8],
        updates: &UpdateBatch,
    ) -> Result<Option<VersionedValue>, LedgerError> {
        if let Some(update) = updates.hashed(ns, coll, key_hash) {
            return Ok(update.after.clone());
        }
        let row = key::hashed(ns, coll, key_hash);
        match self.expired.iter().any(|(expired, _)| *expired == row) {
            true => Ok(None),
            false => self.table.get(&row, VersionedValue::decode),
        }
    }

    /// Adds the expiry of the hashes that this block writes, and of values that become stale
    /// because a later transaction of the block has no set. Fabric: `buildExpirySchedule`.
    fn note_expiries(
        &mut self,
        txs: &[CommitTx],
        codes: &[TxValidationCode],
        updates: &UpdateBatch,
        records: &[PrivateRecord],
    ) {
        let mut ends = BTreeMap::new();
        for record in records {
            let ends_with = record.expires(self.number);
            let key = (record.namespace.as_str(), record.collection.as_str());
            ends.extend(ends_with.map(|end| (key, end)));
        }
        for (_, rwset) in valid_sets(txs, codes) {
            for (ns, coll, hashed) in collections(rwset) {
                let Some(end) = ends.get(&(ns, coll)) else { continue };
                for write in hashed.writes.iter().filter(|write| !is_hashed_delete(write)) {
                    let row = key::expiry(*end, self.number, ns, coll, &write.key_hash);
                    self.expiries.push((row, true));
                }
            }
        }
        for ((ns, coll), end) in ends {
            let keys = updates.namespaces.get(ns).and_then(|ns| ns.hashed.get(coll));
            let kept = keys.into_iter().flatten().filter(|(_, update)| update.after.is_some());
            for (key_hash, _) in kept {
                self.expiries.push((key::expiry(end, self.number, ns, coll, key_hash), true));
            }
        }
    }
}

/// Decodes the key in a row of `private_name`.
fn plain_key(bytes: Vec<u8>) -> Result<String, LedgerError> {
    let not_text = |_| LedgerError::CorruptState { what: "a private name is not text" };
    String::from_utf8(bytes).map_err(not_text)
}

/// Returns the stored form of a private value. Metadata are stored with the hash.
fn value(value: &[u8], version: Height) -> VersionedValue {
    VersionedValue {
        value: value.to_vec(),
        metadata_bytes: Vec::new(),
        version,
        recent_writes: Vec::new(),
    }
}
