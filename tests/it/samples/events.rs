//! The sample `asset-transfer-events`: each change sets an event, in a block of its own.

use serde_json::Value;
use wasmcc_node::sandbox::{Call, Sandbox};

use super::{ORG1, call, refusal, submit, two_organizations};

fn events(function: &str, args: &[&str]) -> Call {
    call("events", ORG1, function, args)
}

/// The name and the asset of the event that a call sets.
fn event(sandbox: &Sandbox, function: &str, args: &[&str]) -> (String, Value) {
    let event = submit(sandbox, events(function, args)).event.unwrap();
    (event.name, serde_json::from_slice(&event.payload).unwrap())
}

#[test]
fn an_asset_that_is_created_updated_transferred_and_deleted_is_announced() {
    let sandbox = two_organizations("asset-transfer-events", "events", None);
    let (name, asset) = event(&sandbox, "CreateAsset", &["asset1", "blue", "10", "Sam", "100"]);
    assert_eq!((name.as_str(), &asset["Owner"]), ("CreateAsset", &"Sam".into()));
    let (name, asset) = event(&sandbox, "UpdateAsset", &["asset1", "blue", "10", "Sam", "200"]);
    assert_eq!((name.as_str(), &asset["AppraisedValue"]), ("UpdateAsset", &200.into()));
    let (name, asset) = event(&sandbox, "TransferAsset", &["asset1", "Mary"]);
    assert_eq!((name.as_str(), &asset["Owner"]), ("TransferAsset", &"Mary".into()));
    let (name, asset) = event(&sandbox, "DeleteAsset", &["asset1"]);
    assert_eq!((name.as_str(), &asset["Owner"]), ("DeleteAsset", &"Mary".into()));
    let gone = refusal(&sandbox, events("ReadAsset", &["asset1"]));
    assert_eq!(gone, "the asset asset1 does not exist");
}
