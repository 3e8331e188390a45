//! Tests the contract as a real component on peers of two organizations, from deployment to commit:
//! the events that listeners receive. The tests in `src/lib.rs` are faster.

use std::sync::OnceLock;

use asset_transfer_events::Asset;
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

const CREATE: [&str; 5] = ["asset1", "blue", "10", "Sam", "100"];

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations, which both endorse.
fn sandbox() -> Result<Sandbox> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs(["Org1MSP", "Org2MSP"]).build()?;
    sandbox.deploy_by_lifecycle("events", component(), None)?;
    Ok(sandbox)
}

fn call<const N: usize>(function: &str, args: [&str; N]) -> Call {
    Call::new("events", function).args(args)
}

/// Commits a call; returns the name of its event and the asset in it.
fn event(sandbox: &Sandbox, call: Call) -> Result<(String, Asset)> {
    let event = sandbox.submit(call)?.endorsed.event.expect("it sets an event");
    Ok((event.name, serde_json::from_slice(&event.payload).expect("it is JSON")))
}

#[test]
fn each_change_of_an_asset_is_announced_with_the_asset() -> Result<()> {
    let sandbox = sandbox()?;
    let (name, asset) = event(&sandbox, call("CreateAsset", CREATE))?;
    assert_eq!((name.as_str(), asset.owner.as_str()), ("CreateAsset", "Sam"));
    let update = call("UpdateAsset", ["asset1", "blue", "10", "Sam", "200"]);
    let (name, asset) = event(&sandbox, update)?;
    assert_eq!((name.as_str(), asset.appraised_value), ("UpdateAsset", 200));
    let (name, asset) = event(&sandbox, call("TransferAsset", ["asset1", "Mary"]))?;
    assert_eq!((name.as_str(), asset.owner.as_str()), ("TransferAsset", "Mary"));
    let (name, asset) = event(&sandbox, call("DeleteAsset", ["asset1"]))?;
    assert_eq!((name.as_str(), asset.owner.as_str()), ("DeleteAsset", "Mary"));
    assert_eq!(sandbox.get_state("events", "asset1")?, None);
    Ok(())
}

#[test]
fn the_payload_of_an_event_has_the_bytes_that_are_written() -> Result<()> {
    let sandbox = sandbox()?;
    let created = sandbox.submit(call("CreateAsset", CREATE))?.endorsed;
    let payload = created.event.expect("it sets an event").payload;
    assert_eq!(
        String::from_utf8_lossy(&payload),
        r#"{"AppraisedValue":100,"Color":"blue","ID":"asset1","Owner":"Sam","Size":10}"#
    );
    assert_eq!(sandbox.get_state("events", "asset1")?, Some(payload));
    Ok(())
}

#[test]
fn what_is_refused_is_not_committed_and_announces_nothing() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(call("CreateAsset", CREATE))?;
    let height = sandbox.height()?;
    for (call, expected) in [
        (call("CreateAsset", CREATE), "the asset asset1 already exists"),
        (call("ReadAsset", ["asset0"]), "the asset asset0 does not exist"),
        (call("TransferAsset", ["asset0", "Mary"]), "the asset asset0 does not exist"),
        (call("DeleteAsset", ["asset0"]), "the asset asset0 does not exist"),
    ] {
        let endorsed = sandbox.endorse(call)?;
        let response = endorsed.response;
        assert_eq!((response.status, response.message.as_str()), (500, expected));
        assert_eq!(endorsed.event, None);
    }
    assert_eq!(sandbox.height()?, height);
    Ok(())
}

#[test]
fn of_two_transfers_at_the_same_time_one_is_valid() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(call("CreateAsset", CREATE))?;
    // Both set an event, but listeners receive only the event of the valid one.
    let mut to_mary = sandbox.endorse(call("TransferAsset", ["asset1", "Mary"]).org("Org2MSP"))?;
    let mut to_ann = sandbox.endorse(call("TransferAsset", ["asset1", "Ann"]))?;
    sandbox.endorse_also("Org1MSP", &mut to_mary)?;
    sandbox.endorse_also("Org2MSP", &mut to_ann)?;
    let committed = sandbox.commit(vec![to_mary, to_ann])?;
    let codes = [committed[0].code, committed[1].code];
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    let asset = sandbox.evaluate(call("ReadAsset", ["asset1"]))?.text();
    assert!(asset.contains(r#""Owner":"Mary""#), "{asset}");
    Ok(())
}
