//! The expected private state: plain maps to which the operations of a block are applied.

use std::collections::{BTreeMap, BTreeSet};

use crate::SimulationResults;
use wasmcc_types::Height;

pub(crate) const ORGS: [&str; 3] = ["A", "B", "C"];
/// Name, members, blocks to live.
pub(crate) const COLLECTIONS: [(&str, &[&str], u64); 3] =
    [("all", &["A", "B"], 0), ("one", &["B"], 3), ("short", &["A", "B"], 1)];
pub(crate) const KEYS: u32 = 6;

/// Collection and key.
pub(crate) type Key = (usize, String);
/// Value and version, by organization and key.
pub(crate) type Values = BTreeMap<(usize, Key), (u32, Height)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Put(u32),
    Delete,
    Purge,
    Metadata,
}

pub(crate) struct Tx {
    pub(crate) id: String,
    pub(crate) ops: BTreeMap<Key, Op>,
    pub(crate) results: SimulationResults,
    pub(crate) missing: bool,
}

/// A set that is stored or missing.
pub(crate) struct Stored {
    pub(crate) ops: BTreeMap<String, Op>,
    pub(crate) missing: bool,
    pub(crate) since: u64,
}

#[derive(Default)]
pub(crate) struct Model {
    /// The public state: value and version.
    pub(crate) hashes: BTreeMap<Key, (u32, Height)>,
    /// The private state of each organization.
    pub(crate) values: Values,
    /// By height and collection.
    pub(crate) stored: BTreeMap<(Height, usize), Stored>,
    /// The block with which a hash expires, its key, and the block that wrote it.
    ends: BTreeSet<(u64, Key, u64)>,
}

fn holders(collection: usize) -> impl Iterator<Item = usize> {
    let (_, members, _) = COLLECTIONS[collection];
    (0..ORGS.len()).filter(move |org| members.contains(&ORGS[*org]))
}

impl Model {
    pub(crate) fn apply(&mut self, number: u64, txs: &[Tx]) {
        let mut touched = BTreeSet::new();
        let mut moved = Vec::new();
        let before = self.values.clone();
        for (index, tx) in txs.iter().enumerate() {
            let at = Height::new(number, index as u64);
            for (key, op) in &tx.ops {
                self.apply_op(at, key, *op, tx.missing);
                match op {
                    Op::Metadata if !tx.missing => moved.push(key.clone()),
                    _ => {}
                }
                // Changing the metadata of a missing key has no effect.
                if *op != Op::Metadata || self.hashes.contains_key(key) {
                    touched.insert(key.clone());
                }
                let stored = self.stored.entry((at, key.0)).or_insert_with(|| Stored {
                    ops: BTreeMap::new(),
                    missing: tx.missing,
                    since: number,
                });
                stored.ops.insert(key.1.clone(), *op);
                if *op == Op::Purge {
                    self.purge_stored(at, key);
                }
            }
        }
        for key in moved {
            for org in holders(key.0) {
                if let Some((value, version)) = self.values.get_mut(&(org, key.clone()))
                    && let Some((hash, now)) = self.hashes.get(&key)
                    && value == hash
                {
                    *version = *now;
                }
            }
        }
        self.expire(number, &touched, &before);
        for key in touched {
            let (_, _, live) = COLLECTIONS[key.0];
            let left = |org| self.values.get(&(org, key.clone()));
            let left = (0..ORGS.len()).filter_map(left).any(|(_, at)| at.block == number);
            if live > 0 && (left || self.hashes.contains_key(&key)) {
                self.ends.insert((number + live + 1, key, number));
            }
        }
        self.add_late(number);
    }

    fn apply_op(&mut self, at: Height, key: &Key, op: Op, missing: bool) {
        match op {
            Op::Put(value) => {
                self.hashes.insert(key.clone(), (value, at));
            }
            Op::Delete | Op::Purge => {
                self.hashes.remove(key);
            }
            Op::Metadata => {
                if let Some((_, version)) = self.hashes.get_mut(key) {
                    *version = at;
                }
            }
        }
        for org in 0..ORGS.len() {
            let row = (org, key.clone());
            let gets_it = !missing && holders(key.0).any(|holder| holder == org);
            match op {
                Op::Put(value) if gets_it => {
                    self.values.insert(row, (value, at));
                }
                Op::Delete if gets_it => {
                    self.values.remove(&row);
                }
                Op::Purge => {
                    self.values.remove(&row);
                }
                _ => {}
            }
        }
    }

    fn purge_stored(&mut self, at: Height, key: &Key) {
        for ((height, collection), stored) in &mut self.stored {
            if *collection == key.0 && *height <= at {
                stored.ops.remove(&key.1);
            }
        }
    }

    fn expire(&mut self, number: u64, touched: &BTreeSet<Key>, before: &Values) {
        let due: Vec<_> = self.ends.iter().filter(|end| end.0 == number).cloned().collect();
        for end in due {
            let (_, key, committing) = &end;
            let is_it = |at: Height| at.block == *committing;
            if !touched.contains(key) && self.hashes.get(key).is_some_and(|(_, at)| is_it(*at)) {
                self.hashes.remove(key);
            }
            for org in 0..ORGS.len() {
                let row = (org, key.clone());
                let same = self.values.get(&row) == before.get(&row);
                if same && self.values.get(&row).is_some_and(|(_, at)| is_it(*at)) {
                    self.values.remove(&row);
                }
            }
            self.ends.remove(&end);
        }
    }

    fn add_late(&mut self, number: u64) {
        for ((height, collection), stored) in &self.stored {
            if stored.missing || stored.since != number || height.block == number {
                continue;
            }
            for (key, op) in &stored.ops {
                let key = (*collection, key.clone());
                let hash = self.hashes.get(&key).copied();
                for org in holders(*collection) {
                    let row = (org, key.clone());
                    match (op, hash) {
                        (Op::Put(value), Some((hash, version))) if *value == hash => {
                            self.values.insert(row, (hash, version));
                        }
                        (Op::Delete | Op::Purge, None)
                            if self.values.get(&row).is_some_and(|(_, at)| at < height) =>
                        {
                            self.values.remove(&row);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
