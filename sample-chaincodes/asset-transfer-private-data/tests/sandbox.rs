//! Tests the contract as a real component on peers of two organizations, with the collections in
//! `collections_config.json`: who can read what. The tests in `src` are faster.

use std::sync::OnceLock;

use asset_transfer_private_data::{Asset, AssetPrivateDetails};
use serde::de::DeserializeOwned;
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, build};

type Result<T> = std::result::Result<T, SandboxError>;

const COLLECTIONS: &str = include_str!("../collections_config.json");
const PROPERTIES: &str = r#"{"objectType":"ValuableAsset","assetID":"asset1","color":"green",
    "size":20,"appraisedValue":100}"#;
const TO_ORG2: &str = r#"{"assetID":"asset1","buyerMSP":"Org2MSP"}"#;
const ASSET1: &str = r#"{"assetID":"asset1"}"#;

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations with an asset of Org1.
fn sandbox() -> Result<Sandbox> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs(["Org1MSP", "Org2MSP"]).build()?;
    sandbox.deploy_with_collections("private", component(), COLLECTIONS)?;
    sandbox.submit(send("Org1MSP", "CreateAsset", "asset_properties", PROPERTIES))?;
    Ok(sandbox)
}

/// Returns a call with a transient argument.
fn send(org: &str, function: &str, entry: &str, json: &str) -> Call {
    Call::new("private", function).org(org).transient(entry, json)
}

/// Returns a call by which Org2 agrees to a value.
fn agree(value: u32) -> Call {
    let value = format!(r#"{{"assetID":"asset1","appraisedValue":{value}}}"#);
    send("Org2MSP", "AgreeToTransfer", "asset_value", &value)
}

fn transfer() -> Call {
    send("Org1MSP", "TransferAsset", "asset_owner", TO_ORG2)
}

/// Returns a call by which a client of `org` reads the value in an organization's collection.
fn details(org: &str, collection: &str) -> Call {
    Call::new("private", "ReadAssetPrivateDetails").args([collection, "asset1"]).org(org)
}

/// Returns the result of a query; None for an empty one.
fn read<T: DeserializeOwned>(sandbox: &Sandbox, call: Call) -> Result<Option<T>> {
    let payload = sandbox.evaluate(call)?.response.payload;
    let value = (!payload.is_empty()).then(|| serde_json::from_slice(&payload));
    Ok(value.transpose().expect("it answers in JSON"))
}

fn asset(sandbox: &Sandbox) -> Result<Option<Asset>> {
    read(sandbox, Call::new("private", "ReadAsset").args(["asset1"]).org("Org2MSP"))
}

#[test]
fn blocks_have_hashes_of_an_asset_only() -> Result<()> {
    let sandbox = sandbox()?;
    let second = PROPERTIES.replace("asset1", "asset2");
    let create = send("Org1MSP", "CreateAsset", "asset_properties", &second);
    let rwset = sandbox.submit(create)?.endorsed.rwset.expect("it was endorsed");
    let own = &rwset.namespaces["private"];
    assert_eq!(own.writes, [], "nothing public is written");
    let collections: Vec<&str> = own.collections.keys().map(String::as_str).collect();
    assert_eq!(collections, ["Org1MSPPrivateCollection", "assetCollection"]);
    for collection in own.collections.values() {
        assert_eq!((collection.writes.len(), collection.pvt_rwset_hash.len()), (1, 32));
    }
    assert_eq!(sandbox.get_state("private", "asset2")?, None);
    Ok(())
}

#[test]
fn an_asset_goes_to_the_buyer_that_agreed_to_its_value() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(agree(100))?;
    sandbox.submit(transfer())?;
    let owner = asset(&sandbox)?.expect("it exists").owner;
    assert!(owner.starts_with("x509::CN=User1@org2.example.com"), "{owner}");
    // The value is deleted in the seller's collection and stays in the buyer's.
    let sellers = read(&sandbox, details("Org1MSP", "Org1MSPPrivateCollection"))?;
    assert_eq!(sellers, None::<AssetPrivateDetails>);
    let buyers = read(&sandbox, details("Org2MSP", "Org2MSPPrivateCollection"))?;
    let expected = AssetPrivateDetails { id: "asset1".to_owned(), appraised_value: 100 };
    assert_eq!(buyers, Some(expected));
    Ok(())
}

