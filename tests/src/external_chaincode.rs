//! Chaincodes on shims of other projects, each in its own process.
#![allow(clippy::panic, reason = "a test cannot go on without its chaincode")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use xtask::rust_chaincode::Profile;

/// The program to run. Each can connect to a peer or wait for peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `tests/node-chaincode/probe.js` on npm's `fabric-shim`.
    NodeShim,
    /// `tests/node-chaincode/records.js` on npm's `fabric-contract-api`.
    NodeContract,
    /// `tests/rust-chaincode` on the crate `fabric-shim`, built with this profile.
    RustShim(Profile),
}

/// A process that ends when this is dropped.
pub struct ExternalChaincode {
    child: Child,
    port: u16,
}

impl ExternalChaincode {
    /// Connects to the peer at `peer` as `ccid`, within a short time.
    pub fn connect(program: Program, ccid: &str, peer: SocketAddr) -> Self {
        let mut command = program.command();
        command.arg("--peer.address").arg(peer.to_string()).args(["--chaincode-id-name", ccid]);
        let child = command.stderr(Stdio::null()).spawn().expect("the program runs here");
        Self { child, port: 0 }
    }

    /// Waits for peers as `ccid` at `port`, which may be 0, and is ready when this returns.
    ///
    /// # Panics
    /// Panics if it ends before it is ready.
    pub fn serve(program: Program, ccid: &str, port: u16) -> Self {
        let mut command = program.command();
        command.env("CHAINCODE_SERVER_ADDRESS", format!("127.0.0.1:{port}"));
        command.env("CHAINCODE_ID", ccid);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program runs here");
        let said = child.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(said).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("listening on ").and_then(|port| port.trim().parse().ok())
        });
        // Reads the remaining output: otherwise the process would block on a full pipe.
        thread::spawn(move || lines.for_each(drop));
        let this = Self { child, port: port.unwrap_or_default() };
        assert!(port.is_some(), "{ccid} did not come to listen");
        this
    }

    /// Returns the address at which it waits for peers.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the port of [`ExternalChaincode::address`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; returns its exit code, if it has one.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().ok()?.code()
    }
}

impl Drop for ExternalChaincode {
    fn drop(&mut self) {
        // The process may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn command(self) -> Command {
        let mut command = match self {
            Self::NodeShim => node("probe.js"),
            Self::NodeContract => node("records.js"),
            Self::RustShim(profile) => Command::new(rust(profile)),
        };
        command.stdin(Stdio::null()).stdout(Stdio::null());
        for name in ["CHAINCODE_SERVER_ADDRESS", "CHAINCODE_ID", "CORE_PEER_TLS_ENABLED"] {
            command.env_remove(name);
        }
        command
    }
}

fn node(script: &str) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node-chaincode");
    if let Err(error) = xtask::npm::ensure(&folder) {
        panic!("{error:#}");
    }
    let mut node = Command::new("node");
    node.arg(script).current_dir(folder);
    node
}

fn rust(profile: Profile) -> PathBuf {
    static BUILT: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    let build = || match xtask::rust_chaincode::build(profile) {
        Ok(program) => program,
        Err(error) => panic!("{error:#}"),
    };
    BUILT[usize::from(profile == Profile::Release)].get_or_init(build).clone()
}
