//! Tests the contract as a real component on peers of two organizations: MagnetoCorp (Org2MSP)
//! issues papers, DigiBank (Org1MSP) buys them. The tests in `src/lib.rs` are faster.

use std::sync::OnceLock;

use commercial_paper::{CommercialPaper, Found, PaperHistory};
use serde::de::DeserializeOwned;
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

const DIGIBANK: &str = "Org1MSP";
const MAGNETOCORP: &str = "Org2MSP";

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations, which both endorse, with the paper 00001.
fn sandbox() -> Result<Sandbox> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs([DIGIBANK, MAGNETOCORP]).build()?;
    sandbox.deploy_by_lifecycle("papercontract", component(), None)?;
    sandbox.submit(issue("00001"))?;
    Ok(sandbox)
}

fn call<const N: usize>(org: &str, function: &str, args: [&str; N]) -> Call {
    Call::new("papercontract", function).args(args).org(org)
}

fn issue(number: &str) -> Call {
    let dates = ("2020-05-31", "2020-11-30");
    call(MAGNETOCORP, "issue", ["MagnetoCorp", number, dates.0, dates.1, "5000000"])
}

/// Returns a purchase by DigiBank, or the request for one.
fn buy(function: &str) -> Call {
    let from = ["MagnetoCorp", "00001", "MagnetoCorp", "DigiBank", "4900000", "2020-05-31"];
    call(DIGIBANK, function, from)
}

fn transfer(org: &str) -> Call {
    call(org, "transfer", ["MagnetoCorp", "00001", "DigiBank", DIGIBANK, "2020-06-01"])
}

fn redeem(org: &str) -> Call {
    call(org, "redeem", ["MagnetoCorp", "00001", "DigiBank", MAGNETOCORP, "2020-11-30"])
}

/// Commits a call; returns the paper in its result.
fn paper(sandbox: &Sandbox, call: Call) -> Result<CommercialPaper> {
    let payload = sandbox.submit(call)?.endorsed.response.payload;
    Ok(serde_json::from_slice(&payload).expect("it answers in JSON"))
}

fn read<T: DeserializeOwned>(sandbox: &Sandbox, call: Call) -> Result<T> {
    let answer = sandbox.evaluate(call)?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

#[test]
fn a_paper_is_bought_and_redeemed_by_its_new_owner() -> Result<()> {
    let sandbox = sandbox()?;
    // Applications also name the contract.
    let bought = paper(&sandbox, buy("org.papernet.commercialpaper:buy"))?;
    assert_eq!((bought.current_state, bought.owner.as_str()), (3, "DigiBank"));
    assert_eq!(bought.mspid, DIGIBANK);
    let again = sandbox.submit(buy("buy")).unwrap_err();
    let words = "status 500: \nPaper MagnetoCorp00001 is not owned by MagnetoCorp";
    assert_eq!(again.to_string(), words);
    let early = sandbox.submit(redeem(MAGNETOCORP)).unwrap_err();
    assert_eq!(
        early.to_string(),
        "status 500: \nPaper MagnetoCorp00001 cannot be redeemed by Org2MSP, as it is not the \
         authorised owning Organisation"
    );
    let redeemed = paper(&sandbox, redeem(DIGIBANK))?;
    assert_eq!((redeemed.current_state, redeemed.owner.as_str()), (4, "MagnetoCorp"));
    let late = sandbox.submit(redeem(MAGNETOCORP)).unwrap_err();
    let words = "status 500: \nPaper MagnetoCorp00001 has already been redeemed";
    assert_eq!(late.to_string(), words);
    Ok(())
}

#[test]
fn a_requested_purchase_is_confirmed_by_the_owners_organization() -> Result<()> {
    let sandbox = sandbox()?;
    let early = sandbox.submit(transfer(MAGNETOCORP)).unwrap_err().to_string();
    assert!(early.ends_with("\n must run buy_request transaction first"), "{early}");
    sandbox.submit(buy("buy_request"))?;
    let thief = sandbox.submit(transfer(DIGIBANK)).unwrap_err();
    assert_eq!(
        thief.to_string(),
        "status 500: \nPaper MagnetoCorp00001 is not owned by the current invoking Organisation, \
         and not authorised to transfer"
    );
    let transferred = paper(&sandbox, transfer(MAGNETOCORP))?;
    assert_eq!((transferred.current_state, transferred.mspid.as_str()), (3, DIGIBANK));
    assert_eq!(transferred.confirm_date_time.as_deref(), Some("2020-06-01"));
    Ok(())
}

#[test]
fn the_history_of_a_paper_has_its_states_in_words() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(buy("buy"))?;
    let redeemed = sandbox.submit(redeem(DIGIBANK))?.endorsed.tx_id;
    let query = call(MAGNETOCORP, "queryHistory", ["MagnetoCorp", "00001"]);
    let history: Vec<PaperHistory> = read(&sandbox, query)?;
    let states: Vec<_> =
        history.iter().filter_map(|past| past.value["currentState"].as_str()).collect();
    assert_eq!(states, ["REDEEMED", "TRADING", "ISSUED"]);
    assert_eq!(history[0].tx_id, redeemed);
    Ok(())
}

#[test]
fn papers_are_found_by_issuer_owner_and_state() -> Result<()> {
    let sandbox = sandbox()?;
    sandbox.submit(issue("00002"))?;
    sandbox.submit(buy("buy"))?;
    for (function, argument, expected) in [
        ("queryPartial", "MagnetoCorp", &["00001", "00002"][..]),
        ("queryOwner", "DigiBank", &["00001"]),
        ("queryNamed", "trading", &["00001"]),
        ("queryNamed", "redeemed", &[]),
        ("queryNamed", "value", &["00001", "00002"]),
        ("queryAdhoc", r#"{"selector":{"owner":"MagnetoCorp"}}"#, &["00002"]),
    ] {
        let found: Vec<Found> = read(&sandbox, call(DIGIBANK, function, [argument]))?;
        let numbers = found.iter().filter_map(|found| found.record["paperNumber"].as_str());
        assert_eq!(numbers.collect::<Vec<_>>(), expected, "{function} {argument}");
    }
    let unknown = sandbox.evaluate(call(DIGIBANK, "queryNamed", ["old"])).unwrap_err();
    let words = "status 500: invalid named query supplied: old- please try again ";
    assert_eq!(unknown.to_string(), words);
    Ok(())
}

#[test]
fn a_paper_is_sold_once() -> Result<()> {
    let sandbox = sandbox()?;
    let sales = [buy("buy"), buy("buy")].map(|call| -> Result<_> {
        let mut endorsed = sandbox.endorse(call)?;
        sandbox.endorse_also(MAGNETOCORP, &mut endorsed)?;
        Ok(endorsed)
    });
    let committed = sandbox.commit(sales.into_iter().collect::<Result<_>>()?)?;
    let codes = [committed[0].code, committed[1].code];
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    Ok(())
}
