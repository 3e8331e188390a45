//! Tests the contract as a real component on a complete peer, with clients whose certificates have
//! attributes. The tests in `src/lib.rs` are faster.

use std::sync::OnceLock;

use asset_transfer_abac::Asset;
use wasmcc_test::{Call, Sandbox, SandboxError, build};

type Result<T> = std::result::Result<T, SandboxError>;

const NO_CREATOR: &str = "status 500: submitting client not authorized to create asset, does not \
                          have abac.creator role";
const NO_OWNER: &str =
    "status 500: submitting client not authorized to update asset, does not own asset";

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a peer with the contract and its clients. Only `creator1` has the attribute for creating
/// assets.
fn sandbox() -> Result<Sandbox> {
    let sandbox = Sandbox::builder()
        .client("Org1MSP", "creator1", &[("abac.creator", "true")])
        .client("Org1MSP", "seller", &[("abac.creator", "false"), ("department", "sales")])
        .build()?;
    sandbox.deploy("abac", component())?;
    Ok(sandbox)
}

fn call<const N: usize>(user: &str, function: &str, args: [&str; N]) -> Call {
    Call::new("abac", function).args(args).user(user)
}

fn create(user: &str) -> Call {
    call(user, "CreateAsset", ["Asset1", "blue", "20", "100"])
}

/// Returns a client's id in the form of an asset's owner.
fn identity(sandbox: &Sandbox, user: &str) -> Result<String> {
    Ok(sandbox.evaluate(call(user, "GetSubmittingClientIdentity", []))?.text())
}

fn read(sandbox: &Sandbox) -> Result<Asset> {
    let answer = sandbox.evaluate(call("User1", "ReadAsset", ["Asset1"]))?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

#[test]
fn a_client_with_the_attribute_creates_an_asset_of_its_own() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(create("creator1"))?;
    let asset = read(&sandbox)?;
    assert_eq!((asset.color.as_str(), asset.size, asset.appraised_value), ("blue", 20, 100));
    assert_eq!(asset.owner, identity(&sandbox, "creator1")?);
    let name = "x509::CN=creator1@org1.example.com,OU=client";
    assert!(asset.owner.starts_with(name), "{}", asset.owner);
    let again = sandbox.submit(create("creator1")).unwrap_err();
    assert_eq!(again.to_string(), "status 500: the asset Asset1 already exists");
    Ok(())
}

#[test]
fn without_the_attribute_or_with_another_value_nothing_is_created() -> Result<()> {
    let sandbox = sandbox()?;
    let height = sandbox.height()?;
    // `User1` has no attributes, and an administrator has no more rights than others here.
    for user in ["User1", "seller", "Admin"] {
        let refused = sandbox.submit(create(user)).unwrap_err();
        assert_eq!(refused.to_string(), NO_CREATOR, "{user}");
    }
    assert_eq!(sandbox.height()?, height);
    let all = sandbox.evaluate(call("User1", "GetAllAssets", []))?;
    assert_eq!(all.text(), "[]");
    Ok(())
}

#[test]
fn only_its_owner_changes_an_asset() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(create("creator1"))?;
    for call in [
        call("User1", "UpdateAsset", ["Asset1", "green", "21", "101"]),
        call("User1", "TransferAsset", ["Asset1", &identity(&sandbox, "User1")?]),
        call("User1", "DeleteAsset", ["Asset1"]),
    ] {
        let refused = sandbox.submit(call).unwrap_err();
        assert_eq!(refused.to_string(), NO_OWNER);
    }
    sandbox.submit(call("creator1", "UpdateAsset", ["Asset1", "green", "21", "101"]))?;
    assert_eq!(read(&sandbox)?.color, "green");
    Ok(())
}

#[test]
fn a_transferred_asset_is_its_new_owners_who_needs_no_attribute() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(create("creator1"))?;
    let user1 = identity(&sandbox, "User1")?;
    sandbox.submit(call("creator1", "TransferAsset", ["Asset1", &user1]))?;
    assert_eq!(read(&sandbox)?.owner, user1);
    let late = sandbox.submit(call("creator1", "DeleteAsset", ["Asset1"])).unwrap_err();
    assert_eq!(late.to_string(), NO_OWNER);
    sandbox.submit(call("User1", "DeleteAsset", ["Asset1"]))?;
    assert_eq!(sandbox.evaluate(call("User1", "AssetExists", ["Asset1"]))?.text(), "false");
    let gone = sandbox.evaluate(call("User1", "ReadAsset", ["Asset1"])).unwrap_err();
    assert_eq!(gone.to_string(), "status 500: the asset Asset1 does not exist");
    Ok(())
}
