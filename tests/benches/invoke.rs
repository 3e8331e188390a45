//! The overhead of the runtime over wasmtime: one transfer (two reads, two writes of JSON records)
//! in a fresh instance, and the same component on wasmtime alone. Also the cost of metering host
//! calls and of supporting their recording, and the overhead of the Rust SDK.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use wasmcc_runtime::{Component, Invocation, Runtime, RuntimeConfig, wait};

use crate::support::bare::Bare;
use wasmcc_tests::measure::median;
use wasmcc_tests::{MapBackend, State, invocation};

const TRANSFER: [&str; 4] = ["transfer", "alice", "bob", "1"];

fn transfer() -> Vec<Vec<u8>> {
    TRANSFER.map(|arg| arg.as_bytes().to_vec()).to_vec()
}

fn accounts() -> State {
    let account = |name| {
        (String::from(name), format!(r#"{{"owner":"{name}","balance":1000000000}}"#).into_bytes())
    };
    Arc::new(Mutex::new(BTreeMap::from([account("alice"), account("bob")])))
}

fn invoke(c: &mut Criterion) {
    let wasm = support::guest("transfer");
    let mut group = c.benchmark_group("invoke");

    let bare = Bare::new(&wasm);
    let state = accounts();
    assert_eq!(bare.invoke(transfer(), state.clone()), 200);
    group.bench_function("bare_wasmtime", |b| {
        b.iter(|| bare.invoke(transfer(), Arc::clone(&state)));
    });

    let metered = Subject::transfer(&wasm, RuntimeConfig::default());
    let made = RuntimeConfig { none_ahead: true, ..Default::default() };
    let made = Subject::transfer(&wasm, made);
    made.call();
    metered.call();
    group.bench_function("runtime", |b| b.iter(|| made.call()));
    // A call that finds its instance ready, and one with a reused instance.
    group.bench_function("ready", |b| b.iter_custom(|calls| metered.ready(calls)));
    group.bench_function("reused", |b| b.iter_custom(|calls| metered.reused(calls)));
    group.finish();

    let free = RuntimeConfig { free_host_calls: true, ..Default::default() };
    let overhead = ratio(&made, &Subject::transfer(&wasm, free));
    println!("hostcall fuel overhead: {overhead:.4}");
    // `replay`, `audit` and `test --twice` record calls; all others only test whether to record.
    let never = RuntimeConfig { never_recorded: true, none_ahead: true, ..Default::default() };
    println!("trace off: {:.4}", ratio(&made, &Subject::transfer(&wasm, never)));
    println!("sdk: overhead_us {:.2}", sdk_overhead_us(&wasm));
}

/// Returns how much longer a transaction of Fabric's first sample takes than a component that only
/// makes the same calls of the peer: one read and one write of the same key. The difference is the
/// instantiation of a larger component, dispatch, and JSON.
fn sdk_overhead_us(raw: &[u8]) -> f64 {
    let config = || RuntimeConfig { none_ahead: true, ..Default::default() };
    let sample = support::guest("asset_transfer_basic");
    let asset = r#"{"AppraisedValue":300,"Color":"blue","ID":"asset1","Owner":"Tomoko","Size":5}"#;
    let state = || Arc::new(Mutex::new(BTreeMap::from([("asset1".into(), asset.into())])));
    let with_sdk = Subject::new(&sample, config(), &["TransferAsset", "asset1", "Max"], state());
    let raw = Subject::new(raw, config(), &["copy", "asset1"], state());
    let differences = (0..ROUNDS).map(|round| {
        let (with_sdk, raw) = in_turns(round, &with_sdk, &raw);
        (with_sdk - raw) / CALLS as f64 * 1e6
    });
    median(differences.collect())
}

/// A component in a runtime, with a call and its state.
struct Subject {
    runtime: Runtime,
    component: Arc<Component>,
    invocation: Invocation,
    state: State,
}

impl Subject {
    fn new(wasm: &[u8], config: RuntimeConfig, call: &[&str], state: State) -> Self {
        let runtime = Runtime::new(config).unwrap();
        let component = runtime.load(wasm).unwrap();
        Self { runtime, component, invocation: invocation("transfer", call), state }
    }

    /// A transfer between two accounts.
    fn transfer(wasm: &[u8], config: RuntimeConfig) -> Self {
        Self::new(wasm, config, &TRANSFER, accounts())
    }

    fn call(&self) {
        let backend = Box::new(MapBackend(Arc::clone(&self.state)));
        let outcome = self.runtime.invoke(&self.component, self.invocation.clone(), backend);
        assert_eq!(outcome.unwrap().response.status, 200);
    }

    /// Returns the time of this many calls, each with an instance that is ready.
    fn ready(&self, calls: u64) -> Duration {
        let time = |_| {
            assert!(self.runtime.prepare(&self.component));
            let begin = Instant::now();
            self.call();
            begin.elapsed()
        };
        (0..calls).map(time).sum()
    }

    /// Returns the time of this many calls of one instance, which is renewed before it reaches its
    /// limits.
    fn reused(&self, calls: u64) -> Duration {
        const OF_ONE: u64 = 1_000;
        let mut time = Duration::ZERO;
        for first in (0..calls).step_by(OF_ONE as usize) {
            let backend = Box::new(MapBackend(Arc::clone(&self.state)));
            let made = self.runtime.instantiate(&self.component, self.invocation.clone(), backend);
            let mut instance = wait(made).unwrap();
            let begin = Instant::now();
            for _ in first..calls.min(first + OF_ONE) {
                assert_eq!(wait(instance.call()).unwrap().status, 200);
            }
            time += begin.elapsed();
        }
        time
    }
}

const ROUNDS: usize = 301;
const CALLS: usize = 200;

/// Returns the ratio of both times.
fn ratio(one: &Subject, other: &Subject) -> f64 {
    let ratios = (0..ROUNDS).map(|round| {
        let (one, other) = in_turns(round, one, other);
        one / other
    });
    median(ratios.collect())
}

/// Returns the seconds of some calls of each, measured alternately, so that other load of the
/// machine affects both. The first one alternates, too.
fn in_turns(round: usize, one: &Subject, other: &Subject) -> (f64, f64) {
    let time = |subject: &Subject| {
        let begin = Instant::now();
        (0..CALLS).for_each(|_| subject.call());
        begin.elapsed().as_secs_f64()
    };
    if round.is_multiple_of(2) {
        let first = time(one);
        return (first, time(other));
    }
    let first = time(other);
    (time(one), first)
}

criterion_group!(benches, invoke);
criterion_main!(benches);
