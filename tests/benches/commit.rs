//! Commits blocks of 500 transactions to a ledger on disk: versions are checked, block and state
//! flushed. Each transaction reads and writes two keys, without conflicts or signatures. Then the
//! same with 64 open simulations, each at its own height.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wasmcc_ledger::{LedgerConfig, Simulator};
use wasmcc_types::proto::common::Block;

use crate::support::chain::{Chain, NAMESPACE};

const TXS: usize = 500;
const SIMULATIONS: usize = 64;
const ROUNDS: usize = 60;

fn key(account: &str, block: u64, index: usize) -> String {
    format!("{account}{:06}", (block as usize % 20) * TXS + index)
}

fn next_block(chain: &Chain) -> Block {
    let number = chain.ledger.height();
    chain.block(TXS, |simulator, index| {
        for account in ["from", "to"] {
            let key = key(account, number, index);
            let balance = simulator.get_state(NAMESPACE, &key).unwrap();
            let balance = balance.map_or(0, |value| value.len());
            let record = format!(r#"{{"owner":"{key}","balance":{:<40}}}"#, balance + index);
            simulator.put_state(NAMESPACE, &key, record.into_bytes()).unwrap();
        }
    })
}

fn timed_commit(chain: &Chain) -> Duration {
    let block = next_block(chain);
    let start = Instant::now();
    let valid = chain.commit(block);
    let spent = start.elapsed();
    assert_eq!(valid, TXS);
    spent
}

fn benches(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let chain = Chain::open(dir.path(), LedgerConfig::default());
    timed_commit(&chain);
    let mut group = c.benchmark_group("commit");
    group.throughput(Throughput::Elements(TXS as u64)).sample_size(20);
    group.measurement_time(Duration::from_secs(10));
    group.bench_function("block_of_500", |b| {
        b.iter_custom(|blocks| (0..blocks).map(|_| timed_commit(&chain)).sum());
    });
    group.finish();
    open_simulations();
}

/// Commits alternately to two ledgers, so that other load of the machine affects both. One ledger
/// has no simulations, the other 64, each at its own height; the oldest ends after each block.
fn open_simulations() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [idle, busy] = [0, 1].map(|i| Chain::open(dirs[i].path(), LedgerConfig::default()));
    let mut open = VecDeque::<Simulator>::new();
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for round in 0..SIMULATIONS + ROUNDS {
        if open.len() == SIMULATIONS {
            let mut oldest = open.pop_front().unwrap();
            // The oldest simulation still reads the state of its begin.
            let height = oldest.snapshot().height();
            let found = oldest.get_state(NAMESPACE, &key("from", height, 7)).unwrap();
            assert_eq!(found.is_some(), height > 20);
        }
        open.push_back(busy.ledger.simulator("open"));
        let (one, other) = (timed_commit(&idle), timed_commit(&busy));
        if round >= SIMULATIONS {
            alone.push(one);
            together.push(other);
        }
    }
    let [alone, together] = [alone, together].map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    });
    let rate = TXS as f64 / together;
    println!(
        "open simulations: {rate:.0} tx/s beside {SIMULATIONS}, ratio {:.3}",
        alone / together
    );
}

criterion_group!(commit_benches, benches);
criterion_main!(commit_benches);
