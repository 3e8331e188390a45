//! What a block changes of the private state, and which hashes and private values go with it
//! because their time is over. Fabric: `validateAndPreparePvtBatch` of
//! `validation/batch_preparer.go`, `pvtstatepurgemgmt`.
//!
//! Beside each private value a row gives its plain key by the key's hash, so that whatever the
//! block says of the hash reaches the values, whether the plain set is there or not.
//!
//! Invariant: no verdict and no commit hash depends on any of this, but through the hashes that
//! have had their time, which every peer removes with the same block.

use std::collections::BTreeMap;

use crate::ledger::commit::CommitTx;
use crate::ledger::error::LedgerError;
use crate::ledger::key;
use crate::ledger::overlay::Layer;
use crate::ledger::private::collect::purges;
use crate::ledger::private::collect::valid_sets;
use crate::ledger::private::record::PrivateRecord;
use crate::ledger::private::rows::HashedKey;
use crate::ledger::rwset::is_delete;
use crate::ledger::state::VersionedValue;
use crate::ledger::store::Batch;
use crate::ledger::store::Table;
use crate::ledger::updates::UpdateBatch;
use crate::proto::protos::TxValidationCode;
use crate::types::Height;
use crate::types::sha256;

/// The changes of one block beside its public and hashed updates.
pub(crate) struct PrivateChanges<'a> {
    table: &'a Table,
    number: u64,
    /// Private values, by row.
    values: BTreeMap<Vec<u8>, Change>,
    /// The rows of values that this block touches, by the row of the name.
    names: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Hashes that have had their time, with what they were.
    expired: Vec<(Vec<u8>, VersionedValue)>,
    /// Rows of the expiry index, and whether they come or go.
    expiries: Vec<(Vec<u8>, bool)>,
}

struct Change {
    name_row: Vec<u8>,
    key: String,
    before: Option<VersionedValue>,
    after: Option<VersionedValue>,
}

/// Organization, namespace, collection, plain key.
type PrivateKey<'k> = (&'k str, &'k str, &'k str, &'k str);

impl<'a> PrivateChanges<'a> {
    /// Collects the changes. `updates` are all public and hashed ones of the block.
    pub(crate) fn prepare(
        table: &'a Table,
        number: u64,
        (txs, codes): (&[CommitTx], &[TxValidationCode]),
        updates: &UpdateBatch,
        records: &[PrivateRecord],
    ) -> Result<Self, LedgerError> {
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
            // At every organization, whether it gets the set or not.
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
                        changes.set((org, ns, coll, &write.key), after)?;
                    }
                    for write in &set.metadata_writes {
                        metadata.push((org, ns, coll, write.key.clone()));
                    }
                }
            }
        }
        for (org, ns, coll, key) in metadata {
            changes.follow_metadata((org, ns, coll, &key), updates)?;
        }
        changes.expire(updates)?;
        changes.note_expiries(updates, records);
        Ok(changes)
    }

    /// Adds everything to a batch and to the layer of what it replaces.
    pub(crate) fn apply(self, batch: &mut Batch, layer: &mut Layer) {
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

    fn set(
        &mut self,
        key: PrivateKey<'_>,
        after: Option<VersionedValue>,
    ) -> Result<(), LedgerError> {
        self.change(key)?.after = after;
        Ok(())
    }

    /// The change of a key; so far, if it is new, none.
    fn change(&mut self, (org, ns, coll, key): PrivateKey<'_>) -> Result<&mut Change, LedgerError> {
        let row = key::private(org, ns, coll, key);
        if !self.values.contains_key(&row) {
            let before = self.table.get(&row, VersionedValue::decode)?;
            let name_row = key::private_name(ns, coll, &sha256(key.as_bytes()), org);
            self.names.insert(name_row.clone(), row.clone());
            let change = Change { name_row, key: key.to_owned(), after: before.clone(), before };
            self.values.insert(row.clone(), change);
        }
        Ok(self.values.get_mut(&row).expect("it was inserted if it was not there"))
    }

    /// Organization and plain key of all committed values of a key.
    fn holders(
        &self,
        (ns, coll, key_hash): (&str, &str, &[u8]),
    ) -> Result<Vec<(String, String)>, LedgerError> {
        let (from, to) = key::private_names(ns, coll, key_hash);
        let rows = self.table.range(&from, &to).map(|row| {
            let (row, key) = row?;
            let key = String::from_utf8(key)
                .map_err(|_| LedgerError::CorruptState { what: "a private name is not text" })?;
            Ok((key::private_name_org(&row, &from)?, key))
        });
        rows.collect()
    }

    /// Removes the values of a key, committed ones and those of earlier transactions of the block.
    fn purge(&mut self, (ns, coll, key_hash): &HashedKey) -> Result<(), LedgerError> {
        for (org, key) in self.holders((ns, coll, key_hash))? {
            self.set((&org, ns, coll, &key), None)?;
        }
        let (from, to) = key::private_names(ns, coll, key_hash);
        for row in self.names.range(from..to).map(|(_, row)| row) {
            if let Some(change) = self.values.get_mut(row) {
                change.after = None;
            }
        }
        Ok(())
    }

    /// Where metadata alone was written the version of the hash has moved; a value that still is
    /// what was hashed moves with it. Fabric: `incrementPvtdataVersionIfNeeded`.
    fn follow_metadata(
        &mut self,
        (org, ns, coll, key): PrivateKey<'_>,
        updates: &UpdateBatch,
    ) -> Result<(), LedgerError> {
        let hashed = updates.hashed(ns, coll, &sha256(key.as_bytes()));
        let Some(hashed) = hashed.and_then(|update| update.after.as_ref()) else { return Ok(()) };
        let change = self.change((org, ns, coll, key))?;
        if let Some(latest) = &mut change.after
            && sha256(&latest.value)[..] == hashed.value
        {
            latest.version = hashed.version;
        }
        Ok(())
    }

    /// Removes what has had its time, unless it was written again since. Fabric:
    /// `PurgeMgr.prepareWorkingsetFor`, `AddExpiredEntriesToUpdateBatch`.
    fn expire(&mut self, updates: &UpdateBatch) -> Result<(), LedgerError> {
        let (from, to) = key::expiries(self.number);
        for row in self.table.range(&from, &to) {
            let (row, _) = row?;
            let (committing, ns, coll, key_hash) = key::expiry_parts(&row)?;
            self.expiries.push((row, false));
            let written = updates.hashed(&ns, &coll, &key_hash).is_some();
            let hashed = key::hashed(&ns, &coll, &key_hash);
            if !written
                && let Some(value) = self.table.get(&hashed, VersionedValue::decode)?
                && value.version.block == committing
            {
                self.expired.push((hashed, value));
            }
            for (org, key) in self.holders((&ns, &coll, &key_hash))? {
                let change = self.change((&org, &ns, &coll, &key))?;
                if change.after == change.before {
                    change.after.take_if(|value| value.version.block == committing);
                }
            }
        }
        Ok(())
    }

    /// Notes when the hashes that this block writes have had their time.
    fn note_expiries(&mut self, updates: &UpdateBatch, records: &[PrivateRecord]) {
        let mut ends = BTreeMap::new();
        for record in records {
            if let Some(end) = record.expires(self.number) {
                ends.insert((record.namespace.as_str(), record.collection.as_str()), end);
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

/// A private value as the state keeps it; its metadata are with its hash.
fn value(value: &[u8], version: Height) -> VersionedValue {
    VersionedValue {
        value: value.to_vec(),
        metadata_bytes: Vec::new(),
        version,
        recent_writes: Vec::new(),
    }
}
