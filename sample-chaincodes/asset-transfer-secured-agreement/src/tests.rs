//! Native tests of the contract on the mock ledger: assets, prices and sales.

use super::*;
use wasmcc_sdk::args;
use wasmcc_sdk::testing::{Answer, MockLedger};

const PROPERTIES: &str = r#"{"objectType":"asset_properties","color":"blue","size":35,"salt":"a"}"#;
const PRICE: &str = r#"{"assetID":"a","price":100,"tradeID":"1"}"#;

/// Returns the ledger with a client at its organization's peer.
fn client<'a>(ledger: &'a mut MockLedger, org: &str) -> &'a mut MockLedger {
    ledger.as_client(org, "user", &[]).on_peer_of(org)
}

/// Returns a ledger with an asset of Org1MSP, and the asset's id.
fn created() -> (MockLedger, String) {
    let mut ledger = MockLedger::new(vec![&SecuredAgreement]);
    let owner = client(&mut ledger, "Org1MSP").with_transient("asset_properties", PROPERTIES);
    let id = owner.submit("CreateAsset", args!["not for sale"]).unwrap().text();
    (ledger, id)
}

fn agree_to_sell(ledger: &mut MockLedger, id: &str, price: &str) -> Result<Answer> {
    let seller = client(ledger, "Org1MSP").with_transient("asset_price", price);
    seller.submit("AgreeToSell", args![id])
}

fn agree_to_buy(ledger: &mut MockLedger, id: &str, properties: &str) -> Result<Answer> {
    let buyer = client(ledger, "Org2MSP").with_transient("asset_price", PRICE);
    buyer.with_transient("asset_properties", properties).submit("AgreeToBuy", args![id])
}

/// `org` sells to Org2MSP.
fn transfer(ledger: &mut MockLedger, org: &str, id: &str, price: &str) -> Result<Answer> {
    let seller = client(ledger, org).with_transient("asset_price", price);
    seller.submit("TransferAsset", args![id, "Org2MSP"])
}

/// Returns the error of a transfer by Org1MSP.
fn refusal(ledger: &mut MockLedger, id: &str) -> String {
    let refused = transfer(ledger, "Org1MSP", id, PRICE).unwrap_err();
    let words = refused.message().strip_prefix("failed transfer verification: ");
    words.unwrap_or_else(|| refused.message()).to_owned()
}

