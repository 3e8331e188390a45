//! Tests the contract as a real component on a complete peer, from deployment to commit: the ledger
//! and other clients' view. The tests in `src/lib.rs` are faster.

use std::sync::OnceLock;
use std::thread;

use asset_transfer_basic::Asset;
use wasmcc_test::{Call, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a peer with the contract and its six assets.
fn sandbox() -> Result<Sandbox> {
    let sandbox = Sandbox::new()?;
    sandbox.deploy("basic", component())?;
    sandbox.submit(call("InitLedger"))?;
    Ok(sandbox)
}

fn call(function: &str) -> Call {
    Call::new("basic", function)
}

fn read(sandbox: &Sandbox, id: &str) -> Result<Asset> {
    let answer = sandbox.evaluate(call("ReadAsset").args([id]))?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

#[test]
fn two_users_create_and_transfer_an_asset() -> Result<()> {
    let sandbox = sandbox()?;
    let create = call("CreateAsset").args(["asset7", "pink", "1", "Ann", "9"]);
    sandbox.submit(create.user("User1"))?;
    let transfer = call("TransferAsset").args(["asset7", "Bob"]);
    let transferred = sandbox.submit(transfer.user("User2"))?;
    assert_eq!(transferred.endorsed.text(), "Ann", "it returns the old owner");
    assert_eq!(read(&sandbox, "asset7")?.owner, "Bob");
    Ok(())
}

#[test]
fn an_asset_is_updated_and_another_one_deleted() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(call("UpdateAsset").args(["asset1", "grey", "6", "Bo", "1"]))?;
    assert_eq!(read(&sandbox, "asset1")?.color, "grey");
    sandbox.submit(call("DeleteAsset").args(["asset2"]))?;
    let all = sandbox.evaluate(call("GetAllAssets"))?.response.payload;
    let all: Vec<Asset> = serde_json::from_slice(&all).expect("it answers in JSON");
    let ids: Vec<&str> = all.iter().map(|asset| asset.id.as_str()).collect();
    assert_eq!(ids, ["asset1", "asset3", "asset4", "asset5", "asset6"]);
    Ok(())
}

#[test]
fn of_two_transfers_at_the_same_time_the_second_is_not_valid() -> Result<()> {
    let sandbox = sandbox()?;
    // Both are endorsed on the same state and ordered into one block.
    let to_ann = sandbox.endorse(call("TransferAsset").args(["asset1", "Ann"]).user("User1"))?;
    let to_bob = sandbox.endorse(call("TransferAsset").args(["asset1", "Bob"]).user("User2"))?;
    let committed = sandbox.commit(vec![to_ann, to_bob])?;
    assert_eq!(committed[0].code, TxValidationCode::Valid);
    assert_eq!(committed[1].code, TxValidationCode::MvccReadConflict);
    assert_eq!(read(&sandbox, "asset1")?.owner, "Ann");
    Ok(())
}

#[test]
fn a_transfer_reads_and_writes_one_asset_and_sets_no_event() -> Result<()> {
    let sandbox = sandbox()?;
    let endorsed = sandbox.evaluate(call("TransferAsset").args(["asset1", "Ann"]))?;
    let rwset = endorsed.rwset.expect("it was endorsed");
    let own = &rwset.namespaces["basic"];
    assert_eq!(own.reads.len(), 1);
    assert_eq!(own.reads[0].key, "asset1");
    assert_eq!(own.writes.len(), 1);
    assert_eq!(
        String::from_utf8_lossy(&own.writes[0].value),
        r#"{"AppraisedValue":300,"Color":"blue","ID":"asset1","Owner":"Ann","Size":5}"#
    );
    assert_eq!(endorsed.event, None);
    Ok(())
}

#[test]
fn what_the_contract_refuses_is_not_committed() -> Result<()> {
    let sandbox = sandbox()?;
    let height = sandbox.height()?;
    let refused = sandbox.submit(call("TransferAsset").args(["asset0", "Ann"]));
    let Err(SandboxError::Refused(answer)) = refused else { panic!("it should be refused") };
    assert_eq!(answer.message, "the asset asset0 does not exist");
    assert_eq!(sandbox.height()?, height);
    Ok(())
}

#[test]
fn arguments_are_read_as_in_every_language_of_the_samples() -> Result<()> {
    let sandbox = sandbox()?;
    // An empty text is the zero value, and surplus arguments are ignored.
    let create = call("CreateAsset").args(["asset7", "pink", "", "Ann", "9", "more"]);
    sandbox.submit(create)?;
    assert_eq!(read(&sandbox, "asset7")?.size, 0);
    for size in ["5.0", "1e3", "five", "9223372036854775808"] {
        let create = call("CreateAsset").args(["asset8", "pink", size, "Ann", "9"]);
        let Err(SandboxError::Refused(answer)) = sandbox.submit(create) else {
            panic!("{size} should be refused")
        };
        assert_eq!(answer.message, format!("parameter size: {size:?} is not a i64"));
    }
    let Err(SandboxError::Refused(answer)) = sandbox.submit(call("CreateAsset").args(["asset8"]))
    else {
        panic!("it should be refused")
    };
    let expected = "incorrect number of params. Expected 5, received 1: parameter color is missing";
    assert_eq!(answer.message, expected);
    Ok(())
}

#[test]
fn sandboxes_know_nothing_of_each_other() -> Result<()> {
    let story = |owner: &'static str| {
        move || -> Result<String> {
            let sandbox = sandbox()?;
            sandbox.submit(call("TransferAsset").args(["asset1", owner]))?;
            Ok(read(&sandbox, "asset1")?.owner)
        }
    };
    let threads = ["Ann", "Bob", "Cleo"].map(|owner| (owner, thread::spawn(story(owner))));
    for (owner, thread) in threads {
        assert_eq!(thread.join().expect("it does not panic")?, owner);
    }
    Ok(())
}
