//! The sample `commercial-paper`: MagnetoCorp (Org2MSP) issues a paper, DigiBank (Org1MSP) buys it.

use serde_json::{Value, json};
use wasmcc_node::sandbox::{Call, Sandbox};

use super::{ORG1, ORG2, call, json as query, refusal, submit, text, two_organizations};

/// The arguments after issuer and number.
fn paper(org: &str, function: &str, number: &str, args: &[&str]) -> Call {
    call("papercontract", org, function, &[&["MagnetoCorp", number], args].concat())
}

fn issue(number: &str) -> Call {
    paper(ORG2, "issue", number, &["2020-05-31", "2020-11-30", "5000000"])
}

fn buy(function: &str, number: &str, from: &str) -> Call {
    paper(ORG1, function, number, &[from, "DigiBank", "4900000", "2020-05-31"])
}

fn redeem(org: &str, number: &str) -> Call {
    paper(org, "redeem", number, &["DigiBank", ORG2, "2020-11-30"])
}

fn committed(sandbox: &Sandbox, call: Call) -> Value {
    serde_json::from_str(&submit(sandbox, call).text()).unwrap()
}

#[test]
fn papers_are_issued_bought_transferred_redeemed_and_found() {
    let sandbox = two_organizations("commercial-paper", "papercontract", None);
    let issued = committed(&sandbox, issue("00001"));
    assert_eq!((&issued["currentState"], &issued["mspid"]), (&json!(1), &json!(ORG2)));
    // Applications name the contract, too.
    let named = buy("org.papernet.commercialpaper:buy", "00001", "MagnetoCorp");
    let bought = committed(&sandbox, named);
    assert_eq!((&bought["currentState"], &bought["owner"]), (&json!(3), &json!("DigiBank")));
    let again = refusal(&sandbox, buy("buy", "00001", "MagnetoCorp"));
    assert_eq!(again, "\nPaper MagnetoCorp00001 is not owned by MagnetoCorp");
    let thief = refusal(&sandbox, redeem(ORG2, "00001"));
    assert!(thief.contains(" cannot be redeemed by Org2MSP, as it is not "), "{thief}");
    let redeemed = committed(&sandbox, redeem(ORG1, "00001"));
    assert_eq!((&redeemed["currentState"], &redeemed["owner"]), (&json!(4), &json!("MagnetoCorp")));

    // The other way: a request, which the owner's organization confirms.
    submit(&sandbox, issue("00002"));
    let transfer = |org: &str| paper(org, "transfer", "00002", &["DigiBank", ORG1, "2020-06-01"]);
    let early = refusal(&sandbox, transfer(ORG2));
    assert!(early.ends_with("must run buy_request transaction first"), "{early}");
    submit(&sandbox, buy("buy_request", "00002", "MagnetoCorp"));
    let thief = refusal(&sandbox, transfer(ORG1));
    assert!(thief.ends_with("and not authorised to transfer"), "{thief}");
    let transferred = committed(&sandbox, transfer(ORG2));
    assert_eq!(transferred["confirmDateTime"], "2020-06-01");

    let history = query(&sandbox, paper(ORG1, "queryHistory", "00001", &[]));
    let states: Vec<&Value> =
        history.as_array().unwrap().iter().map(|entry| &entry["Value"]["currentState"]).collect();
    assert_eq!(states, [&json!("REDEEMED"), &json!("TRADING"), &json!("ISSUED")]);
    let found = |function: &str, argument: &str| {
        let found = query(&sandbox, call("papercontract", ORG1, function, &[argument]));
        let numbers = found.as_array().unwrap().iter();
        let numbers = numbers.map(|found| found["Record"]["paperNumber"].as_str().unwrap());
        numbers.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found("queryPartial", "MagnetoCorp"), ["00001", "00002"]);
    assert_eq!(found("queryOwner", "DigiBank"), ["00002"]);
    assert_eq!(found("queryNamed", "redeemed"), ["00001"]);
    assert_eq!(found("queryNamed", "trading"), ["00002"]);
    assert_eq!(found("queryNamed", "value"), ["00001", "00002"]);
    let adhoc = r#"{"selector":{"faceValue":{"$lt":8000000}}}"#;
    assert_eq!(found("queryAdhoc", adhoc), ["00001", "00002"]);
    let none = call("papercontract", ORG1, "queryAdhoc", &[r#"{"selector":{"owner":"x"}}"#]);
    assert_eq!(text(&sandbox, none), "[]");
}
