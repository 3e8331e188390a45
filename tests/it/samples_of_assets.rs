//! `asset-transfer-basic` in every language: names, arguments, JSON and messages are those of
//! fabric-samples.

use serde_json::{Value, json};
use wasmcc_node::sandbox::{Call, Sandbox};

/// Calls every function of the chaincode `basic`.
pub(crate) fn answers_as_fabrics_samples_do(sandbox: &Sandbox) {
    let of = |name: &str, args: &[&str]| Call::new("basic", name).args(args.iter().copied());
    let text = |name: &str, args: &[&str]| sandbox.evaluate(of(name, args)).unwrap().text();
    let submit =
        |name: &str, args: &[&str]| sandbox.submit(of(name, args)).unwrap().endorsed.text();
    let refused = |name: &str, args: &[&str]| refusal(sandbox, name, args);
    assert_eq!(text("GetAllAssets", &[]), "[]");
    assert_eq!(submit("InitLedger", &[]), "");
    assert_eq!(submit("CreateAsset", &["asset7", "pink \"\u{e4}\"", "", "Ann\n", "-9"]), "");
    let read: Value = serde_json::from_str(&text("ReadAsset", &["asset7"])).unwrap();
    let seventh = json!({ "AppraisedValue": -9, "Color": "pink \"\u{e4}\"", "ID": "asset7",
        "Owner": "Ann\n", "Size": 0 });
    assert_eq!(read, seventh);
    assert_eq!(submit("TransferAsset", &["asset1", "Ann"]), "Tomoko");
    let written = sandbox.get_state("basic", "asset1").unwrap().unwrap();
    let first = r#"{"AppraisedValue":300,"Color":"blue","ID":"asset1","Owner":"Ann","Size":5}"#;
    assert_eq!(String::from_utf8(written).unwrap(), first);
    assert_eq!(submit("UpdateAsset", &["asset2", "grey", "1", "Bob", "2"]), "");
    assert_eq!(text("AssetExists", &["asset3"]), "true");
    assert_eq!(submit("DeleteAsset", &["asset3"]), "");
    assert_eq!(text("AssetExists", &["asset3"]), "false");
    let all: Vec<Value> = serde_json::from_str(&text("GetAllAssets", &[])).unwrap();
    let ids: Vec<_> = all.iter().map(|asset| asset["ID"].as_str().unwrap()).collect();
    assert_eq!(ids, ["asset1", "asset2", "asset4", "asset5", "asset6", "asset7"]);

    let missing = "the asset asset3 does not exist";
    let update = ["asset3", "grey", "1", "Bob", "2"];
    for (name, args) in [
        ("ReadAsset", &["asset3"][..]),
        ("DeleteAsset", &["asset3"]),
        ("TransferAsset", &["asset3", "Ann"]),
        ("UpdateAsset", &update),
    ] {
        assert_eq!(refused(name, args), missing);
    }
    let again = ["asset1", "grey", "1", "Bob", "2"];
    assert_eq!(refused("CreateAsset", &again), "the asset asset1 already exists");
}

/// Calls the chaincode `basic` with wrong arguments. The texts are those of Fabric's contract API
/// for Go.
pub(crate) fn refuses_arguments_as_go_does(sandbox: &Sandbox) {
    let refused = |name: &str, args: &[&str]| refusal(sandbox, name, args);
    let number = "error managing parameter param2. conversion error. cannot convert passed value x \
                  to int";
    assert_eq!(refused("CreateAsset", &["a", "grey", "x", "Bob", "2"]), number);
    let count = "incorrect number of params. Expected 5, received 1";
    assert_eq!(refused("CreateAsset", &["a"]), count);
    assert_eq!(refused("Nothing", &[]), "Function Nothing not found in contract AssetTransfer");
}

#[track_caller]
fn refusal(sandbox: &Sandbox, name: &str, args: &[&str]) -> String {
    let call = Call::new("basic", name).args(args.iter().copied());
    let response = sandbox.endorse(call).unwrap().response;
    assert_eq!((response.status, response.payload.len()), (500, 0), "{name} {args:?}");
    response.message
}
