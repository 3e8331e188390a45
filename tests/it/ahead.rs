//! Instances that are made before a transaction needs them: they have no visible effect.

use std::sync::{Arc, Mutex};
use std::thread;

use wasmcc_runtime::{Component, Failure, Invocation, Limits, Outcome, Runtime, RuntimeConfig};
use wasmcc_tests::foreign::{NAME, foreign};
use wasmcc_tests::{MapBackend, State, guest, invocation};
use xtask::languages::Language;

/// Returns a runtime with a capacity for ready instances.
fn runtime(none_ahead: bool, instances: u32) -> Runtime {
    let limits = Limits { instances, memory_bytes: 64 << 20, ..Limits::default() };
    let cache_dir = Some(xtask::guest_tools::folder().unwrap().join("compiled"));
    Runtime::new(RuntimeConfig { limits, cache_dir, none_ahead, ..Default::default() }).unwrap()
}

/// The result of a call, and the state after it.
type Ended = (Result<Outcome, Failure>, Vec<(String, Vec<u8>)>);

fn call(runtime: &Runtime, component: &Component, call: Invocation) -> Ended {
    let state = State::default();
    state.lock().unwrap().insert("k".into(), b"v".to_vec());
    let outcome = runtime.invoke(component, call, Box::new(MapBackend(Arc::clone(&state))));
    let state = state.lock().unwrap();
    (outcome, state.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Calls that read, write, fail, trap and use all memory.
const CALLS: [&[&str]; 5] =
    [&["noop"], &["get", "k"], &["put", "k", "w"], &["no such function"], &["hog", "1000000"]];

#[test]
fn a_transaction_cannot_tell_that_its_instance_was_ready() {
    let (without, with) = (runtime(true, 1_024), runtime(false, 1_024));
    let languages =
        [Language::C, Language::Python, Language::QuickJs, Language::StarlingMonkey].map(foreign);
    let ours = ["probe", "transfer", "hostile"].map(guest);
    for wasm in languages.iter().chain(&ours) {
        let (fresh, ready) = (without.load(wasm).unwrap(), with.load(wasm).unwrap());
        assert!(!without.prepare(&fresh));
        for args in CALLS {
            let invocation = invocation(NAME, args);
            assert!(with.prepare(&ready), "it starts by itself");
            let ended = call(&with, &ready, invocation.clone());
            assert_eq!(ended, call(&without, &fresh, invocation), "{args:?}");
        }
    }
}

#[test]
fn what_asks_its_host_at_the_start_is_not_started_before_its_transaction() {
    let (without, with) = (runtime(true, 64), runtime(false, 64));
    let wasm = foreign(Language::Go);
    let (fresh, component) = (without.load(&wasm).unwrap(), with.load(&wasm).unwrap());
    for _ in 0..2 {
        assert!(!with.prepare(&component), "Go draws random numbers when it starts");
        let invocation = invocation(NAME, &["get", "k"]);
        let ended = call(&with, &component, invocation.clone());
        assert_eq!(ended, call(&without, &fresh, invocation));
    }
}

#[test]
fn narrower_limits_are_those_of_an_instance_that_starts_with_them() {
    let runtime = runtime(false, 64);
    let component = runtime.load(&guest("transfer")).unwrap();
    let narrow = Limits { memory_bytes: 1 << 10, ..runtime.limits().clone() };
    let invocation =
        Invocation { limits: Some(Arc::new(narrow)), ..invocation(NAME, &["get", "k"]) };
    assert!(runtime.prepare(&component));
    let (outcome, _) = call(&runtime, &component, invocation);
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("memory"), "{text}");
}

#[test]
fn nothing_of_a_transaction_outlives_its_answer() {
    let runtime = runtime(false, 1_024);
    let component = runtime.load(&guest("probe")).unwrap();
    for args in CALLS {
        let (state, invocation) = (State::default(), invocation(NAME, args));
        let (meter, share) = (Arc::clone(&invocation.meter), Arc::clone(&invocation.share));
        assert!(runtime.prepare(&component));
        // Its instance is reset later.
        let _ = runtime.invoke(&component, invocation, Box::new(MapBackend(Arc::clone(&state))));
        let held = [Arc::strong_count(&state), Arc::strong_count(&meter)];
        assert_eq!((held, Arc::strong_count(&share)), ([1, 1], 1), "{args:?}");
        assert_eq!(runtime.shared_memory().used, 0, "{args:?}");
    }
}

#[test]
fn a_small_pool_has_places_for_transactions_only() {
    let runtime = runtime(false, 16);
    assert!(!runtime.prepare(&runtime.load(&guest("probe")).unwrap()));
}

#[test]
fn many_calls_at_once_get_the_places_of_what_is_ready() {
    const THREADS: usize = 48;
    let runtime = runtime(false, 64);
    let components = ["probe", "transfer"].map(|name| runtime.load(&guest(name)).unwrap());
    let expected = components.each_ref().map(|component| {
        assert!(runtime.prepare(component));
        call(&runtime, component, invocation(NAME, &["get", "k"]))
    });
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (runtime, failed) = (&runtime, &failed);
            let (component, expected) = (&components[number % 2], &expected[number % 2]);
            scope.spawn(move || {
                for _ in 0..200 {
                    let ended = call(runtime, component, invocation(NAME, &["get", "k"]));
                    if ended != *expected {
                        failed.lock().unwrap().push(ended);
                    }
                    runtime.prepare(component);
                }
            });
        }
    });
    assert_eq!(*failed.lock().unwrap(), []);
}
