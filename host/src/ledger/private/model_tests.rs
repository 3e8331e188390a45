//! Random blocks with private data against a plain map: puts, deletes, purges and changes of
//! metadata, in collections with different members and times, some sets missing, some of them late;
//! rich queries find the same, with an index or without, also for a simulation that stays open.
//!
//! WASMCC_MODEL_TXS says how many transactions, WASMCC_MODEL_SEED which.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::ledger::Ledger;
use crate::ledger::LedgerConfig;
use crate::ledger::LedgerFolder;
use crate::ledger::Metadata;
use crate::ledger::MissingPrivateData;
use crate::ledger::SimulationResults;
use crate::ledger::Simulator;
use crate::ledger::private::rich_tests::define_index;
use crate::ledger::private::rich_tests::index_entries;
use crate::ledger::private::rich_tests::rich_keys;
use crate::ledger::private::test_support::Rules;
use crate::ledger::private::test_support::commit_public;
use crate::ledger::private::test_support::keep;
use crate::ledger::private::test_support::rules;
use crate::ledger::private::test_support::simulate_private;
use crate::ledger::test_support::CHANNEL;
use crate::ledger::test_support::open_with;
use crate::ledger::test_support::small_config;
use crate::types::ChannelId;
use crate::types::Height;

const TXS: usize = 600;
const ORGS: [&str; 3] = ["A", "B", "C"];
/// Name, members, blocks to live.
const COLLECTIONS: [(&str, &[&str], u64); 3] =
    [("all", &["A", "B"], 0), ("one", &["B"], 3), ("short", &["A", "B"], 1)];
const KEYS: u32 = 6;

/// The collections that get an index.
const INDEXED: [usize; 2] = [0, 1];

/// Collection and key.
type Key = (usize, String);
/// Value and version, by organization and key.
type Values = BTreeMap<(usize, Key), (u32, Height)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Put(u32),
    Delete,
    Purge,
    Metadata,
}

struct Tx {
    id: String,
    ops: BTreeMap<Key, Op>,
    results: SimulationResults,
    missing: bool,
}

/// A set that is stored, or is missing.
struct Stored {
    ops: BTreeMap<String, Op>,
    missing: bool,
    since: u64,
}

#[derive(Default)]
struct Model {
    /// What everybody knows: value and version.
    hashes: BTreeMap<Key, (u32, Height)>,
    /// What each organization has.
    values: Values,
    /// By height and collection.
    stored: BTreeMap<(Height, usize), Stored>,
    /// When which hash has had its time, and the block that wrote it.
    ends: BTreeSet<(u64, Key, u64)>,
}

fn holders(collection: usize) -> impl Iterator<Item = usize> {
    let (_, members, _) = COLLECTIONS[collection];
    (0..ORGS.len()).filter(move |org| members.contains(&ORGS[*org]))
}

