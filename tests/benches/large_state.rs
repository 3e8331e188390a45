//! A million keys of 100 bytes: time to open, point reads, range reads, commits, disk and memory.
//! The same with sled alone is the lower bound. The variable `WASMCC_LARGE_STATE_KEYS` sets another
//! number of keys.
//!
//! Each phase is a process of its own, so that memory belongs to that phase. A figure is a line
//! `large: PHASE FIGURE VALUE`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod support;

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

use wasmcc_ledger::LedgerConfig;

use crate::support::chain::{Chain, NAMESPACE};
use crate::support::memory::resident_bytes;

const USUAL_KEYS: u64 = 1_000_000;
/// Keys of one block or batch while they are loaded.
const LOADED_AT_ONCE: u64 = 1_000;
const KEYS_OF_A_TX: u64 = 20;
/// Blocks or batches of the measured commits, and their transactions.
const COMMITS: u64 = 40;
const TXS: u64 = 500;
const READS: u64 = 200_000;
const RANGES: u64 = 2_000;
const RANGE_ROWS: usize = 100;

const KEYS: &str = "WASMCC_LARGE_STATE_KEYS";
/// Selects the phases of `ledger` or `sled`.
const ONLY: &str = "WASMCC_LARGE_STATE_ONLY";
const PHASE: &str = "WASMCC_LARGE_STATE_PHASE";
const FOLDER: &str = "WASMCC_LARGE_STATE_FOLDER";

/// Returns the number of keys, at least as many as a block of the measured commits has.
fn keys() -> u64 {
    static KEYS_OF_THIS_RUN: LazyLock<u64> = LazyLock::new(|| {
        let keys = std::env::var(KEYS).map_or(USUAL_KEYS, |text| text.parse().unwrap());
        assert!(keys >= TXS * 2 && keys.is_multiple_of(LOADED_AT_ONCE), "{keys} keys");
        keys
    });
    *KEYS_OF_THIS_RUN
}

/// Returns a permutation of the numbers below [`keys`] that does not favor a tree.
fn scrambled(index: u64) -> u64 {
    index.wrapping_mul(2_654_435_761) % keys()
}

fn key(number: u64) -> String {
    format!("asset{number:012}")
}

fn value(number: u64) -> Vec<u8> {
    format!("{number:0100}").into_bytes()
}

fn say(phase: &str, figure: &str, value: f64) {
    println!("large: {phase} {figure} {value:.3}");
}

fn disk_bytes(path: &Path) -> u64 {
    let metadata = std::fs::symlink_metadata(path).unwrap();
    if !metadata.is_dir() {
        return metadata.len();
    }
    std::fs::read_dir(path).unwrap().map(|entry| disk_bytes(&entry.unwrap().path())).sum()
}

fn load_ledger(dir: &Path) {
    let chain = Chain::open(dir, LedgerConfig::default());
    let mut spent = 0.0;
    for first in (0..keys()).step_by(LOADED_AT_ONCE as usize) {
        let txs = LOADED_AT_ONCE / KEYS_OF_A_TX;
        let block = chain.block(txs as usize, |simulator, tx| {
            let first = first + tx as u64 * KEYS_OF_A_TX;
            for number in (first..first + KEYS_OF_A_TX).map(scrambled) {
                simulator.put_state(NAMESPACE, &key(number), value(number)).unwrap();
            }
        });
        let start = Instant::now();
        assert_eq!(chain.commit(block) as u64, txs);
        spent += start.elapsed().as_secs_f64();
    }
    say("ledger", "load_s", spent);
    say("ledger", "resident_mb_after_load", resident_bytes() as f64 / 1e6);
}

fn use_ledger(dir: &Path) {
    let start = Instant::now();
    let chain = Chain::open(dir, LedgerConfig::default());
    say("ledger", "open_ms", start.elapsed().as_secs_f64() * 1e3);
    say("ledger", "state_mb_on_disk", disk_bytes(&dir.join("state")) as f64 / 1e6);
    say("ledger", "blocks_mb_on_disk", disk_bytes(&dir.join("channels")) as f64 / 1e6);

    let read = |count: u64| {
        for first in (0..count).step_by(100) {
            let mut simulator = chain.ledger.simulator("read");
            for number in (first..first + 100).map(|index| scrambled(index * 7)) {
                let found = simulator.get_state(NAMESPACE, &key(number)).unwrap();
                assert_eq!(found.unwrap().len(), 100);
            }
        }
    };
    read(READS);
    let start = Instant::now();
    read(READS);
    say("ledger", "get_us", start.elapsed().as_secs_f64() * 1e6 / READS as f64);

    let start = Instant::now();
    for first in (0..RANGES).map(|index| key(scrambled(index) % (keys() - RANGE_ROWS as u64))) {
        let mut simulator = chain.ledger.simulator("range");
        let range = simulator.range(NAMESPACE, &first, "").unwrap();
        for _ in 0..RANGE_ROWS {
            black_box(simulator.next_row(range).unwrap().unwrap());
        }
    }
    say("ledger", "range_of_100_us", start.elapsed().as_secs_f64() * 1e6 / RANGES as f64);

    let mut spent = 0.0;
    for first in (0..COMMITS).map(|number| number * TXS * 2) {
        let block = chain.block(TXS as usize, |simulator, tx| {
            for number in [0, 1].map(|offset| scrambled(first + tx as u64 * 2 + offset)) {
                simulator.get_state(NAMESPACE, &key(number)).unwrap();
                simulator.put_state(NAMESPACE, &key(number), value(number + 1)).unwrap();
            }
        });
        let start = Instant::now();
        assert_eq!(chain.commit(block) as u64, TXS);
        spent += start.elapsed().as_secs_f64();
    }
    say("ledger", "commit_tx_per_s", (COMMITS * TXS) as f64 / spent);
    say("ledger", "resident_mb", resident_bytes() as f64 / 1e6);
}

