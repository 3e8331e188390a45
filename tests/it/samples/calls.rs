//! The samples `caller` and `callee`: two chaincodes in one transaction.

use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::guest;
use wasmcc_types::proto::protos::TxValidationCode;

use super::{json, refusal, submit};

fn shop(function: &str, args: &[&str]) -> Call {
    Call::new("caller", function).args(args.iter().copied())
}

fn accounts(function: &str, args: &[&str]) -> Call {
    Call::new("callee", function).args(args.iter().copied())
}

fn balance(sandbox: &Sandbox, name: &str) -> u64 {
    json(sandbox, accounts("Read", &[name]))["balance"].as_u64().unwrap()
}

/// With bob's bike for 40, which ann (`User1`) can pay twice.
fn offered() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("callee", &guest("callee")).unwrap();
    sandbox.deploy("caller", &guest("caller")).unwrap();
    submit(&sandbox, accounts("Open", &["ann", "100"]));
    submit(&sandbox, accounts("Open", &["bob", "5"]).user("User2"));
    submit(&sandbox, shop("Offer", &["bike", "40", "bob"]));
    sandbox
}

#[test]
fn a_sale_and_its_payment_are_one_transaction() {
    let sandbox = offered();
    let sold = submit(&sandbox, shop("Buy", &["bike", "ann"]));
    assert_eq!(sold.text(), "60");
    let rwset = sold.rwset.as_ref().unwrap();
    let writes = |name: &str| rwset.namespaces[name].writes.len();
    assert_eq!((writes("caller"), writes("callee")), (1, 2));
    assert_eq!(sold.event.unwrap().name, "Sold", "the event of the called one is dropped");
    assert_eq!((balance(&sandbox, "ann"), balance(&sandbox, "bob")), (60, 45));
    assert_eq!(json(&sandbox, shop("Read", &["bike"]))["owner"], "ann");

    submit(&sandbox, shop("Offer", &["car", "500", "bob"]));
    let poor = refusal(&sandbox, shop("Buy", &["car", "ann"]));
    assert_eq!(poor, "the account ann has only 60");
    let thief = refusal(&sandbox, shop("Buy", &["car", "ann"]).user("User2"));
    assert_eq!(thief, "the account ann belongs to another client");
    assert_eq!(balance(&sandbox, "ann"), 60);
}

#[test]
fn a_sale_conflicts_with_a_payment_in_the_other_chaincode() {
    let sandbox = offered();
    let sale = sandbox.endorse(shop("Buy", &["bike", "ann"])).unwrap();
    let payment = sandbox.endorse(accounts("Pay", &["ann", "bob", "90"])).unwrap();
    let codes: Vec<TxValidationCode> =
        sandbox.commit(vec![payment, sale]).unwrap().iter().map(|done| done.code).collect();
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    assert_eq!(json(&sandbox, shop("Read", &["bike"]))["owner"], "bob");
    assert_eq!((balance(&sandbox, "ann"), balance(&sandbox, "bob")), (10, 95));
}

#[test]
fn without_the_other_chaincode_nothing_is_offered() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("caller", &guest("caller")).unwrap();
    let said = sandbox.endorse(shop("Offer", &["bike", "40", "bob"])).unwrap().response;
    assert_eq!(said.status, 500);
    assert!(said.message.contains("callee"), "{}", said.message);
}
