//! Resources of the host that a component uses before its code runs: instances, memories, tables.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use wasmcc_client::ProposalBuilder;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_runtime::{Limits, Runtime, RuntimeConfig, inspect};
use wasmcc_tests::{
    MapBackend, Peers, Served, State, TextComponent, create_channel, deploy_code, install_code,
    invocation,
};

/// Three further instances of the module with the memory.
const MORE: &str = "(core instance (instantiate $m)) (core instance (instantiate $m)) \
                    (core instance (instantiate $m))";

fn runtime(memory_of_all: usize) -> Runtime {
    let limits = Limits { instances: 64, ..Limits::default() };
    let config = RuntimeConfig { limits, memory_of_all: Some(memory_of_all), ..Default::default() };
    Runtime::new(config).unwrap()
}

/// Returns a module with this many globals, instantiated this many times.
fn globals(count: usize, instances: usize) -> String {
    let module = format!("(core module $g {})", "(global i32 (i32.const 0))".repeat(count));
    module + &"(core instance (instantiate $g))".repeat(instances)
}

#[test]
fn parts_count_as_often_as_they_are_instantiated() {
    let needs = |part: TextComponent<'_>| inspect(&part.build(), &Limits::default()).unwrap().needs;
    let plain = needs(TextComponent::default());
    assert_eq!((plain.instances, plain.memories, plain.tables), (2, 1, 0));
    let fields = "(table 1 funcref)";
    let wide = needs(TextComponent { fields, beside: MORE, ..Default::default() });
    assert_eq!((wide.instances, wide.memories, wide.tables), (5, 4, 4));
    let state = |instances| {
        let beside = &globals(1_000, instances);
        needs(TextComponent { beside, ..Default::default() }).state_bytes - plain.state_bytes
    };
    assert_eq!(state(10), 10 * state(1));
    assert!(state(1) > 16_000, "a global has 16 bytes");

    let beside = &globals(10_000, 50);
    let large = TextComponent { beside, ..Default::default() }.build();
    let refused = inspect(&large, &Limits::default()).unwrap_err().to_string();
    assert!(refused.contains("instances whose functions, globals and imports take"), "{refused}");
}

#[test]
fn what_the_host_keeps_of_an_instance_is_in_the_memory_of_all() {
    // Each instance may have 32 KiB, and a client 1 MiB of the shared memory.
    let runtime = runtime(4 << 20);
    let call = |instances: usize| {
        let beside = &globals(10_000, instances);
        let component = TextComponent { beside, ..Default::default() }.build();
        let component = runtime.load(&component).unwrap();
        let backend = Box::new(MapBackend(State::default()));
        runtime.invoke(&component, invocation("cc", &["noop"]), backend)
    };
    assert_eq!(call(1).unwrap().response.status, 200);
    let refused = call(5).unwrap_err().to_string();
    assert!(refused.contains("bytes of memory for guests"), "{refused}");
}

#[test]
fn what_is_made_ahead_holds_little_memory() {
    // Ready instances may have 4 MiB.
    let runtime = runtime(64 << 20);
    let prepared = |fields: &str| {
        let component = TextComponent { pages: 256, fields, ..Default::default() };
        let component = runtime.load(&component.build()).unwrap();
        let is_ready = runtime.prepare(&component);
        let backend = Box::new(MapBackend(State::default()));
        let outcome = runtime.invoke(&component, invocation("cc", &["noop"]), backend);
        assert_eq!(outcome.unwrap().response.status, 200);
        is_ready
    };
    assert!(prepared(""), "pages that nobody writes take nothing");
    let writes = "(func $start (local $at i32)
        (loop $next
            (i32.store (local.get $at) (i32.const 1))
            (local.set $at (i32.add (local.get $at) (i32.const 4096)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 16777216)))))
        (start $start)";
    assert!(!prepared(writes));
}

#[test]
fn an_instance_with_many_memories_takes_the_places_of_several() {
    let peer = Peers::new(&NetworkSpec::default()).peer(|_| {});
    create_channel(&peer, CHANNEL);
    let wide = TextComponent { beside: MORE, invoke: TextComponent::LOOPS, ..Default::default() };
    install_code(&peer, "wide", "1.0", &wide.build());
    deploy_code(&peer, CHANNEL, "wide", "1.0");
    let served = Served::start(Arc::clone(&peer));
    let user = peer.network().org("Org1MSP").unwrap().user("User1").unwrap();
    let call =
        served.propose(ProposalBuilder::new(CHANNEL, "wide").args(["go"]).sign(&user).signed);
    let begun = Instant::now();
    while peer.support().instances().taken() != 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "four memories take two places");
        thread::yield_now();
    }
    call.abort();
    while peer.support().instances().taken() != 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "they are given back");
        thread::yield_now();
    }
}
