//! Chaincodes in other processes start and fail; the peer continues.

use std::time::Duration;

use wasmcc_client::lscc::{self, Definition};
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox, SandboxError};
use wasmcc_tests::{ExternalChaincode, Program, Served, call, guest, trusting};

const CONNECTS: &[u8] = br#"{"external": true}"#;

fn sandbox() -> Sandbox {
    Sandbox::builder().external(trusting()).build().unwrap()
}

fn definition(name: &str) -> Definition {
    Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1.0".into(),
        ..Definition::default()
    }
}

fn served(sandbox: &Sandbox) -> Served {
    Served::start(std::sync::Arc::clone(sandbox.peer()))
}

/// Connects the chaincode `node` to the sandbox.
fn connected(sandbox: &Sandbox) -> (Served, ExternalChaincode) {
    let served = served(sandbox);
    sandbox.install(&definition("node"), CONNECTS).unwrap();
    let chaincode = ExternalChaincode::connect(Program::NodeShim, "node:1.0", served.address());
    sandbox.instantiate(lscc::deploy(definition("node"))).unwrap();
    (served, chaincode)
}

fn endorse(sandbox: &Sandbox, line: &str) -> Endorsed {
    sandbox.endorse(call("node", line)).unwrap()
}

#[track_caller]
fn message(endorsed: &Endorsed) -> &str {
    assert_eq!(endorsed.response.status, 500);
    assert!(endorsed.rwset.is_none() && endorsed.proposal_response.endorsement.is_none());
    &endorsed.response.message
}

#[test]
fn chaincodes_on_node_and_components_call_each_other() {
    let sandbox = sandbox();
    sandbox.deploy("wasm", &guest("probe")).unwrap();
    let (_served, _chaincode) = connected(&sandbox);
    sandbox.submit(call("node", "then put k mine ; cc2cc wasm put k its")).unwrap();
    assert_eq!(endorse(&sandbox, "get k").text(), "mine");
    assert_eq!(endorse(&sandbox, "cc2cc wasm get k").text(), "its");
    let around = endorse(&sandbox, "cc2cc wasm cc2cc node get k");
    let text = &around.response.message;
    assert!(text.contains(&format!("txid: {}({CHANNEL}) exists", around.tx_id)), "{text}");

    let back = sandbox.endorse(call("wasm", "then cc2cc node rmw k x ; rmw k y")).unwrap();
    let namespaces = &back.rwset.as_ref().unwrap().namespaces;
    assert_eq!(namespaces["node"].writes[0].value, b"minex");
    assert_eq!(namespaces["wasm"].writes[0].value, b"itsy");
    let refused = sandbox.endorse(call("wasm", "cc2cc node status 500 no")).unwrap();
    assert_eq!(refused.response.message, "no");
}

#[test]
fn a_crash_ends_its_transaction_and_the_next_process_is_used() {
    let sandbox = sandbox();
    let (served, chaincode) = connected(&sandbox);
    let crashed = endorse(&sandbox, "crash k");
    let tx_id = &crashed.tx_id;
    let text = format!(
        "error in simulation: failed to execute transaction {tx_id}: error sending: chaincode \
         stream terminated"
    );
    assert_eq!(message(&crashed), text);
    assert_eq!(chaincode.wait(), Some(3));
    let _again = ExternalChaincode::connect(Program::NodeShim, "node:1.0", served.address());
    sandbox.submit(call("node", "put k v")).unwrap();
    assert_eq!(endorse(&sandbox, "get k").text(), "v");
}

#[test]
fn a_server_that_crashed_is_connected_to_again() {
    let sandbox = sandbox();
    let chaincode = ExternalChaincode::serve(Program::NodeShim, "node:1.0", 0);
    let port = chaincode.port();
    let description = format!(r#"{{"address": "{}"}}"#, chaincode.address());
    sandbox.deploy("node", description.as_bytes()).unwrap();
    let crashed = endorse(&sandbox, "crash k");
    assert!(message(&crashed).ends_with(": chaincode stream terminated"));
    assert_eq!(chaincode.wait(), Some(3));
    let refused = endorse(&sandbox, "get k");
    let begin = format!(
        "error in simulation: failed to execute transaction {}: could not launch chaincode \
         node:1.0: connection to node:1.0 failed: error cannot create connection for \
         node:1.0: error creating grpc connection to \
         127.0.0.1:{port}: ",
        refused.tx_id
    );
    assert!(message(&refused).starts_with(&begin), "{}", message(&refused));
    let _again = ExternalChaincode::serve(Program::NodeShim, "node:1.0", port);
    assert_eq!(endorse(&sandbox, "get init").response.status, 200);
}

#[test]
fn a_server_that_is_another_chaincode_is_refused_at_once() {
    let sandbox = sandbox();
    let other = ExternalChaincode::serve(Program::NodeShim, "other:1.0", 0);
    let description = format!(r#"{{"address": "{}"}}"#, other.address());
    let refused = sandbox.deploy("node", description.as_bytes()).unwrap_err();
    let text = refused.to_string();
    let expected = "could not launch chaincode node:1.0: chaincode registration failed: the \
                    chaincode is other:1.0, not node:1.0";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_chaincode_that_never_answers_times_out() {
    let timeout = Duration::from_millis(300);
    let sandbox = Sandbox::builder().execute_timeout(timeout).build().unwrap();
    let chaincode = ExternalChaincode::serve(Program::NodeShim, "node:1.0", 0);
    // The first call of a Node process is slow, so it is not measured.
    let description = format!(r#"{{"address": "{}"}}"#, chaincode.address());
    sandbox.install(&definition("node"), description.as_bytes()).unwrap();
    let deployed = || sandbox.instantiate(lscc::deploy(definition("node"))).is_ok();
    assert!((0..100).any(|_| deployed()));
    let hung = endorse(&sandbox, "hang");
    let text = message(&hung);
    assert!(text.ends_with(": timeout expired while executing transaction"), "{text}");
    assert_eq!(endorse(&sandbox, "get init").response.status, 200, "others go on");
}

#[test]
fn descriptions_that_cannot_be_used_are_refused_at_install() {
    let sandbox = sandbox();
    for (description, why) in [
        (r#"{"address": "127.0.0.1:1", "tls_required": true}"#, "tls root cert not provided"),
        (r#"{"address": "nowhere"}"#, "is not of the form host:port"),
        ("{", "is not usable"),
    ] {
        match sandbox.install(&definition("node"), description.as_bytes()) {
            Err(SandboxError::Refused(response)) => {
                assert!(response.message.contains(why), "{}", response.message);
            }
            other => panic!("{other:?}"),
        }
    }
}