#[test]
fn without_an_agreement_to_the_same_value_nothing_is_transferred() -> Result<()> {
    let sandbox = sandbox()?;
    let early = sandbox.submit(transfer()).unwrap_err();
    assert_eq!(
        early.to_string(),
        "status 500: failed transfer verification: hash of appraised value for asset1 does not \
         exist in collection Org2MSPPrivateCollection. AgreeToTransfer must be called by the buyer \
         first"
    );
    sandbox.submit(agree(99))?;
    let cheap = sandbox.submit(transfer()).unwrap_err().to_string();
    let expected = "status 500: failed transfer verification: hash for appraised value for owner ";
    assert!(cheap.starts_with(expected), "{cheap}");
    let owner = asset(&sandbox)?.expect("it exists").owner;
    assert!(owner.contains("CN=User1@org1.example.com"), "{owner}");
    Ok(())
}

#[test]
fn the_peer_and_not_the_contract_keeps_others_out_of_a_collection() -> Result<()> {
    let sandbox = sandbox()?;
    let own: Option<AssetPrivateDetails> =
        read(&sandbox, details("Org1MSP", "Org1MSPPrivateCollection"))?;
    assert_eq!(own.map(|details| details.appraised_value), Some(100));
    let refused = sandbox.endorse(details("Org2MSP", "Org1MSPPrivateCollection"))?;
    let expected = format!(
        "failed to read asset details: GET_STATE failed: transaction ID: {}: tx creator does not \
         have read access permission on privatedata in chaincodeName:private collectionName: \
         Org1MSPPrivateCollection",
        refused.tx_id
    );
    assert_eq!((refused.response.status, refused.response.message), (500, expected));
    Ok(())
}

#[test]
fn only_its_owners_organization_deletes_an_asset_and_its_past() -> Result<()> {
    let sandbox = sandbox()?;
    let thief = sandbox.submit(send("Org2MSP", "DeleteAsset", "asset_delete", ASSET1)).unwrap_err();
    assert_eq!(
        thief.to_string(),
        "status 500: asset not found in owner's private Collection Org2MSPPrivateCollection: asset1"
    );
    sandbox.submit(send("Org1MSP", "DeleteAsset", "asset_delete", ASSET1))?;
    assert_eq!(asset(&sandbox)?, None);
    let purged = sandbox.submit(send("Org1MSP", "PurgeAsset", "asset_purge", ASSET1))?.endorsed;
    let rwset = purged.rwset.expect("it was endorsed");
    let collections = rwset.namespaces["private"].collections.values();
    let purges = collections.flat_map(|collection| &collection.writes);
    assert_eq!(purges.filter(|write| write.is_purge).count(), 2);
    Ok(())
}

#[test]
fn a_value_is_gone_after_three_blocks_and_the_asset_stays() -> Result<()> {
    let sandbox = sandbox()?;
    for id in ["asset2", "asset3", "asset4", "asset5"] {
        let value = read(&sandbox, details("Org1MSP", "Org1MSPPrivateCollection"))?;
        assert!(value.is_some_and(|value: AssetPrivateDetails| value.appraised_value == 100));
        let other = PROPERTIES.replace("asset1", id);
        sandbox.submit(send("Org1MSP", "CreateAsset", "asset_properties", &other))?;
    }
    let value = read(&sandbox, details("Org1MSP", "Org1MSPPrivateCollection"))?;
    assert_eq!(value, None::<AssetPrivateDetails>);
    assert!(asset(&sandbox)?.is_some());
    Ok(())
}
