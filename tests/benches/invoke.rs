//! What the runtime adds to wasmtime: one transfer (two reads, two writes of JSON records) in a
//! fresh instance, beside the same component on wasmtime alone; and what it costs that calls of the
//! host cost fuel, and that they could be traced.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use wasmcc_runtime::{Component, Invocation, Runtime, RuntimeConfig, wait};

use crate::support::bare::Bare;
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

    let metered = Subject::new(&wasm, RuntimeConfig::default());
    let made = RuntimeConfig { none_ahead: true, ..Default::default() };
    let made = Subject::new(&wasm, made);
    made.call();
    metered.call();
    group.bench_function("runtime", |b| b.iter(|| made.call()));
    // What a call costs that finds its instance ready, and one that would need none.
    group.bench_function("ready", |b| b.iter_custom(|calls| metered.ready(calls)));
    group.bench_function("reused", |b| b.iter_custom(|calls| metered.reused(calls)));
    group.finish();

    let free = RuntimeConfig { free_host_calls: true, ..Default::default() };
    let overhead = ratio(&made, &Subject::new(&wasm, free));
    println!("hostcall fuel overhead: {overhead:.4}");
    // `replay`, `audit` and `test --twice` have calls recorded; all others only look whether.
    let never = RuntimeConfig { never_recorded: true, none_ahead: true, ..Default::default() };
    println!("trace off: {:.4}", ratio(&made, &Subject::new(&wasm, never)));
}

/// A component in a runtime, with accounts.
struct Subject {
    runtime: Runtime,
    component: Arc<Component>,
    invocation: Invocation,
    state: State,
}

impl Subject {
    fn new(wasm: &[u8], config: RuntimeConfig) -> Self {
        let runtime = Runtime::new(config).unwrap();
        let component = runtime.load(wasm).unwrap();
        let invocation = invocation("transfer", &TRANSFER);
        Self { runtime, component, invocation, state: accounts() }
    }

    fn call(&self) {
        let backend = Box::new(MapBackend(Arc::clone(&self.state)));
        let outcome = self.runtime.invoke(&self.component, self.invocation.clone(), backend);
        assert_eq!(outcome.unwrap().response.status, 200);
    }

    /// The time of so many calls that each find an instance ready.
    fn ready(&self, calls: u64) -> Duration {
        let time = |_| {
            assert!(self.runtime.prepare(&self.component));
            let begin = Instant::now();
            self.call();
            begin.elapsed()
        };
        (0..calls).map(time).sum()
    }

    /// The time of so many calls of one instance, which is renewed before its limits end it.
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

/// How much longer one takes than the other, measured in turns, so that what else the machine does
/// is the same for both.
fn ratio(one: &Subject, other: &Subject) -> f64 {
    const ROUNDS: usize = 301;
    const CALLS: usize = 200;
    let time = |subject: &Subject| {
        let begin = Instant::now();
        (0..CALLS).for_each(|_| subject.call());
        begin.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            // None is always the first.
            if round % 2 == 0 {
                let one = time(one);
                one / time(other)
            } else {
                let other = time(other);
                time(one) / other
            }
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}

criterion_group!(benches, invoke);
criterion_main!(benches);
