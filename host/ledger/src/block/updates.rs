//! The changes of a block's valid transactions, and the encoding of them that the commit hash
//! covers. Fabric: `validation/tx_ops.go`, `txmgr/update_batch_bytes.go`.
//!
//! Does not validate (see `commit::judge`) and does not write rows (see `commit::apply`).

use std::borrow::Borrow;
use std::collections::BTreeMap;

use prost::Message;

use crate::block::key_ops::{Effect, KeyOps, public_ops};
use crate::block::rwset::{TxRwSet, is_hashed_delete};
use crate::error::LedgerError;
use crate::store::key;
use crate::store::state::{VersionedValue, encode_metadata};
use wasmcc_types::Height;
use wasmcc_types::proto::statedb;

/// Length at which the recent writes of a key move to a row of their own: about a dozen writes.
const MAX_RECENT_BYTES: usize = 64;

/// The committed state before the block.
pub(crate) trait CommittedState {
    /// Public keys with their versions, in byte order.
    type Range: Iterator<Item = Result<(String, Height), LedgerError>>;

    /// Returns the value of a public key.
    fn get(&self, namespace: &str, key: &str) -> Result<Option<VersionedValue>, LedgerError>;

    /// Returns the value of a private key by its hash.
    fn get_hashed(
        &self,
        namespace: &str,
        collection: &str,
        key_hash: &[u8],
    ) -> Result<Option<VersionedValue>, LedgerError>;

    /// Returns the version of a public key.
    fn version(&self, namespace: &str, key: &str) -> Result<Option<Height>, LedgerError>;

    /// Returns the version of a private key by its hash.
    fn hashed_version(
        &self,
        namespace: &str,
        collection: &str,
        key_hash: &[u8],
    ) -> Result<Option<Height>, LedgerError>;

    /// Returns the public keys from `start` (included) to `end` (excluded); empty means open.
    fn range(&self, namespace: &str, start: &str, end: &str) -> Self::Range;
}

/// The changes of a block so far.
#[derive(Default)]
pub(crate) struct UpdateBatch {
    /// By namespace.
    pub(crate) namespaces: BTreeMap<String, NsUpdates>,
}

/// The changes of one namespace.
#[derive(Default)]
pub(crate) struct NsUpdates {
    /// By public key.
    pub(crate) public: BTreeMap<String, KeyUpdate>,
    /// Writes of keys that were absent and stay absent; they only enter the history.
    pub(crate) written_absent: Vec<(String, Height)>,
    /// By collection, then by key hash.
    pub(crate) hashed: BTreeMap<String, BTreeMap<Vec<u8>, KeyUpdate>>,
}

/// The change of one key.
pub(crate) struct KeyUpdate {
    /// The committed value that is replaced.
    pub(crate) before: Option<VersionedValue>,
    /// The new value. None: the key is deleted.
    pub(crate) after: Option<VersionedValue>,
    /// The transaction that changed the key last.
    pub(crate) version: Height,
    /// Parts of the key's history that move to rows of their own, each with its last height.
    pub(crate) history: Vec<(Height, Vec<u8>)>,
}

impl UpdateBatch {
    /// Returns the change of a public key; None if no transaction wrote it.
    pub(crate) fn public(&self, namespace: &str, key: &str) -> Option<&KeyUpdate> {
        self.namespaces.get(namespace)?.public.get(key)
    }

    /// Returns the change of a private key.
    pub(crate) fn hashed(
        &self,
        namespace: &str,
        coll: &str,
        key_hash: &[u8],
    ) -> Option<&KeyUpdate> {
        self.namespaces.get(namespace)?.hashed.get(coll)?.get(key_hash)
    }

    /// Adds the writes of a valid transaction.
    pub(crate) fn apply(
        &mut self,
        rwset: &TxRwSet,
        version: Height,
        state: &impl CommittedState,
    ) -> Result<(), LedgerError> {
        for (namespace, ns) in &rwset.namespaces {
            if !ns.has_writes() {
                continue;
            }
            let updates = match self.namespaces.get_mut(namespace) {
                Some(updates) => updates,
                None => self.namespaces.entry(namespace.clone()).or_default(),
            };
            for (key, ops) in public_ops(ns) {
                let before = || state.get(namespace, key);
                let update = apply_ops(&mut updates.public, key, &ops, version, before)?;
                // Only keys of chaincodes have a history.
                if namespace.is_empty() {
                    continue;
                }
                match (update, ops.is_written()) {
                    (Some((update, recent)), true) => add_history(update, recent, version),
                    (Some((update, recent)), false) => keep_history(update, recent)?,
                    (None, true) => updates.written_absent.push((key.to_owned(), version)),
                    (None, false) => {}
                }
            }
            for (name, collection) in &ns.collections {
                let mut all = BTreeMap::<&[u8], KeyOps<'_>>::new();
                for write in &collection.writes {
                    let value = (!is_hashed_delete(write)).then_some(write.value_hash.as_slice());
                    all.entry(&write.key_hash).or_default().write(value);
                }
                for write in &collection.metadata_writes {
                    all.entry(&write.key_hash).or_default().write_metadata(&write.entries);
                }
                let hashed = updates.hashed.entry(name.clone()).or_default();
                for (key_hash, ops) in all {
                    let before = || state.get_hashed(namespace, name, key_hash);
                    apply_ops(hashed, key_hash, &ops, version, before)?;
                }
            }
        }
        self.drop_empty();
        Ok(())
    }

