//! The sample `asset-transfer-secured-agreement`, in the sequence of its application.

use wasmcc_node::sandbox::{Call, Sandbox};

use super::{EITHER, ORG1, ORG2, call, json, refusal, submit, submit_by, text, two_organizations};

const PROPERTIES: &str = r#"{"objectType":"asset_properties","color":"blue","size":35,"salt":"1"}"#;

fn secured(org: &str, function: &str, args: &[&str]) -> Call {
    call("secured", org, function, args)
}

fn price(price: u32) -> String {
    format!(r#"{{"assetID":"a","price":{price},"tradeID":"1"}}"#)
}

fn sell(id: &str, at: u32) -> Call {
    secured(ORG1, "AgreeToSell", &[id]).transient("asset_price", price(at))
}

fn transfer(org: &str, id: &str, at: u32) -> Call {
    secured(org, "TransferAsset", &[id, ORG2]).transient("asset_price", price(at))
}

#[track_caller]
fn assert_owner(sandbox: &Sandbox, id: &str, owner: &str) {
    for org in [ORG1, ORG2] {
        assert_eq!(json(sandbox, secured(org, "ReadAsset", &[id]))["ownerOrg"], owner);
    }
}

#[test]
fn an_asset_is_sold_when_seller_and_buyer_agreed_to_one_price() {
    let sandbox = two_organizations("asset-transfer-secured-agreement", "secured", EITHER);
    let create = secured(ORG1, "CreateAsset", &["Asset owned by Org1MSP is not for sale"]);
    let create = create.transient("asset_properties", PROPERTIES);
    let created = submit(&sandbox, create);
    let id = created.text();
    assert_eq!(id.len(), 64);
    assert_owner(&sandbox, &id, ORG1);
    let properties = |org: &str| secured(org, "GetAssetPrivateProperties", &[&id]);
    assert_eq!(text(&sandbox, properties(ORG1)), PROPERTIES);
    let hidden = refusal(&sandbox, properties(ORG2));
    let expected = format!("asset private details does not exist in client org's collection: {id}");
    assert_eq!(hidden, expected);

    submit(&sandbox, secured(ORG1, "ChangePublicDescription", &[&id, "for sale"]));
    let other = refusal(&sandbox, secured(ORG2, "ChangePublicDescription", &[&id, "mine"]));
    let expected =
        "a client from Org2MSP cannot update the description of a asset owned by Org1MSP";
    assert_eq!(other, expected);

    submit(&sandbox, sell(&id, 110));
    let verify = secured(ORG2, "VerifyAssetProperties", &[&id]);
    assert_eq!(text(&sandbox, verify.transient("asset_properties", PROPERTIES)), "true");
    let buy = secured(ORG2, "AgreeToBuy", &[&id]).transient("asset_price", price(100));
    submit(&sandbox, buy.transient("asset_properties", PROPERTIES));
    assert_eq!(text(&sandbox, secured(ORG1, "GetAssetSalesPrice", &[&id])), price(110));
    let none = refusal(&sandbox, secured(ORG2, "GetAssetSalesPrice", &[&id]));
    assert_eq!(none, format!("asset price does not exist: {id}"));
    let none = refusal(&sandbox, secured(ORG1, "GetAssetBidPrice", &[&id]));
    assert_eq!(none, format!("asset price does not exist: {id}"));
    assert_eq!(text(&sandbox, secured(ORG2, "GetAssetBidPrice", &[&id])), price(100));
    let agreements = json(&sandbox, secured(ORG2, "QueryAssetBuyAgreements", &[]));
    assert_eq!(agreements[0]["price"], 100);

    let dear = refusal(&sandbox, transfer(ORG1, &id, 110));
    assert!(dear.starts_with("failed transfer verification: hash "), "{dear}");
    assert!(dear.ends_with("buyer hasn't agreed to the passed trade id and price"), "{dear}");
    submit(&sandbox, sell(&id, 100));
    let thief = refusal(&sandbox, transfer(ORG2, &id, 100));
    let expected = "failed transfer verification: a client from Org2MSP cannot transfer a asset \
                    owned by Org1MSP";
    assert_eq!(thief, expected);
    // The sale changes the buyer's collection, so the buyer's peer has to endorse it, too. The
    // client names both: transient data go to nobody else by themselves.
    let alone = submit_by(&sandbox, transfer(ORG1, &id, 100));
    assert_eq!(alone, Some("ENDORSEMENT_POLICY_FAILURE"));
    let mut sale = sandbox.endorse(transfer(ORG1, &id, 100)).unwrap().accepted().unwrap();
    sandbox.endorse_also(ORG2, &mut sale).unwrap();
    assert_eq!(sandbox.commit(vec![sale]).unwrap()[0].code.as_str_name(), "VALID");
    assert_owner(&sandbox, &id, ORG2);

    assert_eq!(text(&sandbox, properties(ORG2)), PROPERTIES);
    assert!(refusal(&sandbox, properties(ORG1)).contains("does not exist in client org's"));
    submit(&sandbox, secured(ORG2, "ChangePublicDescription", &[&id, "NOT for sale"]));
    let history = json(&sandbox, secured(ORG1, "QueryAssetHistory", &[&id]));
    let owners: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["Record"]["ownerOrg"].as_str().unwrap())
        .collect();
    assert_eq!(owners, [ORG2, ORG2, ORG1, ORG1]);
}
