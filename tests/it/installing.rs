//! Installs during other calls: a compiling install blocks no other call, and an abandoned install
//! is not compiled.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use prost::Message;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Code, Status};
use wasmcc_api::ServerConfig;
use wasmcc_client::{ProposalBuilder, lifecycle, lscc};
use wasmcc_msp::NetworkSpec;
use wasmcc_node::Peer;
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_peer::chaincode::pack_lifecycle_package;
use wasmcc_runtime::{ChildCompiler, Compiler, Limits, Runtime, RuntimeConfig};
use wasmcc_tests::program::program;
use wasmcc_tests::{Peers, Served, create_channel, deploy, user};
use wasmcc_types::proto::lifecycle::QueryInstalledChaincodesResult;
use wasmcc_types::proto::protos;
use wasmcc_workers::Workers;

const NESTED_STRINGS: &[u8] = include_bytes!("../components/nested_strings.wasm");
/// Time limit for a compiler.
const PATIENCE: Duration = Duration::from_secs(120);

/// Creates a named pipe, and a compiler that begins when the pipe is opened and closed.
const MAKE: &str = r#"mkfifo "$1" && printf > "$0" '#!/bin/sh\nread _ < "%s"\nexec "%s" "$@"\n' \
    "$1" "$2" && chmod +x "$0""#;

type Call = JoinHandle<Result<protos::ProposalResponse, Status>>;

/// Compilers wait here until a test releases them.
struct Gate {
    folder: TempDir,
}

impl Gate {
    /// Returns an open gate.
    fn new() -> Self {
        let gate = Self { folder: tempfile::tempdir().unwrap() };
        symlink(program(), gate.compiler()).unwrap();
        let mut make = Command::new("sh");
        make.args(["-c", MAKE]).args([gate.path("waits"), gate.path("gate")]).arg(program());
        assert!(make.status().unwrap().success());
        gate
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn compiler(&self) -> PathBuf {
        self.path("wasmcc")
    }

    /// Compilers wait from now on.
    fn close(&self) {
        self.start(&self.path("waits"));
    }

    /// Compilers do not wait from now on.
    fn open(&self) {
        self.start(program());
    }

    fn start(&self, program: &Path) {
        fs::remove_file(self.compiler()).unwrap();
        symlink(program, self.compiler()).unwrap();
    }

    /// Returns when a compiler waits. It begins when the returned file is dropped.
    fn arrived(&self) -> File {
        let (sender, arrived) = mpsc::channel();
        let path = self.path("gate");
        // Opening a pipe blocks until its other end is opened.
        thread::spawn(move || sender.send(OpenOptions::new().write(true).open(path)));
        arrived.recv_timeout(PATIENCE).expect("a compiler begins").unwrap()
    }
}

/// Returns when the compiler behind the gate has ended.
fn until_ended(mut gate: File) {
    while gate.write_all(b"x").is_ok() {
        thread::yield_now();
    }
}

/// A served peer with the chaincode `probe`, two workers and one compiler.
struct Site {
    served: Served,
    peer: Arc<Peer>,
    gate: Gate,
}

impl Site {
    fn new() -> Self {
        let gate = Gate::new();
        let compiler = ChildCompiler { at_once: 1, ..ChildCompiler::new(gate.compiler()) };
        let limits = Limits { instances: 8, ..Limits::default() };
        let compiler = Compiler::Child(compiler);
        let runtime = Runtime::new(RuntimeConfig { limits, compiler, ..Default::default() });
        let runtime = Arc::new(runtime.unwrap());
        let network = Peers::new(&NetworkSpec::default());
        let peer = network.peer(|config| config.runtime = Some(runtime));
        create_channel(&peer, CHANNEL);
        deploy(&peer, CHANNEL, "probe", "probe");
        let (config, workers) = (ServerConfig::default(), Workers::new(2, 8).unwrap());
        let served = Served::with_workers(Arc::clone(&peer), config, workers);
        gate.close();
        Self { served, peer, gate }
    }

