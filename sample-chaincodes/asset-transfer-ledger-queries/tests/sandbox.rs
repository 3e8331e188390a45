//! Tests the contract as a real component on a complete peer, with the index in `META-INF`: results
//! of the peer's database, and checks at commit. The tests in `src/lib.rs` are faster.

use std::sync::OnceLock;

use serde_json::Value;
use wasmcc_test::{Call, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

const INDEX: &str = include_str!("../META-INF/statedb/couchdb/indexes/indexOwner.json");

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a peer with the contract and three assets of tom.
fn sandbox() -> Result<Sandbox> {
    let sandbox = Sandbox::new()?;
    sandbox.deploy_with_indexes("ledger", component(), &[INDEX])?;
    for asset in [
        ["asset1", "blue", "5", "tom", "35"],
        ["asset2", "red", "4", "tom", "50"],
        ["asset3", "blue", "6", "tom", "70"],
    ] {
        sandbox.submit(call("CreateAsset", asset))?;
    }
    Ok(sandbox)
}

fn call<const N: usize>(function: &str, args: [&str; N]) -> Call {
    Call::new("ledger", function).args(args)
}

/// Returns the result of a query.
fn query<const N: usize>(sandbox: &Sandbox, function: &str, args: [&str; N]) -> Result<Value> {
    let answer = sandbox.evaluate(call(function, args))?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

fn ids(assets: &Value) -> Vec<&str> {
    let assets = assets.as_array().expect("it is a list");
    assets.iter().filter_map(|asset| asset["ID"].as_str()).collect()
}

#[test]
fn assets_are_found_by_ranges_and_by_parts_of_keys() -> Result<()> {
    let sandbox = sandbox()?;
    let range = query(&sandbox, "GetAssetsByRange", ["asset1", "asset3"])?;
    assert_eq!(ids(&range), ["asset1", "asset2"]);
    sandbox.submit(call("TransferAssetByColor", ["blue", "jerry"]))?;
    let all = query(&sandbox, "GetAssetsByRange", ["", ""])?;
    let owners: Vec<&str> = (0..3).filter_map(|at| all[at]["owner"].as_str()).collect();
    assert_eq!(owners, ["jerry", "tom", "jerry"]);
    Ok(())
}

#[test]
fn assets_are_found_by_rich_queries() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(call("TransferAssetByColor", ["blue", "jerry"]))?;
    assert_eq!(ids(&query(&sandbox, "QueryAssetsByOwner", ["jerry"])?), ["asset1", "asset3"]);
    // A quote in a name does not change the query.
    let odd = r#"tom","size":{"$gt":0}"#;
    assert_eq!(query(&sandbox, "QueryAssetsByOwner", [odd])?, serde_json::json!([]));
    let fields = r#"{"selector":{"docType":"asset","owner":"jerry"},
        "use_index":["_design/indexOwnerDoc","indexOwner"],"fields":["ID","size"]}"#;
    let found = query(&sandbox, "QueryAssets", [fields])?;
    assert_eq!(ids(&found), ["asset1", "asset3"]);
    assert_eq!((&found[0]["size"], &found[0]["owner"]), (&5.into(), &"".into()));
    let broken = sandbox.evaluate(call("QueryAssets", ["{"])).unwrap_err().to_string();
    assert!(broken.starts_with("status 500: "), "{broken}");
    Ok(())
}

#[test]
fn a_page_begins_at_the_bookmark_of_the_one_before() -> Result<()> {
    let sandbox = sandbox()?;
    let selector = r#"{"selector":{"owner":"tom"}}"#;
    let mut bookmark = String::new();
    for expected in [&["asset1", "asset2"][..], &["asset3"]] {
        let page = [selector, "2", &bookmark];
        let page = query(&sandbox, "QueryAssetsWithPagination", page)?;
        assert_eq!(ids(&page["records"]), expected);
        assert_eq!(page["fetchedRecordsCount"], expected.len());
        bookmark = page["bookmark"].as_str().expect("it has a bookmark").to_owned();
    }
    let page = ["asset1", "asset9", "2", ""];
    let page = query(&sandbox, "GetAssetsByRangeWithPagination", page)?;
    assert_eq!(
        (ids(&page["records"]), &page["bookmark"]),
        (vec!["asset1", "asset2"], &"asset3".into())
    );
    Ok(())
}

#[test]
fn the_history_of_an_asset_has_its_deletion() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(call("TransferAsset", ["asset1", "jerry"]))?;
    let deleted = sandbox.submit(call("DeleteAsset", ["asset1"]))?.endorsed.tx_id;
    let history = query(&sandbox, "GetAssetHistory", ["asset1"])?;
    let entries = history.as_array().expect("it is a list").iter();
    let owners: Vec<(&Value, &Value)> =
        entries.map(|entry| (&entry["record"]["owner"], &entry["isDelete"])).collect();
    let (yes, no) = (Value::from(true), Value::from(false));
    let (tom, jerry, nobody) = (Value::from("tom"), Value::from("jerry"), Value::from(""));
    assert_eq!(owners, [(&nobody, &yes), (&jerry, &no), (&tom, &no)]);
    assert_eq!(history[0]["txId"], deleted);
    assert!(history[0]["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{history}");
    Ok(())
}

#[test]
fn a_transfer_by_color_is_not_valid_if_an_asset_of_the_color_came_in_between() -> Result<()> {
    let sandbox = sandbox()?;
    let transfer = sandbox.endorse(call("TransferAssetByColor", ["blue", "jerry"]))?;
    let other = sandbox.endorse(call("TransferAssetByColor", ["red", "jerry"]))?;
    sandbox.submit(call("CreateAsset", ["asset4", "blue", "1", "bob", "9"]))?;
    let committed = sandbox.commit(vec![transfer, other])?;
    let codes = [committed[0].code, committed[1].code];
    assert_eq!(codes, [TxValidationCode::PhantomReadConflict, TxValidationCode::Valid]);
    assert_eq!(ids(&query(&sandbox, "QueryAssetsByOwner", ["jerry"])?), ["asset2"]);
    Ok(())
}

#[test]
fn an_asset_exists_once_or_not_at_all() -> Result<()> {
    let sandbox = sandbox()?;
    for (call, expected) in [
        (call("CreateAsset", ["asset1", "b", "1", "t", "1"]), "asset already exists: asset1"),
        (call("ReadAsset", ["asset0"]), "asset asset0 does not exist"),
        (call("TransferAsset", ["asset0", "jerry"]), "asset asset0 does not exist"),
        (call("DeleteAsset", ["asset0"]), "asset asset0 does not exist"),
    ] {
        let refused = sandbox.submit(call).unwrap_err();
        assert_eq!(refused.to_string(), format!("status 500: {expected}"));
    }
    Ok(())
}
