//! The sample `asset-transfer-events` with an application on Fabric's gateway library for Node.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wasmcc_tests::dev::Folder;

/// Returns the output of `tests/node-client/events.js`.
fn application(folder: &Folder) -> Value {
    let client = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node-client");
    xtask::npm::ensure(&client).unwrap();
    let record = folder.record();
    let mut node = Command::new("node");
    node.arg("events.js").arg(record["peers"]["Org1MSP"].as_str().unwrap());
    node.arg(folder.path("organizations")).arg("events").current_dir(client);
    let output = node.stdin(Stdio::null()).output().expect("node is on the path");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_application_hears_and_replays_what_it_does_with_an_asset() {
    let folder = Folder::new();
    folder.put_guest("asset-transfer-events", "events.wasm");
    let _dev = folder.dev(&["events.wasm"]);
    let seen = application(&folder);
    assert_eq!((&seen["created"], &seen["oldOwner"]), (&json!(true), &json!("Sam")));
    let expected = json!([
        { "name": "CreateAsset", "owner": "Sam", "value": 100 },
        { "name": "UpdateAsset", "owner": "Sam", "value": 200 },
        { "name": "TransferAsset", "owner": "Mary", "value": 200 },
        { "name": "DeleteAsset", "owner": "Mary", "value": 200 },
    ]);
    assert_eq!(seen["heard"], expected);
    assert_eq!(seen["replayed"], expected);
    let refused = seen["refused"].as_str().unwrap();
    assert!(refused.ends_with("the asset asset1 does not exist"), "{refused}");
}
