//! Starts of a deployed chaincode: after a restart, by concurrent calls, and failing ones.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lscc::{self, Definition};
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_runtime::{Limits, Runtime, RuntimeConfig};
use wasmcc_tests::{
    Peers, create_channel, deploy_code, evaluate, guest, install_code, process, submit,
};
use wasmcc_types::proto::protos::{self, TxValidationCode};

/// A peer's folder in which probe is deployed and the key `k` is written. No peer is running.
struct Stopped {
    network: Peers,
    data: TempDir,
    user: SigningIdentity,
}

impl Stopped {
    fn new() -> Self {
        let network = Peers::new(&NetworkSpec::default());
        let members = network.network();
        let org = members.org("Org1MSP").unwrap();
        let (admin, user) = (org.admin().unwrap(), org.user("User1").unwrap());
        let data = tempfile::tempdir().unwrap();
        let peer = network.peer(|config| config.data = Some(data.path().to_owned()));
        peer.create_channel(CHANNEL).unwrap();
        let install = lscc::install("probe", "1.0", guest("probe")).sign(&admin);
        process(&peer, install.signed).unwrap();
        let definition = Definition {
            channel_id: CHANNEL.into(),
            name: "probe".into(),
            version: "1.0".into(),
            ..Definition::default()
        };
        let deployed = submit(&peer, CHANNEL, lscc::deploy(definition), &admin);
        assert_eq!(deployed, Ok(TxValidationCode::Valid));
        let put = ProposalBuilder::new(CHANNEL, "probe").args(["put", "k", "kept"]);
        assert_eq!(submit(&peer, CHANNEL, put, &user), Ok(TxValidationCode::Valid));
        Self { network, data, user }
    }

    fn path(&self) -> &Path {
        self.data.path()
    }

    /// Opens a peer in this folder that has not compiled anything yet.
    fn open(&self, limits: Limits, adjust: impl FnOnce(&mut PeerConfig)) -> Arc<Peer> {
        let limits = Limits { instances: 32, ..limits };
        let runtime = Runtime::new(RuntimeConfig { limits, ..Default::default() }).unwrap();
        self.network.peer(|config| {
            config.data = Some(self.path().to_owned());
            config.runtime = Some(Arc::new(runtime));
            adjust(config);
        })
    }

    /// Returns the answer with the transaction's id masked.
    fn get(&self, peer: &Peer) -> protos::Response {
        let proposal = ProposalBuilder::new(CHANNEL, "probe").args(["get", "k"]).sign(&self.user);
        let mut response = process(peer, proposal.signed).unwrap().response.response.unwrap();
        response.message = response.message.replace(proposal.tx_id.as_str(), "TX");
        response
    }
}

const FAILED: &str =
    "error in simulation: failed to execute transaction TX: could not launch chaincode probe:1.0: ";

#[test]
fn all_who_come_while_a_chaincode_starts_wait_for_it() {
    let stopped = Stopped::new();
    let peer = stopped.open(Limits::default(), |_| {});
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(stopped.get(&peer).payload, b"kept"));
        }
    });
}

#[test]
fn a_chaincode_that_the_peer_may_no_longer_run_says_why() {
    let stopped = Stopped::new();
    let size = guest("probe").len();
    let peer = stopped.open(Limits { component_bytes: 1000, ..Limits::default() }, |_| {});
    for _ in 0..2 {
        let response = stopped.get(&peer);
        let text = format!(
            "{FAILED}error building chaincode: the component of chaincode probe:1.0 is refused: \
             the file has {size} bytes, the limit is 1000: leave out packages that it does not \
             need, and in Rust debug information (release mode, `strip = true`), or raise the \
             limit with --component-mib, the same on all peers"
        );
        assert_eq!((response.status, response.message), (500, text));
    }
    drop(peer);
    let peer = stopped.open(Limits::default(), |_| {});
    assert_eq!(stopped.get(&peer).payload, b"kept");
}

#[test]
fn who_waits_too_long_is_told_and_the_chaincode_starts_nevertheless() {
    let stopped = Stopped::new();
    let peer = stopped.open(Limits::default(), |config| {
        config.support.startup_timeout = Duration::ZERO;
    });
    let late =
        format!("{FAILED}timeout expired while starting chaincode probe:1.0 for transaction");
    let first = stopped.get(&peer);
    assert_eq!((first.status, first.message.as_str()), (500, late.as_str()));
    loop {
        let response = stopped.get(&peer);
        if response.status == 200 {
            assert_eq!(response.payload, b"kept");
            break;
        }
        assert_eq!(response.message, late);
        thread::yield_now();
    }
}

#[test]
fn a_version_that_no_channel_runs_any_more_is_let_go_of() {
    let network = Peers::new(&NetworkSpec::default());
    let peer = network.peer(|_| {});
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    for version in ["1.0", "2.0"] {
        install_code(&peer, "probe", version, &guest("probe"));
    }
    let get = |channel: &str| evaluate(&peer, channel, "probe", &["get", "init"]).status;
    let launched = || ["probe:1.0", "probe:2.0"].map(|id| peer.support().is_launched(id));
    for channel in ["a", "b"] {
        create_channel(&peer, channel);
        deploy_code(&peer, channel, "probe", "1.0");
    }
    let upgrade = |channel: &str| {
        let definition = Definition {
            channel_id: channel.into(),
            name: "probe".into(),
            version: "2.0".into(),
            ..Definition::default()
        };
        let upgraded = submit(&peer, channel, lscc::upgrade(definition), &admin);
        assert_eq!(upgraded, Ok(TxValidationCode::Valid));
    };
    upgrade("a");
    assert_eq!(launched(), [true, true], "channel b still runs it");
    upgrade("b");
    assert_eq!(launched(), [false, true]);
    assert_eq!((get("a"), get("b")), (200, 200));
}
