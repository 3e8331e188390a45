//! Tests the contract as a real component on peers of two organizations, with a seller and bidders
//! of both: required endorsements, and refusals of each peer. The tests in `src` are faster.

use std::sync::OnceLock;

use auction_simple::{Auction, FullBid};
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

/// A client: organization and name.
type Client = (&'static str, &'static str);

const SELLER: Client = ("Org1MSP", "User1");
const NEIGHBOUR: Client = ("Org1MSP", "User2");
const BIDDER: Client = ("Org2MSP", "User1");
const RIVAL: Client = ("Org2MSP", "User2");

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations with an open auction.
fn sandbox() -> Result<Sandbox> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs(["Org1MSP", "Org2MSP"]).build()?;
    let either = Some("OR('Org1MSP.peer','Org2MSP.peer')");
    sandbox.deploy_by_lifecycle("auction", component(), either)?;
    sandbox.submit(call(SELLER, "CreateAuction", ["a", "painting"]))?;
    Ok(sandbox)
}

fn call<const N: usize>((org, user): Client, function: &str, args: [&str; N]) -> Call {
    Call::new("auction", function).args(args).org(org).user(user)
}

/// Returns a bid as an application makes it.
fn bid_of(sandbox: &Sandbox, client: Client, price: u32) -> Result<String> {
    let bidder = sandbox.evaluate(call(client, "GetSubmittingClientIdentity", []))?.text();
    let org = client.0;
    Ok(format!(r#"{{"objectType":"bid","price":{price},"org":"{org}","bidder":"{bidder}"}}"#))
}

/// Seals a bid and adds it to the auction; returns its id.
fn bid(sandbox: &Sandbox, client: Client, price: u32) -> Result<String> {
    let bid = bid_of(sandbox, client, price)?;
    let sealed = sandbox.submit(call(client, "Bid", ["a"]).transient("bid", bid))?;
    let id = sealed.endorsed.text();
    sandbox.submit(call(client, "SubmitBid", ["a", &id]))?;
    Ok(id)
}

fn reveal(sandbox: &Sandbox, client: Client, price: u32, id: &str) -> Result<Call> {
    let bid = bid_of(sandbox, client, price)?;
    Ok(call(client, "RevealBid", ["a", id]).transient("bid", bid))
}

fn auction(sandbox: &Sandbox) -> Result<Auction> {
    let answer = sandbox.evaluate(call(BIDDER, "QueryAuction", ["a"]))?;
    Ok(serde_json::from_slice(&answer.response.payload).expect("it answers in JSON"))
}

#[test]
fn sealed_bids_are_revealed_and_the_highest_one_wins() -> Result<()> {
    let sandbox = sandbox()?;
    let low = bid(&sandbox, NEIGHBOUR, 800)?;
    let high = bid(&sandbox, BIDDER, 900)?;
    sandbox.submit(call(SELLER, "CloseAuction", ["a"]))?;
    sandbox.submit(reveal(&sandbox, NEIGHBOUR, 800, &low)?)?;
    sandbox.submit(reveal(&sandbox, BIDDER, 900, &high)?)?;
    sandbox.submit(call(SELLER, "EndAuction", ["a"]))?;
    let ended = auction(&sandbox)?;
    assert_eq!((ended.price, ended.status.as_str()), (900, "ended"));
    assert!(ended.winner.contains("CN=User1@org2.example.com"), "{}", ended.winner);
    let late = sandbox.submit(call(SELLER, "EndAuction", ["a"])).unwrap_err();
    assert_eq!(late.to_string(), "status 500: can only end a closed auction");
    Ok(())
}

#[test]
fn only_its_bidder_reads_a_sealed_bid() -> Result<()> {
    let sandbox = sandbox()?;
    let id = bid(&sandbox, BIDDER, 900)?;
    let query = |client: Client| call(client, "QueryBid", ["a", &id]);
    let own = sandbox.evaluate(query(BIDDER))?.response.payload;
    let own: FullBid = serde_json::from_slice(&own).expect("it answers in JSON");
    assert_eq!((own.price, own.org.as_str()), (900, "Org2MSP"));
    let rival = sandbox.evaluate(query(RIVAL)).unwrap_err().to_string();
    let words = "status 500: permission denied, client id x509::CN=User2@org2.example.com";
    assert!(rival.starts_with(words), "{rival}");
    // The other organization's peer has only its hash.
    let other = sandbox.evaluate(query(SELLER)).unwrap_err().to_string();
    assert!(other.ends_with(" does not exist"), "{other}");
    let hashes = auction(&sandbox)?.private_bids;
    assert_eq!(hashes.values().map(|bid| bid.hash.len()).collect::<Vec<_>>(), [64]);
    Ok(())
}

#[test]
fn an_organization_that_bids_endorses_what_comes_next() -> Result<()> {
    let sandbox = sandbox()?;
    let close = || call(SELLER, "CloseAuction", ["a"]);
    assert_eq!(auction(&sandbox)?.organizations, ["Org1MSP"]);
    bid(&sandbox, BIDDER, 900)?;
    assert_eq!(auction(&sandbox)?.organizations, ["Org1MSP", "Org2MSP"]);
    let alone = sandbox.endorse(close())?.accepted()?;
    let code = sandbox.commit(vec![alone])?[0].code;
    assert_eq!(code, TxValidationCode::EndorsementPolicyFailure);
    let other = sandbox.submit(call(BIDDER, "CloseAuction", ["a"])).unwrap_err();
    assert_eq!(other.to_string(), "status 500: auction can only be closed by seller");
    sandbox.submit(close())?;
    assert_eq!(auction(&sandbox)?.status, "closed");
    Ok(())
}

#[test]
fn a_bid_is_revealed_as_it_was_sealed_and_after_the_close() -> Result<()> {
    let sandbox = sandbox()?;
    let id = bid(&sandbox, BIDDER, 900)?;
    let early = sandbox.submit(reveal(&sandbox, BIDDER, 900, &id)?).unwrap_err();
    let words = "status 500: cannot reveal bid for open or ended auction";
    assert_eq!(early.to_string(), words);
    sandbox.submit(call(SELLER, "CloseAuction", ["a"]))?;
    let changed = sandbox.submit(reveal(&sandbox, BIDDER, 1000, &id)?).unwrap_err().to_string();
    assert!(changed.starts_with("status 500: hash "), "{changed}");
    assert!(changed.contains(" does not match hash in auction: "), "{changed}");
    let late = bid(&sandbox, RIVAL, 950).unwrap_err();
    assert_eq!(late.to_string(), "status 500: cannot join closed or ended auction");
    Ok(())
}

#[test]
fn a_peer_that_knows_of_a_higher_bid_does_not_endorse_the_end() -> Result<()> {
    let sandbox = sandbox()?;
    let low = bid(&sandbox, NEIGHBOUR, 800)?;
    bid(&sandbox, BIDDER, 900)?;
    sandbox.submit(call(SELLER, "CloseAuction", ["a"]))?;
    sandbox.submit(reveal(&sandbox, NEIGHBOUR, 800, &low)?)?;
    // The seller's peer cannot read the bid of Org2. The peer of Org2 can, and refuses the call.
    let mut end = sandbox.endorse(call(SELLER, "EndAuction", ["a"]))?.accepted()?;
    let refused = sandbox.endorse_also("Org2MSP", &mut end);
    assert!(refused.is_err() || sandbox.commit(vec![end]).is_err());
    assert_eq!(auction(&sandbox)?.status, "closed");
    Ok(())
}
