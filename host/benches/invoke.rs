//! What the runtime adds to wasmtime: one transfer (two reads, two writes of JSON records) in a
//! fresh instance, beside the same component on wasmtime alone.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use wasmcc::runtime::{Invocation, Runtime, RuntimeConfig};
use wasmcc::types::{Entry, ProposalContext, TxId};

use crate::support::bare::Bare;
use crate::support::map_backend::{MapBackend, State};

fn transfer() -> Vec<Vec<u8>> {
    ["transfer", "alice", "bob", "1"].map(|arg| arg.as_bytes().to_vec()).to_vec()
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

    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let component = runtime.load(&wasm).unwrap();
    let proposal = Arc::new(ProposalContext::default());
    let tx_id = TxId::parse(&"a".repeat(64)).unwrap();
    let call = || {
        let invocation = Invocation {
            entry: Entry::Invoke,
            chaincode: "transfer".into(),
            channel_id: "mychannel".into(),
            tx_id: tx_id.clone(),
            args: transfer(),
            decorations: BTreeMap::new(),
            proposal: Arc::clone(&proposal),
            peer_msp_id: "Org1MSP".into(),
            timeout: Duration::from_secs(30),
            limits: None,
        };
        runtime.invoke(&component, invocation, Box::new(MapBackend(Arc::clone(&state)))).unwrap()
    };
    assert_eq!(call().response.status, 200);
    group.bench_function("runtime", |b| b.iter(call));
    group.finish();
}

criterion_group!(benches, invoke);
criterion_main!(benches);
