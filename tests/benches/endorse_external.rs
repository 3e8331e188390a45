//! The embedded peer endorses calls of a component in its own process, and of the same logic on
//! npm's `fabric-shim` and on the Rust crate `fabric-shim`, each in a process on the loopback.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use wasmcc_msp::forget_signatures;
use wasmcc_node::Peer;
use wasmcc_tests::pair::{Mode, Pair, Twins};
use wasmcc_tests::{Program, guest};
use wasmcc_types::proto::protos::SignedProposal;
use xtask::rust_chaincode::Profile;

/// The stack size of the peer's own workers.
const STACK_BYTES: usize = 16 << 20;
const MOST_IN_FLIGHT: usize = 16;

/// Returns two peers with a chaincode in both forms, and some state on the ledger.
fn pair(name: &str, program: Program) -> Pair {
    let pair = Pair::new(Mode::PeerConnects, Twins::new(name, guest(name), program, &[]));
    match name {
        "transfer" => {
            (0..2 * MOST_IN_FLIGHT).for_each(|n| drop(pair.submit(&format!("open a{n:02} 1000"))));
        }
        _ => drop(pair.submit("mput row 1000")),
    }
    pair
}

/// Returns the same call for each lane, except for the accounts of a transfer and the transaction
/// id.
fn proposals(pair: &Pair, call: &str) -> Vec<SignedProposal> {
    let lane = |lane: usize| match call {
        "transfer" => format!("transfer a{:02} a{:02} 1", 2 * lane, 2 * lane + 1),
        "get" => "get row00500".to_owned(),
        "range" => "range row rox".to_owned(),
        other => other.to_owned(),
    };
    (0..MOST_IN_FLIGHT).map(|n| pair.propose(&lane(n)).signed).collect()
}

/// Processes the proposals of all lanes concurrently, each `times` times; returns the time per
/// call.
fn run(peer: &Arc<Peer>, lanes: &[SignedProposal], times: u64) -> Duration {
    let begin = Instant::now();
    thread::scope(|scope| {
        for proposal in lanes {
            let job = move || {
                for _ in 0..times {
                    // A peer has not cached a client's signature.
                    forget_signatures();
                    let response = peer.process(proposal.clone()).unwrap().response;
                    assert_eq!(response.response.unwrap().status, 200);
                }
            };
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, job).unwrap();
        }
    });
    begin.elapsed() / u32::try_from(lanes.len()).unwrap()
}

fn endorse_external(c: &mut Criterion) {
    for (name, calls) in [("transfer", ["noop", "transfer"]), ("probe", ["get", "range"])] {
        let node = pair(name, Program::NodeShim);
        let rust = pair(name, Program::RustShim(Profile::Release));
        let sides = [("wasm", &node, &node.wasm), ("node", &node, &node.other)];
        for call in calls {
            let mut group = c.benchmark_group(format!("external_{call}"));
            group.sampling_mode(SamplingMode::Flat).sample_size(10);
            group.measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_secs(1));
            for (side, pair, peer) in sides.into_iter().chain([("rust", &rust, &rust.other)]) {
                let proposals = proposals(pair, call);
                for in_flight in [1, MOST_IN_FLIGHT] {
                    let lanes = &proposals[..in_flight];
                    group.bench_function(format!("{side}_{in_flight}"), |b| {
                        b.iter_custom(|times| run(peer, lanes, times));
                    });
                }
            }
            group.finish();
        }
    }
}

criterion_group!(benches, endorse_external);
criterion_main!(benches);
