//! Compares many random transactions with a plain map and an independent implementation of Fabric's
//! rules. Unlike `model_tests`, which shrinks failures, this runs long on one ledger: histories
//! move to rows of their own, ids are repeated, simulations are several blocks old.
//!
//! WASMCC_MODEL_TXS sets the number of transactions, WASMCC_MODEL_SEED the seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::test_support::{temporary, tx_envelope};
use crate::{CommitTx, Ledger, Metadata, NoCollections, Simulator, Snapshot, TxRwSet, new_block};
use wasmcc_types::Height;
use wasmcc_types::proto::protos::TxValidationCode;

const TXS: usize = 100_000;
const NAMESPACES: [&str; 2] = ["a", "b"];
const KEYS: u32 = 400;
/// Limit on the blocks that a simulation may be behind.
const OLDEST: usize = 4;

type Key = (usize, String);

/// The state: value, metadata, version.
#[derive(Clone, Default)]
struct Model {
    keys: BTreeMap<Key, (Vec<u8>, Option<u8>, Height)>,
}

/// The reads and writes of a transaction, in plain lists.
#[derive(Default)]
struct Plan {
    reads: BTreeMap<Key, Option<Height>>,
    ranges: Vec<Range>,
    /// The new value; None: deleted.
    writes: BTreeMap<Key, Option<Vec<u8>>>,
    metadata: BTreeMap<Key, u8>,
}

/// Namespace, first key, end, and the rows that were seen.
type Range = (usize, String, End, Vec<(String, Height)>);

enum End {
    /// A scan that reached its end: all rows before this key.
    Before(String),
    /// A scan that stopped at this row.
    At(String),
}

struct Tx {
    id: String,
    plan: Plan,
    rwset: TxRwSet,
}

impl Model {
    fn version(&self, key: &Key) -> Option<Height> {
        self.keys.get(key).map(|(_, _, version)| *version)
    }

    fn rows(&self, ns: usize, start: &str, end: &End) -> Vec<(String, Height)> {
        let rows = self.keys.range((ns, start.to_owned())..);
        let inside = |key: &Key| {
            key.0 == ns
                && match end {
                    End::Before(end) => end.is_empty() || key.1 < *end,
                    End::At(end) => key.1 <= *end,
                }
        };
        let rows = rows.take_while(|(key, _)| inside(key));
        rows.map(|(key, (_, _, version))| (key.1.clone(), *version)).collect()
    }

    /// Returns the verdict of the version checks on a state with all earlier valid transactions.
    /// `touched` are the keys that earlier transactions of the same block wrote.
    fn judge(&self, plan: &Plan, touched: &BTreeSet<Key>) -> TxValidationCode {
        for ns in 0..NAMESPACES.len() {
            for (key, read) in plan.reads.iter().filter(|(key, _)| key.0 == ns) {
                if touched.contains(key) || self.version(key) != *read {
                    return TxValidationCode::MvccReadConflict;
                }
            }
            for (_, start, end, seen) in plan.ranges.iter().filter(|range| range.0 == ns) {
                if self.rows(ns, start, end) != *seen {
                    return TxValidationCode::PhantomReadConflict;
                }
            }
        }
        TxValidationCode::Valid
    }

    fn apply(&mut self, plan: &Plan, height: Height, touched: &mut BTreeSet<Key>) {
        for (key, value) in &plan.writes {
            touched.insert(key.clone());
            let metadata = self.keys.remove(key).and_then(|(_, metadata, _)| metadata);
            if let Some(value) = value {
                self.keys.insert(key.clone(), (value.clone(), metadata, height));
            }
        }
        for (key, value) in &plan.metadata {
            if let Some((_, metadata, version)) = self.keys.get_mut(key) {
                (*metadata, *version) = (Some(*value), height);
                touched.insert(key.clone());
            }
        }
    }
}

