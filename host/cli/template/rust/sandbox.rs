//! Tests the component on a complete peer, from the build to the commit of transactions. The tests
//! in `src/lib.rs` are faster; these show the effects on the ledger and on other clients.

use std::sync::OnceLock;

use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

use my_contract::Asset;

/// The name of the deployed contract.
const CHAINCODE: &str = "my-contract";

type Result<T> = std::result::Result<T, SandboxError>;

/// Returns the component; it is built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// A channel of two organizations, with the deployed contract and one asset. Each test has its own.
fn sandbox() -> Result<Sandbox> {
    let sandbox = Sandbox::builder()
        .network(NetworkSpec::with_orgs(2))
        .build()?;
    sandbox.deploy(CHAINCODE, component())?;
    sandbox.submit(call("CreateAsset").args(["asset1", "blue", "300"]))?;
    Ok(sandbox)
}

fn call(function: &str) -> Call {
    Call::new(CHAINCODE, function)
}

fn read(sandbox: &Sandbox, id: &str) -> Result<Asset> {
    let answer = sandbox.evaluate(call("ReadAsset").args([id]))?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

#[test]
fn an_asset_goes_from_one_organization_to_another() -> Result<()> {
    let sandbox = sandbox()?;
    let transferred = sandbox.submit(call("TransferAsset").args(["asset1", "Org2MSP"]))?;
    assert_eq!(
        transferred.endorsed.text(),
        "Org1MSP",
        "it returns the old owner"
    );
    assert_eq!(read(&sandbox, "asset1")?.owner, "Org2MSP");
    // A client of the other organization.
    let back = call("TransferAsset")
        .args(["asset1", "Org1MSP"])
        .org("Org2MSP");
    sandbox.submit(back)?;
    assert_eq!(read(&sandbox, "asset1")?.owner, "Org1MSP");
    Ok(())
}

#[test]
fn of_two_transfers_at_the_same_time_the_second_is_not_valid() -> Result<()> {
    let sandbox = sandbox()?;
    // Both are endorsed on the same state, then ordered into one block.
    let first = sandbox.endorse(call("TransferAsset").args(["asset1", "Org2MSP"]))?;
    let second = sandbox.endorse(call("TransferAsset").args(["asset1", "Org3MSP"]))?;
    let committed = sandbox.commit(vec![first, second])?;
    assert_eq!(committed[0].code, TxValidationCode::Valid);
    assert_eq!(committed[1].code, TxValidationCode::MvccReadConflict);
    assert_eq!(read(&sandbox, "asset1")?.owner, "Org2MSP");
    Ok(())
}

#[test]
fn what_the_contract_refuses_is_not_committed() -> Result<()> {
    let sandbox = sandbox()?;
    let height = sandbox.height()?;
    let refused = sandbox.submit(call("DeleteAsset").args(["asset1"]).org("Org2MSP"));
    let Err(SandboxError::Refused(answer)) = refused else {
        panic!("it should be refused")
    };
    assert_eq!(
        (answer.status, answer.message.as_str()),
        (403, "the asset asset1 belongs to Org1MSP")
    );
    assert_eq!(sandbox.height()?, height);
    Ok(())
}

#[test]
fn a_new_asset_is_written_as_json_and_announced() -> Result<()> {
    let sandbox = sandbox()?;
    let endorsed = sandbox.endorse(call("CreateAsset").args(["asset2", "red", "7"]))?;
    let rwset = endorsed.rwset.as_ref().expect("it was endorsed");
    let write = &rwset.namespaces[CHAINCODE].writes[0];
    assert_eq!(
        String::from_utf8_lossy(&write.value),
        r#"{"ID":"asset2","Color":"red","Owner":"Org1MSP","AppraisedValue":7}"#
    );
    assert_eq!(
        endorsed.event.expect("it sets an event").name,
        "CreateAsset"
    );
    Ok(())
}
