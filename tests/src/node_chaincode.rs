//! The chaincode `tests/node-chaincode/probe.js` as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

/// A process that ends with this value.
pub struct NodeChaincode {
    child: Child,
    port: u16,
}

impl NodeChaincode {
    /// Connects to the peer at `peer` as `ccid`, now or soon.
    pub fn connect(ccid: &str, peer: SocketAddr) -> Self {
        let mut node = command();
        node.arg("--peer.address").arg(peer.to_string()).args(["--chaincode-id-name", ccid]);
        let child = node.stderr(Stdio::null()).spawn().expect("node is on the path");
        Self { child, port: 0 }
    }

    /// Waits for peers as `ccid` at `port`, which may be 0, and is ready when this returns.
    ///
    /// # Panics
    /// If it ends before that.
    pub fn serve(ccid: &str, port: u16) -> Self {
        let mut node = command();
        node.env("CHAINCODE_SERVER_ADDRESS", format!("127.0.0.1:{port}")).env("CHAINCODE_ID", ccid);
        let mut child = node.stderr(Stdio::piped()).spawn().expect("node is on the path");
        let said = child.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(said).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("listening on ").and_then(|port| port.trim().parse().ok())
        });
        // It must not wait for somebody to read what else it says.
        thread::spawn(move || lines.for_each(drop));
        let this = Self { child, port: port.unwrap_or_default() };
        assert!(port.is_some(), "{ccid} did not come to listen");
        this
    }

    /// Where it waits for peers.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port of [`NodeChaincode::address`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for its end; gives its exit code, if it has one.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().ok()?.code()
    }
}

impl Drop for NodeChaincode {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(clippy::panic, reason = "a test cannot go on without its chaincode")]
fn command() -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node-chaincode");
    if let Err(error) = xtask::npm::ensure(&folder) {
        panic!("{error:#}");
    }
    let mut node = Command::new("node");
    node.arg("probe.js").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    for name in ["CHAINCODE_SERVER_ADDRESS", "CHAINCODE_ID", "CORE_PEER_TLS_ENABLED"] {
        node.env_remove(name);
    }
    node
}