/// Runs a random program on a snapshot and compares its reads with the model.
fn simulate(rng: &mut StdRng, snapshot: &Snapshot, model: &Model, id: String) -> Tx {
    let mut simulator = Simulator::new(snapshot.clone(), &id);
    let mut plan = Plan::default();
    for _ in 0..rng.random_range(1..5) {
        let ns = rng.random_range(0..NAMESPACES.len());
        let name = NAMESPACES[ns];
        let key = (ns, format!("key{:04}", rng.random_range(0..KEYS)));
        match rng.random_range(0..20) {
            0..7 => {
                let value = simulator.get_state(name, &key.1).unwrap();
                let expected = model.keys.get(&key).map(|(value, ..)| value);
                assert_eq!(value.as_ref(), expected, "{id} reads {key:?}");
                plan.reads.insert(key.clone(), model.version(&key));
            }
            7..14 => {
                let value = format!("{id} {}", rng.random_range(0..9)).into_bytes();
                simulator.put_state(name, &key.1, value.clone()).unwrap();
                plan.writes.insert(key, Some(value));
            }
            14..16 => {
                simulator.delete_state(name, &key.1).unwrap();
                plan.writes.insert(key, None);
            }
            16 => {
                let value = rng.random();
                let metadata = Metadata::from([("m".to_owned(), vec![value])]);
                simulator.put_state_metadata(name, &key.1, metadata).unwrap();
                plan.metadata.insert(key, value);
            }
            _ => scan(rng, &mut simulator, model, key, &mut plan),
        }
    }
    Tx { id, plan, rwset: simulator.finish().public }
}

fn scan(rng: &mut StdRng, simulator: &mut Simulator, model: &Model, from: Key, plan: &mut Plan) {
    let (ns, start) = from;
    // A few ranges are long enough to be recorded as hashes.
    let long = rng.random_ratio(1, 30);
    let width = if long { 120 } else { 8 };
    let first: u32 = start[3..].parse().unwrap();
    let end = match rng.random_range(0..10) {
        0 => String::new(),
        _ => format!("key{:04}", first + rng.random_range(0..width)),
    };
    let most = rng.random_range(1..width as usize);
    let query = simulator.range(NAMESPACES[ns], &start, &end).unwrap();
    let mut seen = Vec::new();
    let mut stopped = true;
    while seen.len() < most {
        let Some(row) = simulator.next_row(query).unwrap() else {
            stopped = false;
            break;
        };
        let (value, _, version) = &model.keys[&(ns, row.key.clone())];
        assert_eq!(row.value, *value);
        seen.push((row.key, *version));
    }
    let end = match seen.last() {
        Some((last, _)) if stopped => End::At(last.clone()),
        _ => End::Before(end),
    };
    assert_eq!(seen, model.rows(ns, &start, &end));
    plan.ranges.push((ns, start, end, seen));
}

/// The ledger, the model, and data of the model beside the state.
struct World {
    ledger: Arc<Ledger>,
    now: Rc<Model>,
    seen: VecDeque<(Snapshot, Rc<Model>)>,
    ids: BTreeMap<String, (TxValidationCode, u64)>,
    history: BTreeMap<Key, Vec<(String, bool)>>,
    counts: BTreeMap<&'static str, usize>,
}

impl World {
    fn block(&mut self, rng: &mut StdRng, number: u64, txs: usize) {
        self.seen.push_front((self.ledger.snapshot(), Rc::clone(&self.now)));
        self.seen.truncate(OLDEST);
        let mut block = Vec::new();
        for index in 0..txs {
            // Most simulations use the newest state.
            let old = rng.random_range(0..self.seen.len() * 4);
            let (snapshot, model) = &self.seen[old.saturating_sub(self.seen.len() * 3)];
            let again = rng.random_ratio(1, 50);
            let id = match block.last() {
                Some(Tx { id, .. }) if again && rng.random() => id.clone(),
                _ if again && number > 1 => format!("{}-0", rng.random_range(1..number)),
                _ => format!("{number}-{index}"),
            };
            block.push(simulate(rng, snapshot, model, id));
        }
        let envelopes = block.iter().map(|tx| tx_envelope(&tx.id, &tx.rwset)).collect();
        let given = block.iter().map(|tx| CommitTx {
            tx_id: Some(tx.id.clone()),
            code: TxValidationCode::Valid,
            rwset: Some(tx.rwset.clone()),
        });
        let given = given.collect();
        let body = new_block(number, self.ledger.info().current_block_hash, envelopes);
        let codes = self.ledger.commit(body, given, &NoCollections).unwrap().codes();
        self.judge(number, &block, &codes);
    }

