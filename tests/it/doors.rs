//! Admission: chaincodes that prove their identity, and connections within the system's limits.

use std::net::{TcpListener, TcpStream};

use wasmcc_client::lscc::Definition;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::program::{NETWORK, Site};
use wasmcc_tests::{ExternalChaincode, Program, Scripted, guest_path, trusting};
use wasmcc_types::{StreamOrigin, hex, sha256};

const SECRET: &str = "0123456789abcdef0123";

fn install(sandbox: &Sandbox, name: &str, description: &str) {
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1.0".into(),
        ..Definition::default()
    };
    sandbox.install(&definition, description.as_bytes()).unwrap();
}

fn local() -> StreamOrigin {
    StreamOrigin { common_name: None, is_local: true }
}

fn named(name: &str) -> StreamOrigin {
    StreamOrigin { common_name: Some(name.into()), is_local: false }
}

#[test]
fn a_chaincode_proves_who_it_is() {
    let sandbox = Sandbox::new().unwrap();
    let hash = hex(&sha256(SECRET.as_bytes()));
    install(&sandbox, "cc", &format!(r#"{{"external": true, "secret_sha256": "{hash}"}}"#));
    install(&sandbox, "bare", r#"{"external": true}"#);
    let refusal = |said: &str, origin| {
        // One message, the refusal; no other message ever arrives.
        let text = Scripted::register_from(&sandbox, said, origin).refusal();
        assert!(!text.contains(SECRET), "{text}");
        text
    };
    let unproven = |ccid: &str| {
        format!(
            "nothing proves that this is chaincode {ccid}: let it register as {ccid}@SECRET, with \
             the secret that it was deployed with, or connect with a TLS client certificate of \
             the common name {ccid}"
        )
    };
    for origin in [local(), StreamOrigin::default(), named("other:1.0"), named("cc")] {
        assert_eq!(refusal("cc:1.0", origin), unproven("cc:1.0"));
    }
    for (wrong, origin) in [("", local()), ("0123456789abcdef", named("bare:1.0"))] {
        let text = refusal(&format!("cc:1.0@{wrong}"), origin);
        assert_eq!(text, "the secret of chaincode cc:1.0 is wrong");
    }
    // A package without a hash has no secret.
    assert_eq!(refusal(&format!("bare:1.0@{SECRET}"), local()), unproven("bare:1.0"));

    let accepted = |said: &str, origin| {
        let mut chaincode = Scripted::register_from(&sandbox, said, origin);
        let registered = chaincode.hear();
        assert_eq!(
            registered.r#type(),
            wasmcc_types::proto::protos::chaincode_message::Type::Registered
        );
    };
    accepted(&format!("cc:1.0@{SECRET}"), StreamOrigin::default());
    accepted("cc:1.0", named("cc:1.0"));
    accepted("bare:1.0", named("bare:1.0"));
}

#[test]
fn only_chaincodes_of_this_machine_are_believed_where_that_is_wanted() {
    let sandbox = Sandbox::builder().external(trusting()).build().unwrap();
    install(&sandbox, "cc", r#"{"external": true}"#);
    let refused = Scripted::register_from(&sandbox, "cc:1.0", StreamOrigin::default()).refusal();
    assert!(refused.starts_with("nothing proves that this is chaincode cc:1.0"), "{refused}");
    Scripted::ready(&sandbox, "cc:1.0");
}

#[test]
fn a_chaincode_on_node_registers_with_the_secret_that_deploy_printed() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory", "--chaincode-wait", "1s"]);
    let address = peer.address().parse().unwrap();
    let deploy = ["deploy", "--external", "--name", "node", "--version", "1.0"];
    let printed = peer.run(&deploy).out;
    let said = printed.strip_prefix("let it register as ").and_then(|text| text.split(' ').next());
    let (ccid, secret) = said.unwrap().split_once('@').unwrap();
    assert_eq!((ccid, secret.len()), ("node:1.0", 40));

    let anonymous = ExternalChaincode::connect(Program::NodeShim, ccid, address);
    // Fabric's shim ends when it is refused.
    anonymous.wait();
    let _chaincode = ExternalChaincode::connect(Program::NodeShim, said.unwrap(), address);
    let again = [&deploy[..], &["--secret", secret]].concat();
    // It starts slowly.
    let deployed = (0..100).any(|_| peer.run(&again).code == Some(0));
    assert!(deployed);
    peer.run(&["invoke", "-n", "node", "-c", r#"{"Args":["put","k","v"]}"#]).ok();
    let other = peer.run(&[&again[..4], &["other", "--secret", "short"]].concat()).failed(2);
    assert!(other.contains("at least 16"), "{other}");
}

#[test]
fn a_busy_port_is_noticed_before_anything_is_written() {
    let site = Site::new();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let error = site.run(&["peer", "--listen", &address]).failed(1);
    assert!(error.contains(&format!("cannot listen on {address}")), "{error}");
    assert!(!site.path(NETWORK).join("data").exists());
    let component = guest_path("probe").to_str().unwrap();
    let serve = ["serve", component, "--chaincode-id", "probe:1", "--address", &address];
    let error = site.run(&[&serve[..], &["--cache", "compiled"]].concat()).failed(1);
    assert!(error.contains(&format!("cannot listen on {address}")), "{error}");
    assert!(!site.path("compiled").exists());
}

#[test]
fn a_peer_does_not_start_where_it_cannot_have_enough_files() {
    let site = Site::new();
    let peer = ["peer", "--listen", "127.0.0.1:0"];
    let error = site.run_with_open_files(100, &peer).failed(1);
    assert!(error.contains("this process may have 100 files open"), "{error}");
    assert!(!site.path(NETWORK).join("data").exists());
}

#[test]
fn idle_connections_take_no_files_from_the_ledger_and_no_place_from_clients() {
    let site = Site::new();
    let peer = site.peer_with_open_files(310, &["--connections", "5000"]);
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.extend((0..400).map(|_| TcpStream::connect(peer.address()).unwrap()));
        peer.run(&["channels", "--timeout", "30s"]).ok();
    }
    peer.deploy("probe");
    peer.run(&["invoke", "-n", "probe", "-c", r#"{"Args":["put","k","v"]}"#]).ok();
    let ended = peer.terminate().ok();
    assert!(ended.err.contains("--connections is lowered"), "{}", ended.err);
    drop(idle);
}

#[test]
fn a_peer_ends_however_its_clients_and_chaincodes_behave() {
    let site = Site::new();
    let options = ["--chaincode-insecure", "--execute-timeout", "1h", "--grace", "100ms"];
    let peer = site.peer(&[&options[..], &["--chaincode-wait", "60s", "--tls"]].concat());
    // The handshake never finishes.
    let _silent: Vec<_> = (0..8).map(|_| TcpStream::connect(peer.address()).unwrap()).collect();
    // It waits for a chaincode that never connects.
    let deploy = ["deploy", "--external", "--name", "cc", "--tls", "--secret", SECRET];
    let mut waiting = peer.start(&deploy);
    waiting.wait_for_line("waiting for cc:1.0 to connect");
    peer.terminate();
}
