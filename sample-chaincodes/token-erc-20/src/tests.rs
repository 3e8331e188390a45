//! Native tests of the contract on the mock ledger: minting, transfers and allowances.

use super::*;
use wasmcc_sdk::args;
use wasmcc_sdk::testing::{Answer, MockLedger};

/// Returns a ledger with 5,000 tokens of the client `minter`.
fn minted() -> MockLedger {
    let mut ledger = MockLedger::new(vec![&TokenErc20]);
    let set = as_minter(&mut ledger).submit("Initialize", args!["some name", "some symbol", "2"]);
    assert_eq!(set.unwrap().text(), "true");
    ledger.submit("Mint", args![5000]).unwrap();
    ledger
}

fn as_minter(ledger: &mut MockLedger) -> &mut MockLedger {
    ledger.as_client("Org1MSP", "minter", &[])
}

fn as_recipient(ledger: &mut MockLedger) -> &mut MockLedger {
    ledger.as_client("Org2MSP", "recipient", &[])
}

fn account(ledger: &mut MockLedger) -> String {
    ledger.evaluate("ClientAccountID", args![]).unwrap().text()
}

fn event(answer: Result<Answer>) -> (String, Event) {
    let (name, payload) = answer.unwrap().event.unwrap();
    (name, serde_json::from_slice(&payload).unwrap())
}

#[test]
fn nothing_works_before_the_contract_is_initialized() {
    let mut ledger = MockLedger::new(vec![&TokenErc20]);
    let calls = [
        ("Mint", args![1]),
        ("Burn", args![1]),
        ("Transfer", args!["a", 1]),
        ("TransferFrom", args!["a", "b", 1]),
        ("Approve", args!["a", 1]),
        ("Allowance", args!["a", "b"]),
        ("BalanceOf", args!["a"]),
        ("ClientAccountID", args![]),
        ("TotalSupply", args![]),
        ("Name", args![]),
        ("Symbol", args![]),
        ("Decimals", args![]),
    ];
    as_minter(&mut ledger);
    for (function, args) in calls {
        let refused = ledger.submit(function, args).unwrap_err();
        let expected = "Contract options need to be set before calling any function, call \
                        Initialize() to initialize contract";
        assert_eq!(refused.message(), expected, "{function}");
    }
    let refused = as_recipient(&mut ledger).submit("Initialize", args!["n", "s", "2"]);
    assert_eq!(refused.unwrap_err().message(), "client is not authorized to initialize contract");
}

#[test]
fn the_central_banker_mints_and_burns() {
    let mut ledger = minted();
    let minter = account(&mut ledger);
    assert_eq!(ledger.get_state(&minter), Some(b"5000".as_slice()));
    let burned = event(ledger.submit("Burn", args![1000]));
    let expected = Event { from: minter, to: NOBODY.into(), value: 1000 };
    assert_eq!(burned, ("Transfer".to_owned(), expected));
    assert_eq!(ledger.evaluate("TotalSupply", args![]).unwrap().text(), "4000");
    assert_eq!(ledger.evaluate("ClientAccountBalance", args![]).unwrap().text(), "4000");
    for (function, amount, expected) in [
        ("Mint", 0, "mint amount must be a positive integer"),
        ("Burn", -1, "burn amount must be a positive integer"),
        ("Burn", 4001, "Error: the number 4000 is not enough to be subtracted by 4001"),
        ("Mint", i64::MAX, "Math: addition overflow occurred 4000 + 9223372036854775807"),
    ] {
        let refused = ledger.submit(function, args![amount]).unwrap_err();
        assert_eq!(refused.message(), expected);
    }
    let options = ["Name", "Symbol", "Decimals"];
    let options = options.map(|name| ledger.evaluate(name, args![]).unwrap().text());
    assert_eq!(options, ["some name", "some symbol", "2"]);
    let again = ledger.submit("Initialize", args!["n", "s", "2"]).unwrap_err();
    let expected = "contract options are already set, client is not authorized to change them";
    assert_eq!(again.message(), expected);
    let other = as_recipient(&mut ledger).submit("Mint", args![1]).unwrap_err();
    assert_eq!(other.message(), "client is not authorized to mint new tokens");
}

#[test]
fn tokens_are_transferred_between_accounts() {
    let mut ledger = minted();
    let recipient = account(as_recipient(&mut ledger));
    let minter = account(as_minter(&mut ledger));
    let transferred = event(ledger.submit("Transfer", args![&recipient, 100]));
    let expected = Event { from: minter.clone(), to: recipient.clone(), value: 100 };
    assert_eq!(transferred, ("Transfer".to_owned(), expected));
    assert_eq!(ledger.evaluate("BalanceOf", args![&minter]).unwrap().text(), "4900");
    assert_eq!(ledger.evaluate("BalanceOf", args![&recipient]).unwrap().text(), "100");
    let missing = ledger.evaluate("BalanceOf", args!["nobody"]).unwrap_err();
    assert_eq!(missing.message(), "the account nobody does not exist");
    let (supply, name) = ("totalSupply".to_owned(), "name".to_owned());
    let poor = format!("client account {minter} has insufficient funds");
    for (to, amount, expected) in [
        (&minter, 1, "cannot transfer to and from same client account"),
        (&recipient, -1, "transfer amount cannot be negative"),
        (&recipient, 0, "Error: the subtraction number is 0, it should be greater than 0"),
        (&recipient, 4901, &poor),
        (&supply, 1, "totalSupply is not a client account"),
        (&name, 1, "name is not a client account"),
    ] {
        let refused = ledger.submit("Transfer", args![to, amount]).unwrap_err();
        assert_eq!(refused.message(), format!("failed to transfer: {expected}"));
    }
    let stranger = ledger.as_client("Org2MSP", "stranger", &[]);
    let stranger_account = account(stranger);
    let refused = ledger.submit("Transfer", args![&minter, 1]).unwrap_err();
    let expected = format!("failed to transfer: client account {stranger_account} has no balance");
    assert_eq!(refused.message(), expected);
}

#[test]
fn a_spender_transfers_no_more_than_it_is_allowed() {
    let mut ledger = minted();
    let minter = account(&mut ledger);
    let spender = account(as_recipient(&mut ledger));
    let approved = event(as_minter(&mut ledger).submit("Approve", args![&spender, 500]));
    let expected = Event { from: minter.clone(), to: spender.clone(), value: 500 };
    assert_eq!(approved, ("Approval".to_owned(), expected));
    as_recipient(&mut ledger).submit("TransferFrom", args![&minter, &spender, 200]).unwrap();
    let left = ledger.evaluate("Allowance", args![&minter, &spender]).unwrap();
    assert_eq!(left.text(), "300");
    let refused = ledger.submit("TransferFrom", args![&minter, &spender, 301]).unwrap_err();
    assert_eq!(refused.message(), "spender does not have enough allowance for transfer");
    assert_eq!(ledger.evaluate("BalanceOf", args![&minter]).unwrap().text(), "4800");
    let none = ledger.evaluate("Allowance", args![&spender, &minter]).unwrap();
    assert_eq!(none.text(), "0");
}