/// Opens one tree, with a history row for each row.
fn open_sled(dir: &Path) -> sled::Db {
    sled::Config::new()
        .path(dir)
        .cache_capacity(LedgerConfig::default().cache_bytes)
        .mode(sled::Mode::HighThroughput)
        .flush_every_ms(None)
        .open()
        .unwrap()
}

fn put_sled(batch: &mut sled::Batch, number: u64, height: u64) {
    let key = key(number);
    batch.insert(format!("s{key}").as_bytes(), value(number));
    batch.insert([b"h", key.as_bytes(), &height.to_be_bytes()].concat(), &[]);
}

fn load_sled(dir: &Path) {
    let db = open_sled(dir);
    let start = Instant::now();
    let batches = keys() / LOADED_AT_ONCE * 2;
    for height in 0..batches {
        let mut batch = sled::Batch::default();
        let first = height * LOADED_AT_ONCE / 2;
        for number in (first..first + LOADED_AT_ONCE / 2).map(scrambled) {
            put_sled(&mut batch, number, height);
        }
        db.apply_batch(batch).unwrap();
        if height % 10 == 9 {
            db.flush().unwrap();
        }
    }
    let spent = start.elapsed().as_secs_f64();
    say("sled", "load_s", spent);
    say("sled", "ms_a_batch_of_500_and_500", spent * 1e3 / batches as f64);
    say("sled", "resident_mb_after_load", resident_bytes() as f64 / 1e6);
}

fn use_sled(dir: &Path) {
    let start = Instant::now();
    let db = open_sled(dir);
    say("sled", "open_ms", start.elapsed().as_secs_f64() * 1e3);
    say("sled", "mb_on_disk", disk_bytes(dir) as f64 / 1e6);

    let read = || {
        for number in (0..READS).map(|index| scrambled(index * 7)) {
            let found = db.get(format!("s{}", key(number))).unwrap();
            assert_eq!(found.unwrap().len(), 100);
        }
    };
    read();
    let start = Instant::now();
    read();
    say("sled", "get_us", start.elapsed().as_secs_f64() * 1e6 / READS as f64);

    let start = Instant::now();
    for first in (0..RANGES).map(|index| key(scrambled(index) % (keys() - RANGE_ROWS as u64))) {
        for row in db.range(format!("s{first}").as_bytes()..).take(RANGE_ROWS) {
            black_box(row.unwrap());
        }
    }
    say("sled", "range_of_100_us", start.elapsed().as_secs_f64() * 1e6 / RANGES as f64);

    let start = Instant::now();
    for block in 0..COMMITS {
        let mut batch = sled::Batch::default();
        let first = block * TXS * 2;
        for number in (first..first + TXS * 2).map(scrambled) {
            black_box(db.get(format!("s{}", key(number))).unwrap().unwrap());
            batch.insert(format!("s{}", key(number)).as_bytes(), value(number + 1));
        }
        for tx in first..first + TXS {
            batch.insert(format!("t{:020}", scrambled(tx)).as_bytes(), &[0; 4]);
        }
        db.apply_batch(batch).unwrap();
    }
    let spent = start.elapsed().as_secs_f64();
    say("sled", "commit_tx_per_s", (COMMITS * TXS) as f64 / spent);
    say("sled", "resident_mb", resident_bytes() as f64 / 1e6);
}

fn main() {
    let Ok(phase) = std::env::var(PHASE) else { return run_phases() };
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
    match phase.as_str() {
        "load_ledger" => load_ledger(folder),
        "use_ledger" => use_ledger(folder),
        "load_sled" => load_sled(folder),
        "use_sled" => use_sled(folder),
        other => panic!("no phase {other}"),
    }
}

fn run_phases() {
    let dir = tempfile::tempdir().unwrap();
    let only = std::env::var(ONLY).unwrap_or_default();
    for (phase, folder) in [
        ("load_sled", "sled"),
        ("use_sled", "sled"),
        ("load_ledger", "ledger"),
        ("use_ledger", "ledger"),
    ] {
        if !only.is_empty() && only != folder {
            continue;
        }
        let status = Command::new(std::env::current_exe().unwrap())
            .env(PHASE, phase)
            .env(FOLDER, dir.path().join(folder))
            .status();
        assert!(status.unwrap().success(), "{phase}");
    }
}
