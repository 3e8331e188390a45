//! Native tests of the contract on the mock ledger: private values, agreements and transfers.

use super::*;
use wasmcc_sdk::args;
use wasmcc_sdk::testing::{Answer, MockLedger};

const ORG1: &str = "Org1MSPPrivateCollection";
const ORG2: &str = "Org2MSPPrivateCollection";
const PROPERTIES: &str = concat!(
    r#"{"objectType":"ValuableAsset","assetID":"asset1","color":"green","size":20,"#,
    r#""appraisedValue":100}"#
);
const VALUE: &str = r#"{"assetID":"asset1","appraisedValue":100}"#;
const TO_ORG2: &str = r#"{"assetID":"asset1","buyerMSP":"Org2MSP"}"#;

/// Calls a function with transient data, as a client at its organization's peer.
fn send(
    ledger: &mut MockLedger,
    org: &str,
    function: &str,
    (entry, value): (&str, &str),
) -> Result<Answer> {
    ledger.as_client(org, org, &[]).on_peer_of(org).with_transient(entry, value);
    ledger.submit(function, args![])
}

fn with_asset() -> MockLedger {
    let mut ledger = MockLedger::new(vec![&PrivateAssets]);
    send(&mut ledger, "Org1MSP", "CreateAsset", ("asset_properties", PROPERTIES)).unwrap();
    ledger
}

fn refusal(ledger: &mut MockLedger, org: &str, function: &str, transient: (&str, &str)) -> String {
    send(ledger, org, function, transient).unwrap_err().message().to_owned()
}

#[test]
fn an_asset_and_its_value_are_in_two_collections() {
    let ledger = with_asset();
    let asset = concat!(
        r#"{"objectType":"ValuableAsset","assetID":"asset1","color":"green","size":20,"#,
        r#""owner":"x509::CN=Org1MSP,OU=client::CN=ca"}"#
    );
    assert_eq!(ledger.get_private_data(ASSETS, "asset1"), Some(asset.as_bytes()));
    assert_eq!(ledger.get_private_data(ORG1, "asset1"), Some(VALUE.as_bytes()));
    assert_eq!(ledger.get_state("asset1"), None);
}

#[test]
fn an_asset_goes_to_a_buyer_that_agreed_to_its_value() {
    let mut ledger = with_asset();
    let early = refusal(&mut ledger, "Org1MSP", "TransferAsset", ("asset_owner", TO_ORG2));
    let expected = "failed transfer verification: hash of appraised value for asset1 does not \
                    exist in collection Org2MSPPrivateCollection. AgreeToTransfer must be called \
                    by the buyer first";
    assert_eq!(early, expected);
    send(&mut ledger, "Org2MSP", "AgreeToTransfer", ("asset_value", VALUE)).unwrap();
    let agreement = ledger.evaluate("ReadTransferAgreement", args!["asset1"]).unwrap();
    let expected = r#"{"assetID":"asset1","buyerID":"x509::CN=Org2MSP,OU=client::CN=ca"}"#;
    assert_eq!(agreement.text(), expected);
    let thief = refusal(&mut ledger, "Org2MSP", "TransferAsset", ("asset_owner", TO_ORG2));
    let expected =
        "failed transfer verification: error: submitting client identity does not own asset";
    assert_eq!(thief, expected);

    send(&mut ledger, "Org1MSP", "TransferAsset", ("asset_owner", TO_ORG2)).unwrap();
    let asset: Asset = ledger.evaluate("ReadAsset", args!["asset1"]).unwrap().json();
    assert_eq!(asset.owner, "x509::CN=Org2MSP,OU=client::CN=ca");
    assert_eq!(ledger.get_private_data(ORG1, "asset1"), None);
    assert_eq!(ledger.get_private_data(ORG2, "asset1"), Some(VALUE.as_bytes()));
    let agreement = ledger.evaluate("ReadTransferAgreement", args!["asset1"]).unwrap();
    assert_eq!(agreement.text(), "");
}