#[test]
fn an_asset_is_named_by_the_hash_of_its_properties() {
    let (mut ledger, id) = created();
    assert_eq!(id, sha256(PROPERTIES.as_bytes()));
    let rest = r#""ownerOrg":"Org1MSP","publicDescription":"not for sale""#;
    let json = format!(r#"{{"objectType":"asset","assetID":"{id}",{rest}}}"#);
    assert_eq!(ledger.get_state(&id), Some(json.as_bytes()));
    let private = ledger.get_private_data("_implicit_org_Org1MSP", &id);
    assert_eq!(private, Some(PROPERTIES.as_bytes()));
    let found = client(&mut ledger, "Org2MSP").with_transient("asset_properties", PROPERTIES);
    assert_eq!(found.evaluate("GetAssetHashId", args![]).unwrap().text(), id);
    let other = ledger.with_transient("asset_properties", "{}").evaluate("GetAssetHashId", args![]);
    let expected = format!(
        "failed to get asset: {} does not exist, asset properies provided do not represent any on \
         chain asset",
        sha256(b"{}")
    );
    assert_eq!(other.unwrap_err().message(), expected);
}

#[test]
fn an_asset_is_sold_at_the_price_that_both_agreed_to() {
    let (mut ledger, id) = created();
    agree_to_sell(&mut ledger, &id, PRICE).unwrap();
    let asked: Vec<Agreement> =
        ledger.evaluate("QueryAssetSaleAgreements", args![]).unwrap().json();
    assert_eq!(asked[0].price, 100);
    assert_eq!(ledger.evaluate("GetAssetSalesPrice", args![&id]).unwrap().text(), PRICE);
    agree_to_buy(&mut ledger, &id, PROPERTIES).unwrap();
    assert_eq!(ledger.evaluate("GetAssetBidPrice", args![&id]).unwrap().text(), PRICE);
    let offered: Vec<Agreement> =
        ledger.evaluate("QueryAssetBuyAgreements", args![]).unwrap().json();
    assert_eq!(offered.len(), 1);
    let thief = transfer(&mut ledger, "Org2MSP", &id, PRICE).unwrap_err();
    let expected = "failed transfer verification: a client from Org2MSP cannot transfer a asset \
                    owned by Org1MSP";
    assert_eq!(thief.message(), expected);

    let sold = transfer(&mut ledger, "Org1MSP", &id, PRICE).unwrap();
    let asset: Asset = ledger.evaluate("ReadAsset", args![&id]).unwrap().json();
    assert_eq!(asset.owner_org, "Org2MSP");
    let (seller, buyer) = ("_implicit_org_Org1MSP", "_implicit_org_Org2MSP");
    assert_eq!(ledger.get_private_data(seller, &id), None);
    assert_eq!(ledger.get_private_data(buyer, &id), Some(PROPERTIES.as_bytes()));
    let tx = &sold.tx_id;
    let receipt = Some(b"{}".as_slice());
    assert_eq!(ledger.get_private_data(seller, &format!("\0SR\0{tx}\0{id}\0")), receipt);
    assert_eq!(ledger.get_private_data(buyer, &format!("\0BR\0{id}\0{tx}\0")), receipt);
    assert_eq!(ledger.get_private_data(seller, &format!("\0S\0{id}\0")), None);
    let history: Vec<QueryResult> =
        ledger.evaluate("QueryAssetHistory", args![&id]).unwrap().json();
    let owners: Vec<&str> = history.iter().map(|past| past.record.owner_org.as_str()).collect();
    assert_eq!(owners, ["Org2MSP", "Org1MSP"]);
    let gone = client(&mut ledger, "Org1MSP")
        .evaluate("GetAssetPrivateProperties", args![&id])
        .unwrap_err();
    let expected = format!("asset private details does not exist in client org's collection: {id}");
    assert_eq!(gone.message(), expected);
}

#[test]
fn an_asset_is_not_sold_before_both_agreed_to_the_same() {
    let (mut ledger, id) = created();
    let missing = format!("asset private properties hash does not exist: {id}");
    assert_eq!(refusal(&mut ledger, &id), missing);
    agree_to_buy(&mut ledger, &id, "{}").unwrap();
    let said = refusal(&mut ledger, &id);
    assert!(said.contains(" does not match on-chain hash of buyer "), "{said}");
    agree_to_buy(&mut ledger, &id, PROPERTIES).unwrap();
    assert_eq!(refusal(&mut ledger, &id), format!("seller price for {id} does not exist"));
    agree_to_sell(&mut ledger, &id, &PRICE.replace("100", "110")).unwrap();
    let said = refusal(&mut ledger, &id);
    assert!(said.ends_with("seller hasn't agreed to the passed trade id and price"), "{said}");
    agree_to_sell(&mut ledger, &id, &PRICE.replace("\"1\"", "\"2\"")).unwrap();
    let other = PRICE.replace("\"1\"", "\"2\"");
    let said = transfer(&mut ledger, "Org1MSP", &id, &other).unwrap_err();
    let expected = "buyer hasn't agreed to the passed trade id and price";
    assert!(said.message().ends_with(expected), "{said}");
    let broken = transfer(&mut ledger, "Org1MSP", &id, "cheap").unwrap_err();
    assert!(broken.message().starts_with("failed to unmarshal price JSON: "), "{broken}");
}

#[test]
fn a_buyer_verifies_what_the_seller_told() {
    let (mut ledger, id) = created();
    let buyer = client(&mut ledger, "Org2MSP").with_transient("asset_properties", PROPERTIES);
    let verified = buyer.evaluate("VerifyAssetProperties", args![&id]).unwrap();
    assert_eq!(verified.text(), "true");
    let lied = ledger.with_transient("asset_properties", "{}");
    let refused = lied.evaluate("VerifyAssetProperties", args![&id]).unwrap_err();
    let expected = format!(
        "hash {} for passed immutable properties {{}} does not match on-chain hash {id}",
        sha256(b"{}")
    );
    assert_eq!(refused.message(), expected);
}

#[test]
fn only_the_owner_sells_and_describes_an_asset() {
    let (mut ledger, id) = created();
    ledger.submit("ChangePublicDescription", args![&id, "for sale"]).unwrap();
    let asset: Asset = ledger.evaluate("ReadAsset", args![&id]).unwrap().json();
    assert_eq!(asset.public_description, "for sale");
    let other = client(&mut ledger, "Org2MSP");
    let refused = other.submit("ChangePublicDescription", args![&id, "mine"]).unwrap_err();
    let expected =
        "a client from Org2MSP cannot update the description of a asset owned by Org1MSP";
    assert_eq!(refused.message(), expected);
    let refused = ledger.with_transient("asset_price", PRICE).submit("AgreeToSell", args![&id]);
    let expected = "a client from Org2MSP cannot sell an asset owned by Org1MSP";
    assert_eq!(refused.unwrap_err().message(), expected);
    // At another organization's peer, a client can neither read nor write private data.
    ledger.as_client("Org2MSP", "user", &[]).on_peer_of("Org1MSP");
    for (function, args) in [
        ("CreateAsset", args!["mine"]),
        ("AgreeToBuy", args![&id]),
        ("GetAssetPrivateProperties", args![&id]),
        ("GetAssetSalesPrice", args![&id]),
        ("QueryAssetBuyAgreements", args![]),
    ] {
        ledger.with_transient("asset_properties", "{}").with_transient("asset_price", PRICE);
        let refused = ledger.submit(function, args).unwrap_err();
        let expected = "client from org Org2MSP is not authorized to read or write private data \
                        from an org Org1MSP peer";
        assert_eq!(refused.message(), expected, "{function}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let (mut ledger, id) = created();
    for (function, args) in [
        ("CreateAsset", args!["text"]),
        ("AgreeToBuy", args![&id]),
        ("VerifyAssetProperties", args![&id]),
        ("GetAssetHashId", args![]),
    ] {
        let refused = ledger.submit(function, args).unwrap_err();
        let expected = "asset_properties key not found in the transient map";
        assert_eq!(refused.message(), expected, "{function}");
    }
    for (function, args) in [("AgreeToSell", args![&id]), ("TransferAsset", args![&id, "Org2MSP"])]
    {
        let refused = ledger.submit(function, args).unwrap_err();
        let expected = "asset_price key not found in the transient map";
        assert_eq!(refused.message(), expected, "{function}");
    }
    let none = ledger.evaluate("ReadAsset", args!["nothing"]).unwrap_err();
    assert_eq!(none.message(), "nothing does not exist");
    let none = ledger.evaluate("GetAssetBidPrice", args!["nothing"]).unwrap_err();
    assert_eq!(none.message(), "asset price does not exist: nothing");
}