    fn judge(&mut self, number: u64, block: &[Tx], codes: &[TxValidationCode]) {
        let mut touched = BTreeSet::new();
        let mut in_block = BTreeSet::new();
        let mut now = Model::clone(&self.now);
        for (index, (tx, code)) in block.iter().zip(codes).enumerate() {
            let height = Height::new(number, index as u64);
            let known = self.ids.get(&tx.id).is_some_and(|(_, block)| *block < number);
            let expected = if known || !in_block.insert(&tx.id) {
                TxValidationCode::DuplicateTxid
            } else {
                now.judge(&tx.plan, &touched)
            };
            assert_eq!(*code, expected, "transaction {index} of block {number}");
            *self.counts.entry(code.as_str_name()).or_default() += 1;
            self.ids.entry(tx.id.clone()).or_insert((*code, number));
            if expected == TxValidationCode::Valid {
                now.apply(&tx.plan, height, &mut touched);
                for (key, value) in &tx.plan.writes {
                    let entry = (tx.id.clone(), value.is_none());
                    self.history.entry(key.clone()).or_default().push(entry);
                }
            }
        }
        self.now = Rc::new(now);
    }

    fn compare_state(&self) {
        let snapshot = self.ledger.snapshot();
        let mut found = BTreeMap::new();
        for (ns, name) in NAMESPACES.iter().enumerate() {
            for row in snapshot.range(name, "", "") {
                let (key, value) = row.unwrap();
                let metadata = value.metadata().unwrap().get("m").map(|bytes| bytes[0]);
                found.insert((ns, key), (value.value, metadata, value.version));
            }
        }
        assert_eq!(found, self.now.keys);
    }

    fn compare_indexes(&self) {
        for (id, expected) in self.ids.iter().step_by(17) {
            assert_eq!(self.ledger.tx_validation(id).unwrap(), Some(*expected), "{id}");
        }
        for ((ns, key), expected) in self.history.iter().step_by(29) {
            let history = self.ledger.history(NAMESPACES[*ns], key).unwrap();
            let entries = history.map(|entry| entry.unwrap());
            let found: Vec<_> = entries.map(|entry| (entry.tx_id, entry.is_delete)).collect();
            assert!(found.iter().eq(expected.iter().rev()), "the history of {key}");
        }
    }
}

#[test]
fn many_transactions_have_the_verdicts_and_the_state_of_the_model() {
    let env = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = env("WASMCC_MODEL_SEED").unwrap_or_else(rand::random);
    let most = env("WASMCC_MODEL_TXS").map_or(TXS, |txs| txs as usize);
    println!("WASMCC_MODEL_SEED={seed} WASMCC_MODEL_TXS={most}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (_ledgers, ledger) = temporary();
    let mut world = World {
        ledger,
        now: Rc::default(),
        seen: VecDeque::new(),
        ids: BTreeMap::new(),
        history: BTreeMap::new(),
        counts: BTreeMap::new(),
    };
    let (mut done, mut number) = (0, 1);
    while done < most {
        let txs = rng.random_range(1..=200).min(most - done);
        world.block(&mut rng, number, txs);
        if number % 50 == 0 {
            world.compare_state();
        }
        done += txs;
        number += 1;
    }
    world.compare_state();
    world.compare_indexes();
    println!("{number} blocks: {:?}", world.counts);
    assert!(most < 1000 || world.counts.values().filter(|count| **count > most / 200).count() == 4);
}
