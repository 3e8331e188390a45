//! The sample `asset-transfer-ledger-queries`, with its index.

use serde_json::Value;
use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::guest;

use super::{json, refusal, submit, text};

fn ledger(function: &str, args: &[&str]) -> Call {
    Call::new("ledger", function).args(args.iter().copied())
}

fn ids(assets: &Value) -> Vec<&str> {
    assets.as_array().unwrap().iter().map(|asset| asset["ID"].as_str().unwrap()).collect()
}

#[test]
fn assets_are_found_by_ranges_parts_of_keys_rich_queries_pages_and_history() {
    let sandbox = Sandbox::new().unwrap();
    let folder = xtask::root().join("sample-chaincodes/asset-transfer-ledger-queries");
    let index = folder.join("META-INF/statedb/couchdb/indexes/indexOwner.json");
    let index = std::fs::read_to_string(index).unwrap();
    let component = guest("asset-transfer-ledger-queries");
    sandbox.deploy_with_indexes("ledger", &component, &[&index]).unwrap();
    for asset in [
        ["asset1", "blue", "5", "tom", "35"],
        ["asset2", "red", "4", "tom", "50"],
        ["asset3", "blue", "6", "tom", "70"],
    ] {
        submit(&sandbox, ledger("CreateAsset", &asset));
    }
    let again = refusal(&sandbox, ledger("CreateAsset", &["asset1", "b", "1", "t", "1"]));
    assert_eq!(again, "asset already exists: asset1");
    submit(&sandbox, ledger("TransferAsset", &["asset2", "jerry"]));
    submit(&sandbox, ledger("TransferAssetByColor", &["blue", "jerry"]));
    submit(&sandbox, ledger("DeleteAsset", &["asset1"]));

    let range = json(&sandbox, ledger("GetAssetsByRange", &["asset1", "asset3"]));
    assert_eq!(ids(&range), ["asset2"]);
    let owned = json(&sandbox, ledger("QueryAssetsByOwner", &["jerry"]));
    assert_eq!(ids(&owned), ["asset2", "asset3"]);
    assert_eq!(text(&sandbox, ledger("QueryAssetsByOwner", &["tom"])), "[]");
    // A name with a quote is a name, not a part of the query.
    let odd = r#"tom","size":{"$gt":0}"#;
    assert_eq!(text(&sandbox, ledger("QueryAssetsByOwner", &[odd])), "[]");
    let query = r#"{"selector":{"docType":"asset","owner":"jerry"},
        "use_index":["_design/indexOwnerDoc","indexOwner"],"fields":["ID","size"]}"#;
    let found = json(&sandbox, ledger("QueryAssets", &[query]));
    assert_eq!(ids(&found), ["asset2", "asset3"]);
    assert_eq!((&found[0]["size"], &found[0]["owner"]), (&4.into(), &"".into()));

    let query = r#"{"selector":{"owner":"jerry"}}"#;
    let first = json(&sandbox, ledger("QueryAssetsWithPagination", &[query, "1", ""]));
    assert_eq!(
        (ids(&first["records"]), &first["fetchedRecordsCount"]),
        (vec!["asset2"], &1.into())
    );
    let bookmark = first["bookmark"].as_str().unwrap();
    let second = json(&sandbox, ledger("QueryAssetsWithPagination", &[query, "1", bookmark]));
    assert_eq!(ids(&second["records"]), ["asset3"]);
    let pages = ledger("GetAssetsByRangeWithPagination", &["asset1", "asset4", "1", ""]);
    let page = json(&sandbox, pages);
    assert_eq!((ids(&page["records"]), &page["bookmark"]), (vec!["asset2"], &"asset3".into()));

    let history = json(&sandbox, ledger("GetAssetHistory", &["asset1"]));
    let owners: Vec<(&str, bool)> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (entry["record"]["owner"].as_str().unwrap(), entry["isDelete"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(owners, [("", true), ("jerry", false), ("tom", false)]);
    assert!(history[0]["timestamp"].as_str().unwrap().ends_with('Z'), "{history}");
}

#[test]
fn a_transfer_by_color_is_invalid_if_an_asset_of_the_color_comes_in_between() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("ledger", &guest("asset-transfer-ledger-queries")).unwrap();
    submit(&sandbox, ledger("InitLedger", &[]));
    let transfer = sandbox.endorse(ledger("TransferAssetByColor", &["blue", "Ann"])).unwrap();
    submit(&sandbox, ledger("CreateAsset", &["asset7", "blue", "1", "Bob", "9"]));
    let code = sandbox.commit(vec![transfer]).unwrap()[0].code;
    assert_eq!(code.as_str_name(), "PHANTOM_READ_CONFLICT");
}
