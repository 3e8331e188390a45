//! Tests the contract as a real component on peers of two organizations: the central banker is a
//! client of Org1, the recipient one of Org2. They cover the events of listeners, and concurrent
//! transactions. The tests in `src` are faster.

use std::sync::OnceLock;

use token_erc_20::Event;
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

/// A client: organization and name.
type Client = (&'static str, &'static str);

const BANKER: Client = ("Org1MSP", "User1");
const RECIPIENT: Client = ("Org2MSP", "User1");
const SPENDER: Client = ("Org2MSP", "User2");

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations, either of which endorses, with the deployed contract.
fn deployed() -> Result<Sandbox> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs(["Org1MSP", "Org2MSP"]).build()?;
    let either = Some("OR('Org1MSP.peer','Org2MSP.peer')");
    sandbox.deploy_by_lifecycle("token_erc20", component(), either)?;
    Ok(sandbox)
}

/// Returns such a channel with 5000 tokens of the banker.
fn sandbox() -> Result<Sandbox> {
    let sandbox = deployed()?;
    sandbox.submit(initialize(BANKER))?;
    sandbox.submit(call(BANKER, "Mint", ["5000"]))?;
    Ok(sandbox)
}

fn call<const N: usize>((org, user): Client, function: &str, args: [&str; N]) -> Call {
    Call::new("token_erc20", function).args(args).org(org).user(user)
}

fn initialize(client: Client) -> Call {
    call(client, "Initialize", ["some name", "some symbol", "2"])
}

fn account(sandbox: &Sandbox, client: Client) -> Result<String> {
    Ok(sandbox.evaluate(call(client, "ClientAccountID", []))?.text())
}

fn balance(sandbox: &Sandbox, client: Client) -> Result<String> {
    Ok(sandbox.evaluate(call(client, "ClientAccountBalance", []))?.text())
}

#[test]
fn a_transfer_moves_tokens_to_another_organization_and_is_announced() -> Result<()> {
    let sandbox = sandbox()?;
    let [from, to] = [account(&sandbox, BANKER)?, account(&sandbox, RECIPIENT)?];
    let moved = sandbox.submit(call(BANKER, "Transfer", [&to, "100"]))?.endorsed;
    let event = moved.event.expect("it sets an event");
    let payload: Event = serde_json::from_slice(&event.payload).expect("it is JSON");
    assert_eq!(event.name, "Transfer");
    assert_eq!(payload, Event { from, to, value: 100 });
    let balances = [balance(&sandbox, BANKER)?, balance(&sandbox, RECIPIENT)?];
    assert_eq!(balances, ["4900", "100"]);
    Ok(())
}

#[test]
fn a_spender_transfers_no_more_than_it_is_allowed() -> Result<()> {
    let sandbox = sandbox()?;
    let [from, to] = [account(&sandbox, BANKER)?, account(&sandbox, RECIPIENT)?];
    let spender = account(&sandbox, SPENDER)?;
    let spend = |amount: &str| call(SPENDER, "TransferFrom", [&from, &to, amount]);
    let words = "status 500: spender does not have enough allowance for transfer";
    assert_eq!(sandbox.submit(spend("1")).unwrap_err().to_string(), words);
    sandbox.submit(call(BANKER, "Approve", [&spender, "500"]))?;
    sandbox.submit(spend("200"))?;
    assert_eq!(sandbox.submit(spend("301")).unwrap_err().to_string(), words);
    let left = sandbox.evaluate(call(RECIPIENT, "Allowance", [&from, &spender]))?;
    assert_eq!(left.text(), "300");
    assert_eq!(balance(&sandbox, RECIPIENT)?, "200");
    Ok(())
}

#[test]
fn only_the_central_banker_initializes_once_mints_and_burns() -> Result<()> {
    let sandbox = deployed()?;
    let early = "Contract options need to be set before calling any function, call Initialize() to \
                 initialize contract";
    let twice = "contract options are already set, client is not authorized to change them";
    let refused = |call: Call| sandbox.submit(call).map(drop).unwrap_err().to_string();
    assert_eq!(refused(call(BANKER, "Mint", ["1"])), format!("status 500: {early}"));
    let words = "status 500: client is not authorized to initialize contract";
    assert_eq!(refused(initialize(RECIPIENT)), words);
    sandbox.submit(initialize(BANKER))?;
    assert_eq!(refused(initialize(BANKER)), format!("status 500: {twice}"));
    sandbox.submit(call(BANKER, "Mint", ["5000"]))?;
    for function in ["Mint", "Burn"] {
        let words = "status 500: client is not authorized to mint new tokens";
        assert_eq!(refused(call(RECIPIENT, function, ["1"])), words);
    }
    sandbox.submit(call(BANKER, "Burn", ["700"]))?;
    assert_eq!(sandbox.evaluate(call(RECIPIENT, "TotalSupply", []))?.text(), "4300");
    Ok(())
}

#[test]
fn what_an_account_does_not_have_is_not_transferred() -> Result<()> {
    let sandbox = sandbox()?;
    let [from, to] = [account(&sandbox, BANKER)?, account(&sandbox, RECIPIENT)?];
    let itself = "cannot transfer to and from same client account".to_owned();
    for (call, expected) in [
        (
            call(BANKER, "Transfer", [&to, "5001"]),
            format!("client account {from} has insufficient funds"),
        ),
        (call(RECIPIENT, "Transfer", [&from, "1"]), format!("client account {to} has no balance")),
        (call(BANKER, "Transfer", [&from, "1"]), itself),
    ] {
        let refused = sandbox.submit(call).unwrap_err();
        assert_eq!(refused.to_string(), format!("status 500: failed to transfer: {expected}"));
    }
    Ok(())
}

#[test]
fn tokens_are_spent_once() -> Result<()> {
    let sandbox = sandbox()?;
    let to = account(&sandbox, RECIPIENT)?;
    let one = sandbox.endorse(call(BANKER, "Transfer", [&to, "3000"]))?;
    let two = sandbox.endorse(call(BANKER, "Transfer", [&to, "4000"]))?;
    let committed = sandbox.commit(vec![one, two])?;
    let codes = [committed[0].code, committed[1].code];
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    let balances = [balance(&sandbox, BANKER)?, balance(&sandbox, RECIPIENT)?];
    assert_eq!(balances, ["2000", "3000"]);
    Ok(())
}
