//! Compares random blocks with private data with a plain map. The blocks put, delete, purge and
//! change metadata, in collections with different members and lifetimes. Some sets are missing,
//! some of them arrive late. Rich queries return the same rows with an index and without, also in a
//! simulation that stays open.
//!
//! WASMCC_MODEL_TXS sets the number of transactions, WASMCC_MODEL_SEED the seed.

mod compare;
mod model;

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::private::model_tests::compare::{compare_rich, value_bytes};
use crate::private::model_tests::model::{COLLECTIONS, KEYS, Model, ORGS, Op, Tx, Values};
use crate::private::rich_tests::{define_index, index_entries};
use crate::private::test_support::{Rules, commit_public, keep, rules, simulate_private};
use crate::test_support::{CHANNEL, open_with, small_config};
use crate::{Ledger, LedgerConfig, LedgerFolder, Metadata, MissingPrivateData, Simulator};
use wasmcc_types::{ChannelId, Height};

const TXS: usize = 600;
/// The collections that get an index.
const INDEXED: [usize; 2] = [0, 1];

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

/// Adds a set that is missing to the ledger and to the model.
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
            let mut results = tx.results.clone();
            results.private.take_if(|_| tx.missing);
            (tx.id.as_str(), results)
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