    /// Removes empty entries: a metadata write to a missing key changes nothing.
    fn drop_empty(&mut self) {
        self.namespaces.retain(|_, ns| {
            ns.hashed.retain(|_, keys| !keys.is_empty());
            !ns.public.is_empty() || !ns.hashed.is_empty() || !ns.written_absent.is_empty()
        });
    }

    /// Returns the serialized `statedb.Updates` for the commit hash, without the namespace "",
    /// which holds the channel's configuration. Fabric: `deterministicBytesForPubAndHashUpdates`.
    pub(crate) fn deterministic_bytes(&self) -> Vec<u8> {
        let mut kvwrites = Vec::new();
        for (namespace, ns) in self.namespaces.iter().filter(|(name, _)| !name.is_empty()) {
            let first_of_namespace = kvwrites.len();
            kvwrites.extend(ns.public.iter().map(|(key, update)| kv_write(key.as_bytes(), update)));
            for (collection, keys) in &ns.hashed {
                let first_of_collection = kvwrites.len();
                kvwrites.extend(keys.iter().map(|(hash, update)| kv_write(hash, update)));
                if let Some(first) = kvwrites.get_mut(first_of_collection) {
                    first.collection.clone_from(collection);
                }
            }
            if let Some(first) = kvwrites.get_mut(first_of_namespace) {
                first.namespace.clone_from(namespace);
            }
        }
        statedb::Updates { kvwrites }.encode_to_vec()
    }
}

/// Applies the operation of a transaction to a key. A value alone keeps the metadata. Metadata
/// alone keeps the value and changes the version. A delete removes both. Fabric: `prepareTxOps`.
///
/// Returns the key's update, unless nothing changes, and the key's recent writes so far.
fn apply_ops<'u, K: Ord + ?Sized + ToOwned<Owned: Ord + Borrow<K>>>(
    updates: &'u mut BTreeMap<K::Owned, KeyUpdate>,
    key: &K,
    ops: &KeyOps<'_>,
    version: Height,
    before: impl FnOnce() -> Result<Option<VersionedValue>, LedgerError>,
) -> Result<Option<(&'u mut KeyUpdate, Vec<u8>)>, LedgerError> {
    let effect = ops.effect();
    let needs_value = matches!(effect, Effect::SetMetadata(_));
    if effect == Effect::Keep {
        return Ok(None);
    }
    if !updates.contains_key(key) {
        let before = before()?;
        if before.is_none() && needs_value {
            return Ok(None);
        }
        let after = before.clone();
        let update = KeyUpdate { before, after, version, history: Vec::new() };
        updates.insert(key.to_owned(), update);
    }
    let update = updates.get_mut(key).expect("inserted above if it was missing");
    let current = update.after.take();
    if current.is_none() && needs_value {
        return Ok(None);
    }
    update.version = version;
    let (old_value, old_metadata, recent_writes) = match current {
        Some(value) => (Some(value.value), value.metadata_bytes, value.recent_writes),
        None => (None, Vec::new(), Vec::new()),
    };
    let (value, metadata_bytes) = match effect {
        Effect::Put(value, None) => (Some(value.to_vec()), old_metadata),
        Effect::Put(value, Some(metadata)) => (Some(value.to_vec()), encode_metadata(metadata)),
        Effect::SetMetadata(metadata) => (old_value, encode_metadata(metadata)),
        Effect::Delete | Effect::Keep => (None, Vec::new()),
    };
    update.after = value.map(|value| {
        let recent_writes = recent_writes.clone();
        VersionedValue { value, metadata_bytes, version, recent_writes }
    });
    Ok(Some((update, recent_writes)))
}

/// Adds a write to its key's history. A short list stays with the value of an existing key; else it
/// moves to a row of its own.
fn add_history(update: &mut KeyUpdate, mut recent_writes: Vec<u8>, height: Height) {
    recent_writes.extend_from_slice(&height.to_bytes());
    match &mut update.after {
        Some(value) if recent_writes.len() < MAX_RECENT_BYTES => {
            value.recent_writes = recent_writes;
        }
        after => {
            update.history.push((height, recent_writes));
            if let Some(value) = after {
                value.recent_writes = Vec::new();
            }
        }
    }
}

/// Keeps the history of a key that was deleted by metadata writes.
fn keep_history(update: &mut KeyUpdate, recent_writes: Vec<u8>) -> Result<(), LedgerError> {
    if update.after.is_some() || recent_writes.is_empty() {
        return Ok(());
    }
    let heights = key::heights(&recent_writes).unwrap_or_default();
    let last = heights.last().copied();
    let last = last.ok_or(LedgerError::CorruptState { what: "a history has no heights" })?;
    update.history.push((last, recent_writes));
    Ok(())
}

fn kv_write(key: &[u8], update: &KeyUpdate) -> statedb::KvWrite {
    statedb::KvWrite {
        namespace: String::new(),
        collection: String::new(),
        key: key.to_vec(),
        is_delete: update.after.is_none(),
        value: update.after.as_ref().map(|value| value.value.clone()).unwrap_or_default(),
        version_bytes: update.version.to_bytes(),
    }
}
