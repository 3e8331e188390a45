//! The time from an installed component to its first answer: compiled from scratch, and from the
//! compiled cache. Then the memory of 1,000 live instances after a transaction.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use criterion::{Criterion, criterion_group, criterion_main};
use wasmcc_runtime::{ChildCompiler, Compiler, Runtime, RuntimeConfig, wait};

use crate::support::memory::resident_bytes;
use wasmcc_tests::{MapBackend, State, invocation};

const LIVE: usize = 1_000;

fn first_answer(wasm: &[u8], cache_dir: Option<PathBuf>) -> i32 {
    // Compiles like the peer, if the program exists.
    let compiler = std::env::var_os("WASMCC_PROGRAM")
        .map_or(Compiler::InProcess, |program| Compiler::Child(ChildCompiler::new(program.into())));
    let config = RuntimeConfig { cache_dir, compiler, ..Default::default() };
    let runtime = Runtime::new(config).unwrap();
    let component = runtime.load(wasm).unwrap();
    let call = invocation("basic", &["AssetExists", "asset1"]);
    let backend = MapBackend(State::default());
    runtime.invoke(&component, call, Box::new(backend)).unwrap().response.status
}

fn launch(c: &mut Criterion) {
    let wasm = support::guest("asset_transfer_basic");
    let mut group = c.benchmark_group("launch");
    group.sample_size(10);
    group.bench_function("cold", |b| b.iter(|| assert_eq!(first_answer(&wasm, None), 200)));
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("compiled");
    assert_eq!(first_answer(&wasm, Some(cache.clone())), 200);
    group.bench_function("cached", |b| {
        b.iter(|| assert_eq!(first_answer(&wasm, Some(cache.clone())), 200));
    });
    group.finish();
    live();
}

fn live() {
    let wasm = support::guest("transfer");
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let component = runtime.load(&wasm).unwrap();
    let account = |name: &str| {
        (name.to_owned(), format!(r#"{{"owner":"{name}","balance":1000000}}"#).into_bytes())
    };
    let state = Arc::new(Mutex::new(BTreeMap::from([account("alice"), account("bob")])));
    let before = resident_bytes();
    let instances: Vec<_> = (0..LIVE)
        .map(|_| {
            let backend = Box::new(MapBackend(Arc::clone(&state)));
            let call = invocation("basic", &["transfer", "alice", "bob", "1"]);
            let mut instance = wait(runtime.instantiate(&component, call, backend)).unwrap();
            assert_eq!(wait(instance.call()).unwrap().status, 200);
            instance
        })
        .collect();
    let megabytes = (resident_bytes() - before) as f64 / 1e6;
    println!("live: {} instances take {megabytes:.1} MB", instances.len());
}

criterion_group!(benches, launch);
criterion_main!(benches);
