//! Tests both components of the pair on a complete peer: the shop calls the accounts in its
//! transactions. The tests in `src/lib.rs` are faster.

use std::sync::OnceLock;

use callee::Account;
use caller::Item;
use serde::de::DeserializeOwned;
use wasmcc_test::{Call, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

/// The components of caller and callee, built once for all tests.
fn components() -> &'static [Vec<u8>; 2] {
    static COMPONENTS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    COMPONENTS.get_or_init(|| {
        let folders =
            [".", "../callee"].map(|name| format!("{}/{name}", env!("CARGO_MANIFEST_DIR")));
        folders.map(|folder| build(folder).expect("the contract builds"))
    })
}

/// Returns a peer with both contracts and bob's bike for 40, which ann (`User1`) can afford twice.
fn sandbox() -> Result<Sandbox> {
    let sandbox = Sandbox::new()?;
    let [caller, callee] = components();
    sandbox.deploy("caller", caller)?;
    sandbox.deploy("callee", callee)?;
    sandbox.submit(accounts("Open", ["ann", "100"]))?;
    sandbox.submit(accounts("Open", ["bob", "5"]).user("User2"))?;
    sandbox.submit(shop("Offer", ["bike", "40", "bob"]))?;
    Ok(sandbox)
}

fn shop<const N: usize>(function: &str, args: [&str; N]) -> Call {
    Call::new("caller", function).args(args)
}

fn accounts<const N: usize>(function: &str, args: [&str; N]) -> Call {
    Call::new("callee", function).args(args)
}

fn read<T: DeserializeOwned>(sandbox: &Sandbox, call: Call) -> Result<T> {
    let answer = sandbox.evaluate(call)?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

/// Returns the balances of ann and bob.
fn balances(sandbox: &Sandbox) -> Result<(u64, u64)> {
    let ann: Account = read(sandbox, accounts("Read", ["ann"]))?;
    let bob: Account = read(sandbox, accounts("Read", ["bob"]))?;
    Ok((ann.balance, bob.balance))
}

#[test]
fn a_sale_and_its_payment_are_one_transaction() -> Result<()> {
    let sandbox = sandbox()?;
    let height = sandbox.height()?;
    let sold = sandbox.submit(shop("Buy", ["bike", "ann"]))?.endorsed;
    assert_eq!(sold.text(), "60", "it returns what is left");
    assert_eq!(sandbox.height()?, height + 1);
    let rwset = sold.rwset.expect("it was endorsed");
    let writes = |name: &str| rwset.namespaces[name].writes.len();
    assert_eq!((writes("caller"), writes("callee")), (1, 2));
    let event = sold.event.expect("it sets an event").name;
    assert_eq!(event, "Sold", "the event of the called one is dropped");
    assert_eq!(balances(&sandbox)?, (60, 45));
    assert_eq!(read::<Item>(&sandbox, shop("Read", ["bike"]))?.owner, "ann");
    Ok(())
}

#[test]
fn a_refusal_of_the_called_chaincode_refuses_the_sale() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(shop("Offer", ["car", "500", "bob"]))?;
    for (call, expected) in [
        (shop("Buy", ["car", "ann"]), "status 409: the account ann has only 100"),
        // The called chaincode sees the client that submitted the transaction.
        (
            shop("Buy", ["bike", "ann"]).user("User2"),
            "status 403: the account ann belongs to another client",
        ),
        (shop("Offer", ["boat", "1", "eve"]), "status 404: there is no account eve"),
        (shop("Buy", ["boat", "ann"]), "status 404: there is no item boat"),
    ] {
        let refused = sandbox.submit(call).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
    assert_eq!(balances(&sandbox)?, (100, 5));
    assert!(read::<Item>(&sandbox, shop("Read", ["bike"]))?.for_sale);
    Ok(())
}

#[test]
fn a_payment_in_between_makes_the_sale_invalid() -> Result<()> {
    let sandbox = sandbox()?;
    let sale = sandbox.endorse(shop("Buy", ["bike", "ann"]))?;
    let payment = sandbox.endorse(accounts("Pay", ["ann", "bob", "90"]))?;
    let committed = sandbox.commit(vec![payment, sale])?;
    let codes = [committed[0].code, committed[1].code];
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    assert_eq!(balances(&sandbox)?, (10, 95));
    assert_eq!(read::<Item>(&sandbox, shop("Read", ["bike"]))?.owner, "bob");
    Ok(())
}

#[test]
fn without_the_other_chaincode_nothing_is_offered() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let [caller, _] = components();
    sandbox.deploy("caller", caller)?;
    let refused = sandbox.endorse(shop("Offer", ["bike", "40", "bob"]))?;
    let expected = format!(
        "INVOKE_CHAINCODE failed: transaction ID: {}: execute failed: invalid invocation: [channel \
         mychannel] failed to get chaincode container info for callee: chaincode callee not found",
        refused.tx_id
    );
    assert_eq!((refused.response.status, refused.response.message), (500, expected));
    Ok(())
}
