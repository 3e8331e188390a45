//! The costs of contracts in languages other than Rust: the tables of `docs/languages.md`, and the
//! same contract on Fabric's npm runtime.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use wasmcc_msp::forget_signatures;
use wasmcc_node::Peer;
use wasmcc_runtime::{Component, Limits, Runtime, RuntimeConfig};
use wasmcc_tests::built::component;
use wasmcc_tests::foreign::{Foreign, foreign};
use wasmcc_tests::pair::{Mode, Pair, Twins};
use wasmcc_tests::{MapBackend, Program, State, invocation};
use wasmcc_types::proto::protos::SignedProposal;
use xtask::languages::Language;
use xtask::node_components;

const CALLS: usize = 31;
/// The stack size of the peer's own workers.
const STACK_BYTES: usize = 16 << 20;
const IN_FLIGHT: usize = 16;

/// Returns the median time of a job.
fn median(calls: usize, mut job: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..calls)
        .map(|_| {
            let begin = Instant::now();
            job();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[calls / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn main() {
    invocations();
    endorsements();
    beside_node();
    second_contract();
}

/// A contract in one language with the data of its calls.
struct Guest {
    name: &'static str,
    component: Vec<u8>,
    accounts: [(&'static str, String); 2],
    range: [&'static str; 3],
}

fn guests() -> Vec<Guest> {
    let plain = ["a", "b"].map(|name| (name, "1000000000".to_owned()));
    let records =
        ["a", "b"].map(|name| (name, format!(r#"{{"owner":"{name}","balance":1000000000}}"#)));
    let range = ["range", "row", "rox"];
    let bare = |name, language| {
        let component = foreign(language);
        Guest { name, component, accounts: plain.clone(), range }
    };
    let on_shim = |name, component| Guest { name, component, accounts: records.clone(), range };
    vec![
        bare("c", Language::C),
        on_shim("go", component("tests/go-chaincode")),
        bare("quickjs", Language::QuickJs),
        on_shim("js", node_components::test_chaincode("probe.js").unwrap()),
        bare("python", Language::Python),
    ]
}

/// `Runtime::invoke` over a map, each time in a fresh instance.
fn invocations() {
    for guest in guests() {
        let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
        let component = runtime.load(&guest.component).unwrap();
        let mut state: BTreeMap<String, Vec<u8>> =
            (0..1000).map(|n| (format!("row{n:05}"), n.to_string().into_bytes())).collect();
        for (name, value) in &guest.accounts {
            state.insert((*name).to_owned(), value.clone().into_bytes());
        }
        let state: State = Arc::new(Mutex::new(state));
        for (call, args) in [
            ("noop", &["noop"][..]),
            ("transfer", &["transfer", "a", "b", "1"]),
            ("range", &guest.range),
        ] {
            let job = || invoke(&runtime, &component, args, &state);
            // Warms up the processor's caches and the pool's slots.
            (0..50).for_each(|_| job());
            let calls = if call == "range" { 101 } else { 501 };
            println!("language: {} {call}_us {:.1}", guest.name, us(median(calls, job)));
        }
    }
}

fn invoke(runtime: &Runtime, component: &Arc<Component>, args: &[&str], state: &State) {
    let invocation = invocation("guest", args);
    let outcome = runtime.invoke(component, invocation, Box::new(MapBackend(Arc::clone(state))));
    let response = outcome.unwrap().response;
    assert_eq!(response.status, 200, "{args:?}: {}", response.message);
}

/// The table of `docs/languages.md`: complete endorsements, build and compile times, the time from
/// compiled code to the first answer, and the initial memory.
fn endorsements() {
    println!(
        "| contract | bytes | build | compile | first call | endorse noop | transfer \
         | fuel: noop | transfer | memory |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let folder = tempfile::tempdir().unwrap();
    for language in Language::ALL {
        let component = foreign(language);
        let begin = Instant::now();
        language.make(&folder.path().join("anew.wasm")).unwrap();
        let build = begin.elapsed();
        let cache = folder.path().join(language.name());
        let compile = compile(&component, Some(cache.clone()));
        let (first_call, memory) = first_call(&component, cache);
        let guest = Foreign::deploy(language);
        guest.submit(&["put", "a", "100"]);
        guest.submit(&["put", "b", "5"]);
        let transfer = ["transfer", "a", "b", "1"];
        let noop_time = median(CALLS, || drop(guest.text(&["noop"])));
        let transfer_time = median(CALLS, || drop(guest.text(&transfer)));
        println!(
            "| {} | {} | {:.1} s | {:.1} s | {:.1} ms | {:.1} ms | {:.1} ms \
             | {} | {} | {:.1} MiB |",
            language.name(),
            component.len(),
            build.as_secs_f64(),
            compile.as_secs_f64(),
            ms(first_call),
            ms(noop_time),
            ms(transfer_time),
            guest.simulate(&["noop"]).fuel,
            guest.simulate(&transfer).fuel,
            memory as f64 / f64::from(1 << 20),
        );
    }
}

/// Returns the time to the first answer of a runtime that has never run the component, with its
/// compiled code in the folder; and the initial size of its memories.
fn first_call(component: &[u8], cache_dir: PathBuf) -> (Duration, u64) {
    let limits = Limits { instances: 1, ..Limits::default() };
    let config = RuntimeConfig { limits, cache_dir: Some(cache_dir), ..RuntimeConfig::default() };
    let runtime = Runtime::new(config).unwrap();
    let begin = Instant::now();
    let component = runtime.load(component).unwrap();
    invoke(&runtime, &component, &["noop"], &State::default());
    (begin.elapsed(), component.report().initial_memory_bytes)
}

/// Returns the compile time of a runtime that has not seen the component.
fn compile(component: &[u8], cache_dir: Option<PathBuf>) -> Duration {
    let limits = Limits { instances: 1, ..Limits::default() };
    let config = RuntimeConfig { limits, cache_dir, ..RuntimeConfig::default() };
    let runtime = Runtime::new(config).unwrap();
    let begin = Instant::now();
    runtime.load(component).unwrap();
    begin.elapsed()
}

/// The same chaincode on Fabric's npm runtime, as a service, and as a component: time and processor
/// time of an endorsed transfer with 16 calls in flight.
fn beside_node() {
    let component = node_components::test_chaincode("probe.js").unwrap();
    let pair =
        Pair::new(Mode::PeerConnects, Twins::new("probe", component, Program::NodeShim, &[]));
    for n in 0..2 * IN_FLIGHT {
        pair.submit(&format!("open a{n:02} 1000"));
    }
    let lane =
        |n: usize| pair.propose(&format!("transfer a{:02} a{:02} 1", 2 * n, 2 * n + 1)).signed;
    let lanes: Vec<SignedProposal> = (0..IN_FLIGHT).map(lane).collect();
    let node = pair.process();
    // Alternately, so that other load of the machine affects both.
    let mut ratios: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for round in 0..6 {
        let wasm = load(&pair.wasm, &lanes, None);
        let other = load(&pair.other, &lanes, node);
        if round > 0 {
            ratios[0].push(wasm.0 / other.0);
            ratios[1].push(wasm.1 / other.1);
        }
    }
    for (name, mut ratios) in ["js_to_node", "js_cpu_to_node"].into_iter().zip(ratios) {
        ratios.sort_by(f64::total_cmp);
        println!("beside: {name} {:.3}", ratios[ratios.len() / 2]);
    }
}

/// Returns the seconds that concurrent calls of all lanes take, and the processor seconds of this
/// process and of the chaincode's process.
fn load(peer: &Arc<Peer>, lanes: &[SignedProposal], chaincode: Option<u32>) -> (f64, f64) {
    const TIMES: usize = 60;
    let used = || cpu_s(std::process::id()) + chaincode.map_or(0.0, cpu_s);
    let (begin, before) = (Instant::now(), used());
    thread::scope(|scope| {
        for proposal in lanes {
            let job = move || {
                for _ in 0..TIMES {
                    // A peer has not cached a client's signature.
                    forget_signatures();
                    let response = peer.process(proposal.clone()).unwrap().response;
                    assert_eq!(response.response.unwrap().status, 200);
                }
            };
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, job).unwrap();
        }
    });
    (begin.elapsed().as_secs_f64(), used() - before)
}

/// Returns the processor time that a process and its threads have used.
fn cpu_s(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name before may contain blanks.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // The kernel reports hundredths of a second to every program.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// The compile time of a JavaScript contract after another one was compiled.
fn second_contract() {
    let [first, second] =
        ["probe.js", "records.js"].map(|main| node_components::test_chaincode(main).unwrap());
    let folder = tempfile::tempdir().unwrap();
    compile(&first, Some(folder.path().to_owned()));
    let time = compile(&second, Some(folder.path().to_owned()));
    println!("second: js_second_contract_compile_ms {:.0}", ms(time));
}
