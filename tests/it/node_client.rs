//! Fabric's own client library for Node with a peer of this project.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wasmcc_tests::guest_path;
use wasmcc_tests::program::Site;

const COLLECTIONS: &str =
    r#"[{"name":"closed","policy":"OR('Org1MSP.member')","memberOnlyRead":true}]"#;

/// Returns the output of `tests/node-client/client.js`.
fn client(address: &str, network: PathBuf) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node-client");
    xtask::npm::ensure(&folder).unwrap();
    let mut node = Command::new("node");
    let node = node.arg("client.js").arg(address).arg(network).current_dir(folder);
    let output = node.stdin(Stdio::null()).output().expect("node is on the path");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_gateway_library_submits_waits_and_listens() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    std::fs::write(site.path("collections.json"), COLLECTIONS).unwrap();
    let path = guest_path("probe").to_str().unwrap();
    let collections = ["--collections-config", "collections.json"];
    peer.run(&[&["deploy", path, "--name", "probe"][..], &collections].concat()).ok();
    let seen = client(peer.address(), site.path("net"));
    // Block 0 is the configuration, block 1 the deployment.
    let number = 2;
    let status = json!({ "code": 0, "successful": true, "block": number, "sameId": true });
    assert_eq!(seen["status"], status);
    let event = json!({ "name": "greeting", "payload": "hello", "block": number, "sameId": true });
    assert_eq!(seen["event"], event);
    assert_eq!(seen["block"], json!({ "number": number, "entries": 1 }));
    let filtered = json!({
        "number": number, "sameId": true, "code": 0, "event": "greeting", "payloadBytes": 0,
    });
    assert_eq!(seen["filtered"], filtered);
    assert_eq!(seen["whole"], json!({ "number": number, "privateData": 0 }));
    assert_eq!(seen["replayed"], json!(["greeting"]));
    assert_eq!(seen["numbers"], json!([0, 1, 2]));
    assert_eq!(seen["value"], "value");
    let secret = json!({ "namespace": "probe", "collection": "closed", "hasValue": true });
    assert_eq!(seen["secret"], secret);

    let failed = &seen["evaluateFailed"];
    assert_eq!((&failed["name"], &failed["code"]), (&json!("GatewayError"), &json!(2)), "{failed}");
    // Node decodes fewer escapes than tonic would write.
    assert!(failed["message"].as_str().unwrap().ends_with("what? #1 {a} 100% ü"), "{failed}");
    let failed = &seen["endorseFailed"];
    assert_eq!(
        (&failed["name"], &failed["code"]),
        (&json!("EndorseError"), &json!(10)),
        "{failed}"
    );
    let detail = failed["details"][0]["message"].as_str().unwrap();
    assert!(detail.starts_with("chaincode response 500"), "{failed}");
    let port = peer.address().rsplit_once(':').unwrap().1;
    assert_eq!(failed["details"][0]["address"], format!("peer0.org1.example.com:{port}"));

    let failed = &seen["unknownEvaluated"];
    let text = "no peers available to evaluate chaincode nonexistent in channel mychannel";
    assert_eq!(failed["code"], 9, "{failed}");
    assert!(failed["message"].as_str().unwrap().ends_with(text), "{failed}");
    let failed = &seen["unknownSubmitted"];
    assert_eq!((&failed["name"], &failed["code"]), (&json!("EndorseError"), &json!(9)), "{failed}");
    let text = "no combination of peers can be derived which satisfy the endorsement policy: No \
                metadata was found for chaincode nonexistent in channel mychannel";
    assert!(failed["message"].as_str().unwrap().ends_with(text), "{failed}");

    // A reason of 70,000 bytes does not fit into the headers that this client accepts.
    for (call, code) in [("longEvaluated", 2), ("longSubmitted", 10)] {
        let failed = &seen[call];
        assert_eq!(failed["code"], code, "{failed}");
        let detail = failed["details"][0]["message"].as_str().unwrap();
        assert!(detail.starts_with("chaincode response 500, no such asset \u{e9}; "), "{detail}");
        assert!(detail.len() > 1_000 && detail.ends_with(" more bytes)"), "{detail}");
    }
    assert_eq!(seen["afterwards"], "value");
    // Fabric's peers deny access to unknown channels.
    assert_eq!(seen["noChannel"]["code"], 7, "{seen}");
    assert!(!seen["noBlocks"].is_null(), "{seen}");
}