#[test]
fn a_buyer_that_agreed_to_another_value_gets_nothing() {
    let mut ledger = with_asset();
    let other = VALUE.replace("100", "99");
    send(&mut ledger, "Org2MSP", "AgreeToTransfer", ("asset_value", &other)).unwrap();
    let said = refusal(&mut ledger, "Org1MSP", "TransferAsset", ("asset_owner", TO_ORG2));
    let expected = "failed transfer verification: hash for appraised value for owner ";
    assert!(said.starts_with(expected), "{said}");
    // The buyer withdraws.
    let withdrawal = ("agreement_delete", r#"{"assetID":"asset1"}"#);
    send(&mut ledger, "Org2MSP", "DeleteTranferAgreement", withdrawal).unwrap();
    assert_eq!(ledger.get_private_data(ORG2, "asset1"), None);
    let again = refusal(&mut ledger, "Org2MSP", "DeleteTranferAgreement", withdrawal);
    assert_eq!(again, "asset's transfer_agreement does not exist: asset1");
}

#[test]
fn what_is_missing_in_the_transient_data_is_named() {
    let mut ledger = with_asset();
    for (function, missing) in [
        ("CreateAsset", "asset not found in the transient map input"),
        ("AgreeToTransfer", "asset_value key not found in the transient map"),
        ("TransferAsset", "asset owner not found in the transient map"),
        ("DeleteAsset", "asset to delete not found in the transient map"),
        ("PurgeAsset", "asset to purge not found in the transient map"),
        ("DeleteTranferAgreement", "asset to delete not found in the transient map"),
    ] {
        let said = refusal(&mut ledger, "Org1MSP", function, ("other", "{}"));
        assert_eq!(said, missing, "{function}");
    }
    for (from, to, expected) in [
        ("ValuableAsset", "", "objectType field must be a non-empty string"),
        ("asset1", "", "assetID field must be a non-empty string"),
        ("green", "", "color field must be a non-empty string"),
        (":20", ":0", "size field must be a positive integer"),
        (":100", ":-1", "appraisedValue field must be a positive integer"),
        ("asset1", "asset1", "this asset already exists: asset1"),
    ] {
        let properties = PROPERTIES.replace(from, to);
        let transient = ("asset_properties", properties.as_str());
        assert_eq!(refusal(&mut ledger, "Org1MSP", "CreateAsset", transient), expected);
    }
    let broken = refusal(&mut ledger, "Org1MSP", "CreateAsset", ("asset_properties", "{"));
    assert!(broken.starts_with("failed to unmarshal JSON: "), "{broken}");
}

#[test]
fn a_client_has_only_the_peers_of_its_organization_write() {
    let mut ledger = with_asset();
    ledger.as_client("Org2MSP", "eve", &[]).on_peer_of("Org1MSP");
    let calls = [
        ("CreateAsset", "asset_properties", PROPERTIES.replace("asset1", "asset2")),
        ("AgreeToTransfer", "asset_value", VALUE.to_owned()),
        ("TransferAsset", "asset_owner", TO_ORG2.to_owned()),
        ("DeleteAsset", "asset_delete", VALUE.to_owned()),
        ("PurgeAsset", "asset_purge", VALUE.to_owned()),
        ("DeleteTranferAgreement", "agreement_delete", VALUE.to_owned()),
    ];
    for (function, entry, value) in calls {
        let refused = ledger.with_transient(entry, value).submit(function, args![]).unwrap_err();
        let expected = format!(
            "{function} cannot be performed: Error client from org Org2MSP is not authorized to \
             read or write private data from an org Org1MSP peer"
        );
        assert_eq!(refused.message(), expected);
    }
}

#[test]
fn assets_are_found_by_range_deleted_and_purged() {
    let mut ledger = with_asset();
    let second = PROPERTIES.replace("asset1", "asset2");
    send(&mut ledger, "Org1MSP", "CreateAsset", ("asset_properties", &second)).unwrap();
    let found: Vec<Asset> =
        ledger.evaluate("GetAssetByRange", args!["asset1", "asset3"]).unwrap().json();
    assert_eq!(found.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["asset1", "asset2"]);

    let delete = ("asset_delete", r#"{"assetID":"asset2"}"#);
    let others = refusal(&mut ledger, "Org2MSP", "DeleteAsset", delete);
    let expected = "asset not found in owner's private Collection Org2MSPPrivateCollection: asset2";
    assert_eq!(others, expected);
    send(&mut ledger, "Org1MSP", "DeleteAsset", delete).unwrap();
    assert_eq!(refusal(&mut ledger, "Org1MSP", "DeleteAsset", delete), "asset not found: asset2");
    // As after a deletion, a missing asset is not refused.
    for id in ["asset2", "asset1"] {
        let purge = format!(r#"{{"assetID":"{id}"}}"#);
        send(&mut ledger, "Org1MSP", "PurgeAsset", ("asset_purge", &purge)).unwrap();
    }
    assert_eq!(ledger.get_private_data(ORG1, "asset1"), None);
    assert_eq!(ledger.evaluate("ReadAsset", args!["asset1"]).unwrap().text(), "");
    let details = ledger.evaluate("ReadAssetPrivateDetails", args![ORG1, "asset1"]).unwrap();
    assert_eq!(details.text(), "");
}
