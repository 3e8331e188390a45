//! Tests the contract as a real component on peers of two organizations: which endorsements make a
//! change of an asset valid. The tests in `src/lib.rs` are faster.

use std::sync::OnceLock;

use asset_transfer_sbe::Asset;
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

const ORG1: &str = "Org1MSP";
const ORG2: &str = "Org2MSP";
const VALID: TxValidationCode = TxValidationCode::Valid;
const FAILED: TxValidationCode = TxValidationCode::EndorsementPolicyFailure;

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations; the chaincode's policy requires both.
fn sandbox() -> Result<Sandbox> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs([ORG1, ORG2]).build()?;
    sandbox.deploy_by_lifecycle("sbe", component(), None)?;
    Ok(sandbox)
}

fn call<const N: usize>(org: &str, function: &str, args: [&str; N]) -> Call {
    Call::new("sbe", function).args(args).org(org)
}

fn create() -> Call {
    call(ORG1, "CreateAsset", ["asset1", "100", "Tom"])
}

/// Commits a call that only the peer of the caller's organization endorses.
fn submit_alone(sandbox: &Sandbox, call: Call) -> Result<TxValidationCode> {
    let endorsed = sandbox.endorse(call)?.accepted()?;
    Ok(sandbox.commit(vec![endorsed])?[0].code)
}

fn read(sandbox: &Sandbox) -> Result<Asset> {
    let answer = sandbox.evaluate(call(ORG2, "ReadAsset", ["asset1"]))?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

#[test]
fn a_new_asset_needs_the_chaincodes_policy_since_its_key_has_none_yet() -> Result<()> {
    let sandbox = sandbox()?;
    assert_eq!(submit_alone(&sandbox, create())?, FAILED);
    let created = sandbox.submit(create())?.endorsed;
    let rwset = created.rwset.expect("it was endorsed");
    let policy = &rwset.namespaces["sbe"].metadata_writes[0];
    assert_eq!((policy.key.as_str(), policy.entries.len()), ("asset1", 1));
    assert_eq!(policy.entries[0].0, "VALIDATION_PARAMETER");
    let asset = read(&sandbox)?;
    assert_eq!((asset.owner.as_str(), asset.owner_org.as_str()), ("Tom", ORG1));
    Ok(())
}

#[test]
fn only_the_owners_organization_endorses_an_update() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(create())?;
    let update = |org: &str, value: &str| call(org, "UpdateAsset", ["asset1", value]);
    assert_eq!(submit_alone(&sandbox, update(ORG1, "200"))?, VALID);
    assert_eq!(submit_alone(&sandbox, update(ORG2, "300"))?, FAILED);
    assert_eq!(read(&sandbox)?.value, 200);
    // A client of another organization may submit if the owner's peer endorses.
    sandbox.submit(update(ORG2, "400"))?;
    assert_eq!(read(&sandbox)?.value, 400);
    Ok(())
}

#[test]
fn after_a_transfer_the_new_owners_organization_endorses() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(create())?;
    let transfer = |org: &str| call(org, "TransferAsset", ["asset1", "Henry", ORG2]);
    assert_eq!(submit_alone(&sandbox, transfer(ORG2))?, FAILED);
    assert_eq!(submit_alone(&sandbox, transfer(ORG1))?, VALID);
    assert_eq!(read(&sandbox)?.owner_org, ORG2);
    let update = |org: &str| call(org, "UpdateAsset", ["asset1", "600"]);
    assert_eq!(submit_alone(&sandbox, update(ORG1))?, FAILED);
    assert_eq!(submit_alone(&sandbox, update(ORG2))?, VALID);
    assert_eq!(read(&sandbox)?.value, 600);
    Ok(())
}

#[test]
fn a_deleted_asset_is_gone_and_its_policy_with_it() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(create())?;
    let delete = |org: &str| call(org, "DeleteAsset", ["asset1"]);
    assert_eq!(submit_alone(&sandbox, delete(ORG2))?, FAILED);
    assert_eq!(submit_alone(&sandbox, delete(ORG1))?, VALID);
    assert_eq!(sandbox.evaluate(call(ORG2, "AssetExists", ["asset1"]))?.text(), "false");
    assert_eq!(submit_alone(&sandbox, create())?, FAILED, "both organizations, as before");
    Ok(())
}

#[test]
fn an_asset_exists_once_or_not_at_all() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(create())?;
    let height = sandbox.height()?;
    for (call, expected) in [
        (create(), "The asset asset1 already exists"),
        (call(ORG1, "ReadAsset", ["asset0"]), "The asset asset0 does not exist"),
        (call(ORG1, "UpdateAsset", ["asset0", "1"]), "The asset asset0 does not exist"),
        (call(ORG1, "TransferAsset", ["asset0", "Ann", ORG2]), "The asset asset0 does not exist"),
        (call(ORG1, "DeleteAsset", ["asset0"]), "The asset asset0 does not exist"),
    ] {
        let refused = sandbox.submit(call).unwrap_err();
        assert_eq!(refused.to_string(), format!("status 500: {expected}"));
    }
    assert_eq!(sandbox.height()?, height);
    Ok(())
}
