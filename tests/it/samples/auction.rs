//! The sample `auction-simple`: bidders of two organizations.

use wasmcc_node::sandbox::{Call, Sandbox};

use super::{EITHER, ORG1, ORG2, call, json, refusal, submit, submit_by, text, two_organizations};

fn auction(org: &str, user: &str, function: &str, args: &[&str]) -> Call {
    call("auction", org, function, &[&["PaintingAuction"], args].concat()).user(user)
}

/// A bid as its application makes it.
fn bid_of(sandbox: &Sandbox, org: &str, user: &str, price: u32) -> String {
    let who = call("auction", org, "GetSubmittingClientIdentity", &[]).user(user);
    let bidder = text(sandbox, who);
    format!(r#"{{"objectType":"bid","price":{price},"org":"{org}","bidder":"{bidder}"}}"#)
}

/// Seals a bid and adds it to the auction; returns its id.
fn bid(sandbox: &Sandbox, org: &str, user: &str, price: u32) -> String {
    let bid = bid_of(sandbox, org, user, price);
    let sealed = submit(sandbox, auction(org, user, "Bid", &[]).transient("bid", bid.clone()));
    let id = sealed.tx_id.clone();
    assert_eq!(sealed.text(), id);
    assert_eq!(text(sandbox, auction(org, user, "QueryBid", &[&id])), bid);
    submit(sandbox, auction(org, user, "SubmitBid", &[&id]));
    id
}

fn reveal(sandbox: &Sandbox, (org, user): (&str, &str), price: u32, id: &str) -> Call {
    let bid = bid_of(sandbox, org, user, price);
    auction(org, user, "RevealBid", &[id]).transient("bid", bid)
}

#[test]
fn sealed_bids_are_revealed_and_the_highest_one_wins() {
    let sandbox = two_organizations("auction-simple", "auction", EITHER);
    submit(&sandbox, auction(ORG1, "User1", "CreateAuction", &["painting"]));
    let first = bid(&sandbox, ORG1, "User2", 800);
    let second = bid(&sandbox, ORG2, "User1", 900);
    let third = bid(&sandbox, ORG2, "User2", 950);
    let open = json(&sandbox, auction(ORG2, "User1", "QueryAuction", &[]));
    assert_eq!(open["organizations"], serde_json::json!([ORG1, ORG2]));
    assert_eq!(open["privateBids"].as_object().unwrap().len(), 3);
    let others = refusal(&sandbox, auction(ORG2, "User2", "QueryBid", &[&second]));
    assert!(others.starts_with("permission denied, client id x509::CN=User2@"), "{others}");

    // Once Org2 takes part, Org1 cannot close the auction alone.
    let close = || auction(ORG1, "User1", "CloseAuction", &[]);
    assert_eq!(submit_by(&sandbox, close()), Some("ENDORSEMENT_POLICY_FAILURE"));
    let early = refusal(&sandbox, reveal(&sandbox, (ORG1, "User2"), 800, &first));
    assert_eq!(early, "cannot reveal bid for open or ended auction");
    submit(&sandbox, close());
    submit(&sandbox, reveal(&sandbox, (ORG1, "User2"), 800, &first));
    let changed = refusal(&sandbox, reveal(&sandbox, (ORG2, "User1"), 1000, &second));
    assert!(changed.contains(" does not match hash in auction: "), "{changed}");
    submit(&sandbox, reveal(&sandbox, (ORG2, "User1"), 900, &second));

    // The seller's peer cannot read that a bid of Org2 is higher; Org2's peer can, and refuses.
    let end = || auction(ORG1, "User1", "EndAuction", &[]);
    let mut endorsed = sandbox.endorse(end()).unwrap().accepted().unwrap();
    sandbox.endorse_also(ORG2, &mut endorsed).unwrap();
    let refused = sandbox.commit(vec![endorsed]);
    assert!(refused.is_err(), "endorsers do not agree");
    submit(&sandbox, reveal(&sandbox, (ORG2, "User2"), 950, &third));
    submit(&sandbox, end());
    let ended = json(&sandbox, auction(ORG1, "User1", "QueryAuction", &[]));
    assert_eq!((&ended["price"], &ended["status"]), (&950.into(), &"ended".into()));
    assert!(ended["winner"].as_str().unwrap().contains("CN=User2@org2.example.com"), "{ended}");
    let late = refusal(&sandbox, end());
    assert_eq!(late, "can only end a closed auction");
}
