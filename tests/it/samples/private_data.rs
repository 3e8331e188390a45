//! The sample `asset-transfer-private-data`, with its collections, in the sequence of its
//! application.

use wasmcc_node::sandbox::Call;
use wasmcc_tests::guest;
use xtask::node_components;

use super::{ORG1, ORG2, call, json, refusal, submit, text, two_organizations};

const SAMPLE: &str = "asset-transfer-private-data";

fn private(org: &str, function: &str, args: &[&str]) -> Call {
    call("private", org, function, args)
}

/// Returns a call with transient data.
fn send(org: &str, function: &str, entry: &str, json: &str) -> Call {
    private(org, function, &[]).transient(entry, json)
}

fn properties(id: &str, color: &str, size: u32, value: u32) -> String {
    let asset = serde_json::json!({
        "objectType": "ValuableAsset",
        "assetID": id,
        "color": color,
        "size": size,
        "appraisedValue": value,
    });
    asset.to_string()
}

#[test]
fn an_asset_is_transferred_at_a_value_that_only_seller_and_buyer_know() {
    an_asset_is_transferred(&guest(SAMPLE));
}

#[test]
fn the_sample_in_typescript_does_the_same() {
    an_asset_is_transferred(&node_components::sample(SAMPLE).unwrap());
}

fn an_asset_is_transferred(component: &[u8]) {
    let sandbox = two_organizations();
    let folder = xtask::root().join("sample-chaincodes").join(SAMPLE);
    let collections = std::fs::read_to_string(folder.join("collections_config.json")).unwrap();
    sandbox.deploy_with_collections("private", component, &collections).unwrap();

    for (id, properties) in [
        ("asset1", properties("asset1", "green", 20, 100)),
        ("asset2", properties("asset2", "blue", 35, 727)),
    ] {
        let created = submit(&sandbox, send(ORG1, "CreateAsset", "asset_properties", &properties));
        let rwset = created.rwset.unwrap();
        let own = &rwset.namespaces["private"];
        assert!(own.writes.is_empty(), "{id}: nothing public is written");
        assert_eq!(own.collections.len(), 2);
    }
    let range = private(ORG1, "GetAssetByRange", &["asset1", "asset3"]);
    assert_eq!(json(&sandbox, range).as_array().unwrap().len(), 2);
    let to_org2 = r#"{"assetID":"asset1","buyerMSP":"Org2MSP"}"#;
    let early = refusal(&sandbox, send(ORG1, "TransferAsset", "asset_owner", to_org2));
    assert!(early.ends_with("AgreeToTransfer must be called by the buyer first"), "{early}");

    let asset = json(&sandbox, private(ORG2, "ReadAsset", &["asset1"]));
    assert_eq!(asset["color"], "green");
    let value = r#"{"assetID":"asset1","appraisedValue":100}"#;
    submit(&sandbox, send(ORG2, "AgreeToTransfer", "asset_value", value));
    let agreement = json(&sandbox, private(ORG1, "ReadTransferAgreement", &["asset1"]));
    let buyer = agreement["buyerID"].as_str().unwrap();
    assert!(buyer.contains("CN=User1@org2.example.com"), "{buyer}");
    submit(&sandbox, send(ORG1, "TransferAsset", "asset_owner", to_org2));
    let asset = json(&sandbox, private(ORG1, "ReadAsset", &["asset1"]));
    assert_eq!(asset["owner"], buyer);

    // The value is deleted in the seller's collection and stays in the buyer's.
    let details = |org: &str, collection: &str| {
        private(org, "ReadAssetPrivateDetails", &[collection, "asset1"])
    };
    assert_eq!(text(&sandbox, details(ORG1, "Org1MSPPrivateCollection")), "");
    let bought = json(&sandbox, details(ORG2, "Org2MSPPrivateCollection"));
    assert_eq!(bought["appraisedValue"], 100);
    // The peer, not the contract, refuses others.
    let others = refusal(&sandbox, details(ORG1, "Org2MSPPrivateCollection"));
    assert!(others.starts_with("failed to read asset details: "), "{others}");
    assert!(others.contains("does not have read access permission"), "{others}");

    let second = r#"{"assetID":"asset2"}"#;
    let thief = refusal(&sandbox, send(ORG2, "DeleteAsset", "asset_delete", second));
    let expected = "asset not found in owner's private Collection Org2MSPPrivateCollection: asset2";
    assert_eq!(thief, expected);
    submit(&sandbox, send(ORG1, "DeleteAsset", "asset_delete", second));
    assert_eq!(text(&sandbox, private(ORG1, "ReadAsset", &["asset2"])), "");
    submit(&sandbox, send(ORG1, "PurgeAsset", "asset_purge", second));
    let query = r#"{"selector":{"objectType":"ValuableAsset"}}"#;
    let left = json(&sandbox, private(ORG2, "QueryAssets", &[query]));
    assert_eq!(left.as_array().unwrap().len(), 1);
    let owned = private(ORG2, "QueryAssetByOwner", &["ValuableAsset", buyer]);
    assert_eq!(json(&sandbox, owned), left);
}
