//! Fabric's SDK from before the gateway, with discovery, with the peers and the orderer of one
//! process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wasmcc_tests::dev::Folder;
use wasmcc_tests::guest_path;
use wasmcc_tests::program::Site;

/// Returns the output of `tests/node-sdk/client.js`, which knows the address of Org1's peer and the
/// identities in a folder. It is the same in each network of two organizations.
fn application(address: &str, network: &Path) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node-sdk");
    xtask::npm::ensure(&folder).unwrap();
    let mut node = Command::new("node");
    node.arg("client.js").arg(address).arg(network).current_dir(folder);
    let output = node.stdin(Stdio::null()).output().expect("node is on the path");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(seen["peers"], json!(["peer0.org1.example.com", "peer0.org2.example.com"]));
    assert_eq!(seen["orderers"], json!(["orderer.example.com"]));
    assert_eq!(seen["msps"], json!(["OrdererMSP", "Org1MSP", "Org2MSP"]));
    // Both had to endorse.
    assert_eq!(seen["event"], json!({ "name": "greeting", "payload": "hello" }));
    assert_eq!(seen["value"], "v");
    let unknown = seen["unknown"].as_str().unwrap();
    assert!(unknown.contains("failed constructing descriptor for chaincodes:"), "{seen}");
    assert!(seen["refused"].as_str().unwrap().contains("no such asset"), "{seen}");
}

#[test]
fn an_application_that_knows_one_peer_discovers_the_rest() {
    let site = Site::of_two();
    let nodes = ["--org", "Org1MSP", "--listen", "Org2MSP=127.0.0.1:0"];
    let orderer = ["--orderer-listen", "127.0.0.1:0", "--in-memory", "--tls"];
    let peer = site.peer(&[&nodes[..], &orderer].concat());
    let path = guest_path("probe").to_str().unwrap();
    let both = "AND('Org1MSP.peer','Org2MSP.peer')";
    peer.run(&["deploy", path, "--name", "probe", "--policy", both, "--tls"]).ok();
    application(peer.address(), &site.path("net"));
    peer.terminate().ok();
}

#[test]
fn an_application_discovers_the_network_of_dev() {
    let folder = Folder::new();
    folder.put_guest("probe", "probe.wasm");
    let _dev = folder.dev(&["probe.wasm"]);
    let record = folder.record();
    let address = record["peers"]["Org1MSP"].as_str().unwrap();
    application(address, &folder.path("organizations"));
}
