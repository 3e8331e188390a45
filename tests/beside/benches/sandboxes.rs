//! One call of one contract, a transfer, in the sandboxes of several projects. Each call has a
//! fresh instance of compiled code, with metering and a memory limit. The state is always a map in
//! memory. `cargo xtask beside` builds the contract and runs this.
#![allow(missing_docs, clippy::unwrap_used)]

mod cosmwasm;
mod interpreter;
#[path = "../../src/invocation.rs"]
mod invocation;
#[path = "../../src/map_backend.rs"]
mod map_backend;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::{env, fs};

use criterion::{Criterion, criterion_group, criterion_main};
use wasmcc_runtime::{Component, Runtime, RuntimeConfig};

use crate::invocation::invocation;
use crate::map_backend::{MapBackend, State};

/// Bytes of memory that a contract may use.
const MEMORY: usize = 64 << 20;
/// The fuel limit in the sandbox's own unit, far more than a call uses.
const FUEL: u64 = 10_000_000_000;
/// The message of the call, for sandboxes that use JSON.
const MESSAGE: &[u8] = br#"{"transfer":["alice","bob","1"]}"#;

fn accounts() -> State {
    let account = |name: &str| {
        (name.to_owned(), format!(r#"{{"owner":"{name}","balance":1000000000}}"#).into_bytes())
    };
    Arc::new(Mutex::new(BTreeMap::from([account("alice"), account("bob")])))
}

/// Returns the payer's remaining balance.
fn left(state: &State) -> u64 {
    let record = state.lock().unwrap()["alice"].clone();
    let text = String::from_utf8(record).unwrap();
    text.rsplit([':', '}']).nth(1).unwrap().parse().unwrap()
}

fn file(variable: &str) -> Vec<u8> {
    let path = env::var(variable).expect("`cargo xtask beside` runs this");
    fs::read(path).unwrap()
}

/// This project, with its limits, metering and deterministic WASI.
struct Wasmcc {
    runtime: Runtime,
    component: Arc<Component>,
}

impl Wasmcc {
    fn new(wasm: &[u8], none_ahead: bool) -> Self {
        let runtime = Runtime::new(RuntimeConfig { none_ahead, ..Default::default() }).unwrap();
        let component = runtime.load(wasm).unwrap();
        Self { runtime, component }
    }

    fn call(&self, state: &State) {
        let backend = Box::new(MapBackend(Arc::clone(state)));
        let call = invocation("transfer", &["transfer", "alice", "bob", "1"]);
        let outcome = self.runtime.invoke(&self.component, call, backend);
        assert_eq!(outcome.unwrap().response.status, 200);
    }
}

fn sandboxes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("beside");
    let mut measure = |name: &str, call: &dyn Fn(&State)| {
        let state = accounts();
        let before = left(&state);
        call(&state);
        assert_eq!(left(&state), before - 1, "{name} moves the money");
        group.bench_function(name, |b| b.iter(|| call(&state)));
    };
    let (component, module) = (file("WASMCC_COMPONENT"), file("WASMCC_MODULE"));
    let ours = Wasmcc::new(&component, true);
    measure("wasmcc", &|state| ours.call(state));
    let ours = Wasmcc::new(&component, false);
    measure("wasmcc_ahead", &|state| ours.call(state));
    let cosmwasm = cosmwasm::Vm::new(&module);
    measure("cosmwasm", &|state| cosmwasm.call(state));
    let interpreter = interpreter::Interpreter::new(&module);
    measure("wasmi", &|state| interpreter.call(state));
    group.finish();
}

criterion_group!(benches, sandboxes);
criterion_main!(benches);
