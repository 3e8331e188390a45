//! The processor time of a chaincode service per transaction: `wasmcc serve` with a component, and
//! the same logic compiled natively on the crate `fabric-shim`, behind the same peer.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::runtime::Runtime;
use wasmcc_tests::load_peer::{Load, LoadPeer};
use wasmcc_tests::measure::{cpu_us, median};
use wasmcc_tests::{ExternalChaincode, Program, guest_path};
use xtask::rust_chaincode::Profile;

const IN_FLIGHT: usize = 16;
/// Takes about a second; the kernel reports hundredths.
const CALLS: usize = 20_000;
const WARM_UP: usize = 4_000;
const ROUNDS: usize = 5;

/// `wasmcc serve`, until it is dropped.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start() -> Self {
        let program = env::var_os("WASMCC_PROGRAM").expect("`cargo xtask bench` says where it is");
        let mut command = Command::new(program);
        command.arg("serve").arg(guest_path("transfer"));
        command.args(["--chaincode-id", "cc:1", "--address", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("serving cc:1 on ").unwrap().to_owned();
        Self { child, address }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The process may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let tokio = Runtime::new().unwrap();
    let serving = Serving::start();
    let rust = ExternalChaincode::serve(Program::RustShim(Profile::Release), "cc:1", 0);
    let account = |name: String| {
        let record = format!(r#"{{"owner":"{name}","balance":1000000000}}"#);
        (name, record.into_bytes())
    };
    let state: HashMap<_, _> = (0..2 * IN_FLIGHT).map(|n| account(format!("a{n:02}"))).collect();
    let mut sides =
        [("wasmcc", serving.child.id(), &serving.address), ("rust", rust.id(), &rust.address())]
            .map(|(name, process, address)| {
                (name, process, tokio.block_on(LoadPeer::dial(address, state.clone())))
            });
    let transfer = |lane: usize| {
        let (from, to) = (format!("a{:02}", 2 * lane), format!("a{:02}", 2 * lane + 1));
        vec!["transfer".into(), from, to, "1".into()]
    };
    let loads = [
        ("noop", Load::new(IN_FLIGHT, |_| vec!["noop".into()])),
        ("transfer", Load::new(IN_FLIGHT, transfer)),
    ];
    for (call, load) in &loads {
        let mut used = [Vec::new(), Vec::new()];
        for round in 0..=ROUNDS {
            for (used, (_, process, peer)) in used.iter_mut().zip(&mut sides) {
                let calls = if round == 0 { WARM_UP } else { CALLS };
                let before = cpu_us(*process);
                tokio.block_on(peer.run(load, calls));
                if round > 0 {
                    used.push((cpu_us(*process) - before) / calls as f64);
                }
            }
        }
        for ((name, ..), used) in sides.iter().zip(used) {
            println!("cpu: {name} {call} {:.1} us", median(used));
        }
    }
}
