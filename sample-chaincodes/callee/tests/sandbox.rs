//! Tests the contract as a real component on a complete peer, called directly by clients. In the
//! tests of `caller`, another chaincode calls it.

use std::sync::OnceLock;

use callee::Account;
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a peer with the contract and the accounts of ann (`User1`) and bob (`User2`).
fn sandbox() -> Result<Sandbox> {
    let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2)).build()?;
    sandbox.deploy("callee", component())?;
    sandbox.submit(call("Open", ["ann", "100"]))?;
    sandbox.submit(call("Open", ["bob", "5"]).user("User2"))?;
    Ok(sandbox)
}

fn call<const N: usize>(function: &str, args: [&str; N]) -> Call {
    Call::new("callee", function).args(args)
}

fn balance(sandbox: &Sandbox, name: &str) -> Result<u64> {
    let answer = sandbox.evaluate(call("Read", [name]))?;
    let account: Account = serde_json::from_slice(&answer.response.payload).expect("it is JSON");
    Ok(account.balance)
}

#[test]
fn a_payment_changes_both_accounts_and_is_announced() -> Result<()> {
    let sandbox = sandbox()?;
    let paid = sandbox.submit(call("Pay", ["ann", "bob", "40"]))?.endorsed;
    assert_eq!(paid.text(), "60", "it returns what is left");
    let event = paid.event.expect("it sets an event");
    assert_eq!((event.name.as_str(), event.payload.as_slice()), ("Paid", b"bob".as_slice()));
    assert_eq!((balance(&sandbox, "ann")?, balance(&sandbox, "bob")?), (60, 45));
    Ok(())
}

#[test]
fn what_cannot_be_paid_is_refused_with_a_status_that_callers_get_too() -> Result<()> {
    let sandbox = sandbox()?;
    let height = sandbox.height()?;
    for (call, expected) in [
        (call("Pay", ["ann", "ann", "1"]), "status 400: an account does not pay itself"),
        (call("Pay", ["bob", "ann", "1"]), "status 403: the account bob belongs to another client"),
        (call("Pay", ["ann", "eve", "1"]), "status 404: there is no account eve"),
        (call("Pay", ["ann", "bob", "101"]), "status 409: the account ann has only 100"),
        (call("Open", ["ann", "1"]), "status 409: there is an account ann already"),
    ] {
        let refused = sandbox.submit(call).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
    assert_eq!(sandbox.height()?, height);
    Ok(())
}

#[test]
fn an_account_belongs_to_a_client_and_not_to_a_name() -> Result<()> {
    let sandbox = sandbox()?;
    // A client of the same name in another organization is a different client.
    let pay = call("Pay", ["ann", "bob", "1"]).org("Org2MSP").user("User1");
    let refused = sandbox.submit(pay).unwrap_err();
    assert_eq!(refused.to_string(), "status 403: the account ann belongs to another client");
    assert_eq!(balance(&sandbox, "ann")?, 100);
    Ok(())
}

#[test]
fn of_two_payments_at_the_same_time_the_second_is_not_valid() -> Result<()> {
    let sandbox = sandbox()?;
    let first = sandbox.endorse(call("Pay", ["ann", "bob", "70"]))?;
    let second = sandbox.endorse(call("Pay", ["ann", "bob", "80"]))?;
    let committed = sandbox.commit(vec![first, second])?;
    let codes = [committed[0].code, committed[1].code];
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    assert_eq!((balance(&sandbox, "ann")?, balance(&sandbox, "bob")?), (30, 75));
    Ok(())
}