impl Model {
    fn apply(&mut self, number: u64, txs: &[Tx]) {
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
                // A change of metadata of nothing is none.
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

    fn compare(&self, ledger: &Arc<Ledger>) {
        for (org, name) in ORGS.into_iter().enumerate() {
            for (collection, (coll, _, _)) in COLLECTIONS.into_iter().enumerate() {
                let rows = ledger.snapshot().private_range(name, "ns", coll, "", "");
                let rows: Vec<_> = rows
                    .map(Result::unwrap)
                    .map(|(key, found)| (key, bytes_value(&found.value), found.version))
                    .collect();
                let of =
                    self.values.iter().filter(|((o, key), _)| *o == org && key.0 == collection);
                let expected: Vec<_> =
                    of.map(|((_, key), (value, at))| (key.1.clone(), *value, *at)).collect();
                assert_eq!(rows, expected, "{coll} at {name}");
                for key in 0..KEYS {
                    self.compare_key(ledger, org, (collection, format!("k{key}")));
                }
            }
            compare_rich(&mut ledger.simulator_for("tx", name), org, &self.values);
        }
    }

    fn compare_key(&self, ledger: &Arc<Ledger>, org: usize, key: Key) {
        let mut simulator = ledger.simulator_for("tx", ORGS[org]);
        let found = simulator.get_private_data("ns", COLLECTIONS[key.0].0, &key.1);
        let hash = self.hashes.get(&key);
        match (hash, self.values.get(&(org, key.clone()))) {
            (Some(hash), Some(value)) if hash.1 == value.1 => {
                assert_eq!(found.unwrap().map(|found| bytes_value(&found)), Some(value.0));
            }
            (None, None) => assert_eq!(found.unwrap(), None),
            (hash, value) => assert!(found.is_err(), "{key:?}: {hash:?}, {value:?}"),
        }
        let expected = hash.map(|(_, version)| *version);
        let found = ledger.snapshot().get_private_hash("ns", COLLECTIONS[key.0].0, &key.1);
        assert_eq!(found.unwrap().map(|found| found.version), expected, "{key:?}");
    }

    /// Sets that are stored are those of the model, without what was purged or has had its time.
    fn compare_stored(&self, ledger: &Ledger) {
        for ((height, collection), stored) in &self.stored {
            let (coll, members, live) = COLLECTIONS[*collection];
            let gone = live > 0 && height.block + live + 1 < ledger.height();
            for org in ORGS {
                let set = ledger.private_data(org, height.block, height.tx).unwrap();
                let found = set.and_then(|set| {
                    let mut all =
                        set.ns_pvt_rwset.into_iter().flat_map(|ns| ns.collection_pvt_rwset);
                    all.find(|found| found.collection_name == coll)
                });
                let there = members.contains(&org) && !stored.missing && !gone;
                assert_eq!(found.is_some(), there, "{height} {coll} at {org}");
                let Some(found) = found else { continue };
                let set: crate::proto::kvrwset::KvrwSet =
                    prost::Message::decode(found.rwset.as_slice()).unwrap();
                let writes = set.writes.into_iter().map(|write| write.key);
                let keys: BTreeSet<_> =
                    writes.chain(set.metadata_writes.into_iter().map(|write| write.key)).collect();
                assert!(keys.iter().eq(stored.ops.keys()), "{height} {coll}: {keys:?}");
            }
        }
    }
}

fn value_bytes(value: u32) -> Vec<u8> {
    format!("{{\"n\":{value}}}").into_bytes()
}

fn bytes_value(bytes: &[u8]) -> u32 {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    value["n"].as_u64().unwrap() as u32
}

/// Rich queries of a simulation for an organization give its values at that height.
fn compare_rich(sim: &mut Simulator, org: usize, values: &Values) {
    for (collection, (coll, _, _)) in COLLECTIONS.into_iter().enumerate() {
        for wanted in 0..3 {
            let query = format!(r#"{{"selector": {{"n": {wanted}}}}}"#);
            let of = values.iter().filter(|((o, key), (value, _))| {
                *o == org && key.0 == collection && *value == wanted
            });
            let expected: Vec<_> = of.map(|((_, key), _)| key.1.clone()).collect();
            assert_eq!(rich_keys(sim, coll, &query), expected, "{coll} at {}", ORGS[org]);
        }
    }
}

/// Indexes of two of the collections.
fn define(ledger: &Ledger) {
    for collection in &INDEXED {
        define_index(ledger, COLLECTIONS[*collection].0, r#"{"index": {"fields": ["n"]}}"#);
    }
}

fn random_tx(rng: &mut StdRng, ledger: &Arc<Ledger>, id: String) -> Tx {
    let mut ops = BTreeMap::new();
    for _ in 0..rng.random_range(1..4) {
        let key = (rng.random_range(0..3), format!("k{}", rng.random_range(0..KEYS)));
        let op = match rng.random_range(0..10) {
            0..5 => Op::Put(rng.random_range(0..3)),
            5..7 => Op::Delete,
            7 => Op::Purge,
            _ => Op::Metadata,
        };
        ops.insert(key, op);
    }
    let results = simulate_private(ledger, |sim| {
        for ((collection, key), op) in &ops {
            let coll = COLLECTIONS[*collection].0;
            let done = match op {
                Op::Put(value) => sim.put_private_data("ns", coll, key, value_bytes(*value)),
                Op::Delete => sim.delete_private_data("ns", coll, key),
                Op::Purge => sim.purge_private_data("ns", coll, key),
                Op::Metadata => {
                    let metadata = Metadata::from([("n".into(), vec![1])]);
                    sim.put_private_data_metadata("ns", coll, key, metadata)
                }
            };
            done.unwrap();
        }
    });
    Tx { id, ops, results, missing: rng.random_range(0..6) == 0 }
}

/// Gives the ledger a set that is missing, and notes it in the model.
fn supply(rng: &mut StdRng, ledger: &Ledger, model: &mut Model, sets: &BTreeMap<Height, Tx>) {
    let missing = ledger.missing_private_data(100).unwrap();
    if missing.is_empty() || rng.random_range(0..3) > 0 {
        return;
    }
    let which: &MissingPrivateData = &missing[rng.random_range(0..missing.len())];
    let private = sets[&which.height].results.private.as_ref().unwrap();
    let mut all = private.ns_pvt_rwset.iter().flat_map(|ns| &ns.collection_pvt_rwset);
    let set = all.find(|set| set.collection_name == which.collection).unwrap();
    assert!(ledger.add_missing_private_data(which, &set.rwset).unwrap(), "{which:?}");
    let collection = COLLECTIONS.iter().position(|(name, ..)| *name == which.collection).unwrap();
    let stored = model.stored.get_mut(&(which.height, collection)).unwrap();
    stored.missing = false;
    stored.since = ledger.height();
}

#[test]
fn private_state_is_that_of_the_model() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("WASMCC_MODEL_SEED").unwrap_or_else(rand::random);
    let txs = number("WASMCC_MODEL_TXS").map_or(TXS, |txs| txs as usize);
    println!("WASMCC_MODEL_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let config = LedgerConfig { private_purge_interval_blocks: 7, ..small_config() };
    let collections: Rules = rules(&COLLECTIONS);
    let (mut ledgers, mut ledger) = open_with(dir.path(), config.clone());
    let mut model = Model::default();
    let mut sets = BTreeMap::new();
    let mut done = 0;
    let mut open: Option<(Simulator, usize, Values)> = None;
    while done < txs {
        if rng.random_range(0..50) == 0 {
            define(&ledger);
        }
        supply(&mut rng, &ledger, &mut model, &sets);
        let block: Vec<_> = (0..rng.random_range(0..4))
            .map(|index| random_tx(&mut rng, &ledger, format!("{done}-{index}")))
            .collect();
        done += block.len();
        let given = block.iter().map(|tx| {
            let private = tx.results.private.clone().filter(|_| !tx.missing);
            (tx.id.as_str(), SimulationResults { private, ..tx.results.clone() })
        });
        let kept = keep(&ledger, given.collect());
        let number = commit_public(&ledger, &collections, &kept).number;
        model.apply(number, &block);
        model.compare(&ledger);
        if rng.random_range(0..6) == 0 {
            let org = rng.random_range(0..2);
            open = Some((ledger.simulator_for("tx", ORGS[org]), org, model.values.clone()));
        }
        if let Some((sim, org, values)) = &mut open {
            compare_rich(sim, *org, values);
        }
        let heights = (0..).map(|index| Height::new(number, index));
        sets.extend(heights.zip(block));
        if rng.random_range(0..100) == 0 {
            model.compare_stored(&ledger);
            open = None;
            drop((ledger, ledgers));
            if rng.random() {
                std::fs::remove_dir_all(dir.path().join("state")).unwrap();
            }
            (ledgers, ledger) = open_with(dir.path(), config.clone());
            model.compare(&ledger);
        }
    }
    model.compare_stored(&ledger);
    define(&ledger);
    let indexed = model.values.keys().filter(|(_, key)| INDEXED.contains(&key.0)).count();
    assert_eq!(index_entries(&ledger), indexed);
    drop((open, ledger, ledgers));
    let folder = LedgerFolder::open(dir.path(), config).unwrap();
    let found = folder.verify(&ChannelId::parse(CHANNEL).unwrap(), &mut |_| {}).unwrap();
    assert!(found.is_good(), "{:?}", found.faults);
}
