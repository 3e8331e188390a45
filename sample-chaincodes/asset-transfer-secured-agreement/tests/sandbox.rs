//! Tests the contract as a real component on peers of two organizations, in the sequence of the
//! sample's application: what each organization can read, and which endorsements a sale needs. The
//! tests in `src` are faster.

use std::sync::OnceLock;

use asset_transfer_secured_agreement::{Agreement, Asset, QueryResult};
use serde::de::DeserializeOwned;
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

const ORG1: &str = "Org1MSP";
const ORG2: &str = "Org2MSP";
const PROPERTIES: &str = r#"{"objectType":"asset_properties","color":"blue","size":35,"salt":"1"}"#;

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations, either of which endorses unless a key's policy says
/// otherwise, and the id of an asset of Org1.
fn sandbox() -> Result<(Sandbox, String)> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs([ORG1, ORG2]).build()?;
    let either = Some("OR('Org1MSP.peer','Org2MSP.peer')");
    sandbox.deploy_by_lifecycle("secured", component(), either)?;
    let create = call(ORG1, "CreateAsset", ["not for sale"]);
    let created = sandbox.submit(create.transient("asset_properties", PROPERTIES))?;
    Ok((sandbox, created.endorsed.text()))
}

fn call<const N: usize>(org: &str, function: &str, args: [&str; N]) -> Call {
    Call::new("secured", function).args(args).org(org)
}

fn price(price: u32) -> String {
    format!(r#"{{"assetID":"a","price":{price},"tradeID":"1"}}"#)
}

fn sell(id: &str, at: u32) -> Call {
    call(ORG1, "AgreeToSell", [id]).transient("asset_price", price(at))
}

fn buy(id: &str, at: u32) -> Call {
    let buy = call(ORG2, "AgreeToBuy", [id]).transient("asset_price", price(at));
    buy.transient("asset_properties", PROPERTIES)
}

fn transfer(org: &str, id: &str, at: u32) -> Call {
    call(org, "TransferAsset", [id, ORG2]).transient("asset_price", price(at))
}

fn read<T: DeserializeOwned>(sandbox: &Sandbox, call: Call) -> Result<T> {
    let answer = sandbox.evaluate(call)?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

#[test]
fn only_its_owner_knows_and_describes_an_asset() -> Result<()> {
    let (sandbox, id) = sandbox()?;
    let properties = |org: &str| call(org, "GetAssetPrivateProperties", [&id]);
    assert_eq!(sandbox.evaluate(properties(ORG1))?.text(), PROPERTIES);
    let hidden = sandbox.evaluate(properties(ORG2)).unwrap_err().to_string();
    let words = "asset private details does not exist in client org's collection";
    assert_eq!(hidden, format!("status 500: {words}: {id}"));

    let describe = |org: &str| call(org, "ChangePublicDescription", [&id, "for sale"]);
    let refused = sandbox.submit(describe(ORG2)).unwrap_err();
    let words = "a client from Org2MSP cannot update the description of a asset owned by Org1MSP";
    assert_eq!(refused.to_string(), format!("status 500: {words}"));
    sandbox.submit(describe(ORG1))?;
    let asset: Asset = read(&sandbox, call(ORG2, "ReadAsset", [&id]))?;
    assert_eq!((asset.public_description.as_str(), asset.owner_org.as_str()), ("for sale", ORG1));
    Ok(())
}

#[test]
fn a_buyer_checks_properties_by_their_hash() -> Result<()> {
    let (sandbox, id) = sandbox()?;
    let verify = |properties: &str| {
        call(ORG2, "VerifyAssetProperties", [&id]).transient("asset_properties", properties)
    };
    assert_eq!(sandbox.evaluate(verify(PROPERTIES))?.text(), "true");
    let other = PROPERTIES.replace("blue", "red");
    let refused = sandbox.evaluate(verify(&other)).unwrap_err().to_string();
    let expected =
        format!("for passed immutable properties {other} does not match on-chain hash {id}");
    assert!(refused.ends_with(&expected), "{refused}");
    Ok(())
}

#[test]
fn nobody_else_learns_a_price() -> Result<()> {
    let (sandbox, id) = sandbox()?;
    let sold = sandbox.submit(sell(&id, 110))?.endorsed.rwset.expect("it was endorsed");
    assert_eq!(sold.namespaces["secured"].writes, [], "nothing public is written");
    sandbox.submit(buy(&id, 100))?;
    let none = format!("status 500: asset price does not exist: {id}");
    for (function, knows, asks, at) in
        [("GetAssetSalesPrice", ORG1, ORG2, 110), ("GetAssetBidPrice", ORG2, ORG1, 100)]
    {
        assert_eq!(sandbox.evaluate(call(knows, function, [&id]))?.text(), price(at));
        let refused = sandbox.evaluate(call(asks, function, [&id])).unwrap_err();
        assert_eq!(refused.to_string(), none, "{function}");
    }
    let bids: Vec<Agreement> = read(&sandbox, call(ORG2, "QueryAssetBuyAgreements", []))?;
    assert_eq!(bids.iter().map(|bid| bid.price).collect::<Vec<_>>(), [100]);
    Ok(())
}

#[test]
fn seller_and_buyer_agree_to_one_price_or_nothing_is_sold() -> Result<()> {
    let (sandbox, id) = sandbox()?;
    sandbox.submit(sell(&id, 110))?;
    sandbox.submit(buy(&id, 100))?;
    for (at, who) in [(110, "buyer"), (100, "seller")] {
        let refused = sandbox.submit(transfer(ORG1, &id, at)).unwrap_err().to_string();
        let words = "status 500: failed transfer verification: hash ";
        assert!(refused.starts_with(words), "{refused}");
        let words = format!("{who} hasn't agreed to the passed trade id and price");
        assert!(refused.ends_with(&words), "{refused}");
    }
    sandbox.submit(sell(&id, 100))?;
    let thief = sandbox.submit(transfer(ORG2, &id, 100)).unwrap_err();
    assert_eq!(
        thief.to_string(),
        "status 500: failed transfer verification: a client from Org2MSP cannot transfer a asset \
         owned by Org1MSP"
    );
    Ok(())
}

#[test]
fn a_sale_needs_the_endorsement_of_both_organizations() -> Result<()> {
    let (sandbox, id) = sandbox()?;
    sandbox.submit(sell(&id, 100))?;
    sandbox.submit(buy(&id, 100))?;
    let alone = sandbox.endorse(transfer(ORG1, &id, 100))?.accepted()?;
    let code = sandbox.commit(vec![alone])?[0].code;
    assert_eq!(code, TxValidationCode::EndorsementPolicyFailure);
    // The client names both: a gateway sends transient data to no other organization by itself.
    let mut sale = sandbox.endorse(transfer(ORG1, &id, 100))?.accepted()?;
    sandbox.endorse_also(ORG2, &mut sale)?;
    assert_eq!(sandbox.commit(vec![sale])?[0].code, TxValidationCode::Valid);

    let properties = sandbox.evaluate(call(ORG2, "GetAssetPrivateProperties", [&id]))?;
    assert_eq!(properties.text(), PROPERTIES);
    let gone = sandbox.evaluate(call(ORG1, "GetAssetPrivateProperties", [&id])).unwrap_err();
    assert!(gone.to_string().contains("does not exist in client org's collection"), "{gone}");
    let history: Vec<QueryResult> = read(&sandbox, call(ORG1, "QueryAssetHistory", [&id]))?;
    let owners: Vec<&str> = history.iter().map(|entry| entry.record.owner_org.as_str()).collect();
    assert_eq!(owners, [ORG2, ORG1]);
    Ok(())
}