    /// Sends a proposal of an admin.
    fn send(&self, proposal: ProposalBuilder) -> Call {
        let admin = self.peer.network().org("Org1MSP").unwrap().admin().unwrap();
        self.served.propose(proposal.sign(&admin).signed)
    }

    /// Returns the result of a call.
    fn end(&self, call: Call) -> Result<protos::Response, Status> {
        self.served.wait(call).unwrap().map(|response| response.response.unwrap())
    }

    /// Waits until this many calls are in progress.
    fn in_progress(&self, calls: usize) {
        while self.peer.support().calls().taken() != calls {
            thread::yield_now();
        }
    }

    fn is_fine(&self) {
        let call = ProposalBuilder::new(CHANNEL, "probe").args(["noop"]).sign(&user(&self.peer));
        let answer = self.end(self.served.propose(call.signed)).unwrap();
        assert_eq!((answer.status, answer.message.as_str()), (200, ""));
    }

    /// Returns the labels of the packages that `_lifecycle` has installed.
    fn labels(&self) -> Vec<String> {
        let answer = self.end(self.send(lifecycle::query_all_installed())).unwrap();
        let list = QueryInstalledChaincodesResult::decode(answer.payload.as_slice()).unwrap();
        list.installed_chaincodes.into_iter().map(|found| found.label).collect()
    }
}

/// Returns a component that is unique for a letter.
fn component(letter: char) -> Vec<u8> {
    [NESTED_STRINGS, &[0, 2, 1, letter as u8]].concat()
}

fn install_by_lscc(letter: char) -> ProposalBuilder {
    lscc::install(&letter.to_string(), "1.0", component(letter))
}

fn install_by_lifecycle(letter: char) -> ProposalBuilder {
    let files = [("chaincode.wasm".to_owned(), component(letter))];
    let package = pack_lifecycle_package("wasm", &letter.to_string(), &files.to_vec()).unwrap();
    lifecycle::install(package)
}

#[test]
fn others_are_answered_while_as_many_installs_as_workers_compile_or_wait() {
    let site = Site::new();
    let first = site.send(install_by_lifecycle('a'));
    let gate = site.gate.arrived();
    let others = [install_by_lscc('b'), install_by_lifecycle('c'), install_by_lscc('d')];
    let others = others.map(|install| site.send(install));
    site.in_progress(4);
    for _ in 0..10 {
        site.is_fine();
    }
    assert_eq!(site.labels(), Vec::<String>::new());
    assert!(!first.is_finished() && others.iter().all(|install| !install.is_finished()));
    site.gate.open();
    drop(gate);
    for install in [first].into_iter().chain(others) {
        let answer = site.end(install).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.message);
    }
    assert_eq!(site.labels(), ["a", "c"]);
}

#[test]
fn an_install_whose_client_leaves_is_not_compiled() {
    let site = Site::new();
    let first = site.send(install_by_lscc('a'));
    let gate = site.gate.arrived();
    let second = site.send(install_by_lifecycle('b'));
    site.in_progress(2);
    second.abort();
    site.in_progress(1);
    first.abort();
    until_ended(gate);
    site.in_progress(0);
    // The resources of both are free again, and the same can be installed.
    site.gate.open();
    for install in [install_by_lscc('a'), install_by_lifecycle('b')] {
        let answer = site.end(site.send(install)).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.message);
    }
}

#[test]
fn a_package_that_would_take_the_room_of_all_that_wait_is_refused() {
    let site = Site::new();
    let first = site.send(install_by_lscc('a'));
    let gate = site.gate.arrived();
    let large = lscc::install("b", "1.0", vec![0; 33 << 20]);
    let refused = site.end(site.send(large)).unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    let text = "the peer is busy: the client has 0 MiB of packages that wait to be installed, and \
                may have 32 of them, 34 more wanted; try again later";
    assert_eq!(refused.message(), text);
    drop(gate);
    assert_eq!(site.end(first).unwrap().status, 200);
}
