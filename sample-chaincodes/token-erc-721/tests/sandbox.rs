//! Tests the contract as a real component on peers of two organizations: the issuer is a client of
//! Org1, the recipient one of Org2. They cover the view of both clients, and concurrent
//! transactions. The tests in `src` are faster.

use std::sync::OnceLock;

use token_erc_721::{Nft, Transfer};
use wasmcc_test::{Call, Endorsed, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

/// A client: organization and name.
type Client = (&'static str, &'static str);

const ISSUER: Client = ("Org1MSP", "User1");
const RECIPIENT: Client = ("Org2MSP", "User1");
const OPERATOR: Client = ("Org2MSP", "User2");
const NO_OPERATOR: &str =
    "status 500: the sender is not the current owner nor an authorized operator";

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations, either of which endorses, with the token 101 of the
/// issuer.
fn sandbox() -> Result<Sandbox> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs(["Org1MSP", "Org2MSP"]).build()?;
    let either = Some("OR('Org1MSP.peer','Org2MSP.peer')");
    sandbox.deploy_by_lifecycle("token_erc721", component(), either)?;
    sandbox.submit(call(ISSUER, "Initialize", ["some name", "some symbol"]))?;
    sandbox.submit(mint(ISSUER, "101"))?;
    Ok(sandbox)
}

fn call<const N: usize>((org, user): Client, function: &str, args: [&str; N]) -> Call {
    Call::new("token_erc721", function).args(args).org(org).user(user)
}

fn mint(client: Client, id: &str) -> Call {
    call(client, "MintWithTokenURI", [id, "https://example.com/nft.json"])
}

fn account(sandbox: &Sandbox, client: Client) -> Result<String> {
    Ok(sandbox.evaluate(call(client, "ClientAccountID", []))?.text())
}

/// Returns a call that transfers the token 101 from issuer to recipient, by a client.
fn transfer(sandbox: &Sandbox, client: Client) -> Result<Call> {
    let [from, to] = [account(sandbox, ISSUER)?, account(sandbox, RECIPIENT)?];
    Ok(call(client, "TransferFrom", [&from, &to, "101"]))
}

fn owner(sandbox: &Sandbox) -> Result<String> {
    Ok(sandbox.evaluate(call(RECIPIENT, "OwnerOf", ["101"]))?.text())
}

/// Returns the payload of a transfer's event.
fn announced(endorsed: Endorsed) -> Transfer {
    let event = endorsed.event.expect("it sets an event");
    assert_eq!(event.name, "Transfer");
    serde_json::from_slice(&event.payload).expect("it is JSON")
}

#[test]
fn a_token_is_minted_once_by_the_issuer() -> Result<()> {
    let sandbox = sandbox()?;
    let minted = sandbox.submit(mint(ISSUER, "102"))?.endorsed;
    let token: Nft = serde_json::from_slice(&minted.response.payload).expect("it is JSON");
    assert_eq!((token.token_id.as_str(), &token.owner), ("102", &account(&sandbox, ISSUER)?));
    assert_eq!(announced(minted).from, "0x0");
    let again = sandbox.submit(mint(ISSUER, "101")).unwrap_err();
    assert_eq!(again.to_string(), "status 500: the token 101 is already minted.");
    let other = sandbox.submit(mint(RECIPIENT, "103")).unwrap_err();
    let words = "status 500: client is not authorized to set the name and symbol of the token";
    assert_eq!(other.to_string(), words);
    assert_eq!(sandbox.evaluate(call(RECIPIENT, "TotalSupply", []))?.text(), "2");
    Ok(())
}

#[test]
fn its_owner_transfers_a_token_to_another_organization() -> Result<()> {
    let sandbox = sandbox()?;
    let thief = sandbox.submit(transfer(&sandbox, RECIPIENT)?).unwrap_err();
    assert_eq!(thief.to_string(), NO_OPERATOR);
    let moved = sandbox.submit(transfer(&sandbox, ISSUER)?)?.endorsed;
    let [from, to] = [account(&sandbox, ISSUER)?, account(&sandbox, RECIPIENT)?];
    assert!(from.starts_with("x509::CN=User1@org1.example.com"), "{from}");
    assert_eq!(announced(moved), Transfer { from, to: to.clone(), token_id: "101".to_owned() });
    assert_eq!(owner(&sandbox)?, to);
    let late = sandbox.submit(transfer(&sandbox, ISSUER)?).unwrap_err();
    assert_eq!(late.to_string(), NO_OPERATOR);
    Ok(())
}

#[test]
fn operators_and_approved_clients_transfer_for_the_owner() -> Result<()> {
    for (function, args) in [("SetApprovalForAll", ["true"]), ("Approve", ["101"])] {
        let sandbox = sandbox()?;
        let operator = account(&sandbox, OPERATOR)?;
        let early = sandbox.submit(transfer(&sandbox, OPERATOR)?).unwrap_err();
        assert_eq!(early.to_string(), NO_OPERATOR);
        sandbox.submit(call(ISSUER, function, [&operator, args[0]]))?;
        sandbox.submit(transfer(&sandbox, OPERATOR)?)?;
        assert_eq!(owner(&sandbox)?, account(&sandbox, RECIPIENT)?, "{function}");
    }
    Ok(())
}

#[test]
fn a_burned_token_is_gone() -> Result<()> {
    let sandbox = sandbox()?;
    let recipient = account(&sandbox, RECIPIENT)?;
    let thief = sandbox.submit(call(RECIPIENT, "Burn", ["101"])).unwrap_err();
    let words = format!("status 500: non-fungible token 101 is not owned by {recipient}");
    assert_eq!(thief.to_string(), words);
    let burned = sandbox.submit(call(ISSUER, "Burn", ["101"]))?.endorsed;
    assert_eq!(announced(burned).to, "0x0");
    let gone = owner(&sandbox).unwrap_err().to_string();
    assert!(gone.ends_with("The tokenId 101 is invalid. It does not exist"), "{gone}");
    assert_eq!(sandbox.evaluate(call(ISSUER, "ClientAccountBalance", []))?.text(), "0");
    Ok(())
}

#[test]
fn of_a_transfer_and_a_burn_at_the_same_time_the_second_is_not_valid() -> Result<()> {
    let sandbox = sandbox()?;
    let moved = sandbox.endorse(transfer(&sandbox, ISSUER)?)?;
    let burned = sandbox.endorse(call(ISSUER, "Burn", ["101"]))?;
    let committed = sandbox.commit(vec![moved, burned])?;
    let codes = [committed[0].code, committed[1].code];
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    assert_eq!(owner(&sandbox)?, account(&sandbox, RECIPIENT)?);
    Ok(())
}
