//! Native tests of the contract on the mock ledger: auctions and bids.

use super::*;
use wasmcc_sdk::args;
use wasmcc_sdk::testing::MockLedger;

/// Returns the ledger with a client at its organization's peer.
fn client<'a>(ledger: &'a mut MockLedger, org: &str, name: &str) -> &'a mut MockLedger {
    ledger.as_client(org, name, &[]).on_peer_of(org)
}

/// Returns a ledger with the auction `PaintingAuction` of the client `seller` of Org1MSP.
fn opened() -> MockLedger {
    let mut ledger = MockLedger::new(vec![&BlindAuction]);
    let seller = client(&mut ledger, "Org1MSP", "seller");
    seller.submit("CreateAuction", args!["PaintingAuction", "painting"]).unwrap();
    ledger
}

fn bid_of(org: &str, name: &str, price: i64) -> String {
    let bidder = format!("x509::CN={name},OU=client::CN=ca");
    format!(r#"{{"objectType":"bid","price":{price},"org":"{org}","bidder":"{bidder}"}}"#)
}

/// Seals a bid, adds it to the auction, and returns its id.
fn bid(ledger: &mut MockLedger, org: &str, name: &str, price: i64) -> String {
    let bidder = client(ledger, org, name).with_transient("bid", bid_of(org, name, price));
    let id = bidder.submit("Bid", args!["PaintingAuction"]).unwrap().text();
    bidder.submit("SubmitBid", args!["PaintingAuction", &id]).unwrap();
    id
}

fn reveal(ledger: &mut MockLedger, (org, name): (&str, &str), price: i64, id: &str) -> Result<()> {
    let bidder = client(ledger, org, name).with_transient("bid", bid_of(org, name, price));
    bidder.submit("RevealBid", args!["PaintingAuction", id]).map(drop)
}

fn as_seller(ledger: &mut MockLedger, function: &str) -> Result<()> {
    client(ledger, "Org1MSP", "seller").submit(function, args!["PaintingAuction"]).map(drop)
}

fn auction(ledger: &mut MockLedger) -> Auction {
    ledger.evaluate("QueryAuction", args!["PaintingAuction"]).unwrap().json()
}

#[test]
fn a_new_auction_is_open_and_its_sellers() {
    let ledger = opened();
    let json = concat!(
        r#"{"objectType":"auction","item":"painting","seller":"x509::CN=seller,OU=client::CN=ca","#,
        r#""organizations":["Org1MSP"],"privateBids":{},"revealedBids":{},"winner":"","price":0,"#,
        r#""status":"open"}"#
    );
    assert_eq!(ledger.get_state("PaintingAuction"), Some(json.as_bytes()));
}

#[test]
fn the_highest_revealed_bid_wins() {
    let mut ledger = opened();
    let low = bid(&mut ledger, "Org1MSP", "bidder1", 800);
    let high = bid(&mut ledger, "Org2MSP", "bidder2", 900);
    let open = auction(&mut ledger);
    assert_eq!(open.organizations, ["Org1MSP", "Org2MSP"]);
    assert_eq!((open.private_bids.len(), open.revealed_bids.len()), (2, 0));
    as_seller(&mut ledger, "CloseAuction").unwrap();
    reveal(&mut ledger, ("Org1MSP", "bidder1"), 800, &low).unwrap();
    reveal(&mut ledger, ("Org2MSP", "bidder2"), 900, &high).unwrap();
    as_seller(&mut ledger, "EndAuction").unwrap();
    let ended = auction(&mut ledger);
    assert_eq!((ended.price, ended.status.as_str()), (900, "ended"));
    assert_eq!(ended.winner, "x509::CN=bidder2,OU=client::CN=ca");
    let key = format!("\0bid\0PaintingAuction\0{high}\0");
    assert_eq!(ended.revealed_bids[&key].price, 900);
}

#[test]
fn an_auction_does_not_end_before_a_higher_bid_is_revealed() {
    let mut ledger = opened();
    let low = bid(&mut ledger, "Org2MSP", "bidder2", 500);
    bid(&mut ledger, "Org1MSP", "bidder1", 800);
    as_seller(&mut ledger, "CloseAuction").unwrap();
    let early = as_seller(&mut ledger, "EndAuction").unwrap_err();
    assert_eq!(early.message(), "no bids have been revealed, cannot end auction");
    reveal(&mut ledger, ("Org2MSP", "bidder2"), 500, &low).unwrap();
    let refused = as_seller(&mut ledger, "EndAuction").unwrap_err();
    let expected = "cannot end auction: cannot close auction, bidder has a higher price";
    assert_eq!(refused.message(), expected);
    // A peer of another organization cannot read the bid; it has only the hash.
    let elsewhere = ledger.as_client("Org1MSP", "seller", &[]).on_peer_of("Org2MSP");
    elsewhere.evaluate("EndAuction", args!["PaintingAuction"]).unwrap();
}

#[test]
fn a_bid_stays_as_it_was_sealed() {
    let mut ledger = opened();
    let id = bid(&mut ledger, "Org1MSP", "bidder1", 800);
    let early = reveal(&mut ledger, ("Org1MSP", "bidder1"), 800, &id).unwrap_err();
    assert_eq!(early.message(), "cannot reveal bid for open or ended auction");
    as_seller(&mut ledger, "CloseAuction").unwrap();
    let changed = reveal(&mut ledger, ("Org1MSP", "bidder1"), 900, &id).unwrap_err();
    assert!(changed.message().contains(" does not match hash in auction: "), "{changed}");
    // Sealed, but not added before the auction was closed.
    let late = client(&mut ledger, "Org1MSP", "bidder1");
    late.with_transient("bid", bid_of("Org1MSP", "bidder1", 950));
    let late = late.submit("Bid", args!["PaintingAuction"]).unwrap().text();
    let refused = ledger.submit("SubmitBid", args!["PaintingAuction", &late]).unwrap_err();
    assert_eq!(refused.message(), "cannot join closed or ended auction");
    let refused = reveal(&mut ledger, ("Org1MSP", "bidder1"), 950, &late).unwrap_err();
    assert!(refused.message().ends_with(", bidder must have changed bid"), "{refused}");
}

#[test]
fn bids_belong_to_their_bidders_and_auctions_to_their_sellers() {
    let mut ledger = opened();
    let id = bid(&mut ledger, "Org1MSP", "bidder1", 800);
    let own = ledger.evaluate("QueryBid", args!["PaintingAuction", &id]).unwrap();
    assert_eq!(own.text(), bid_of("Org1MSP", "bidder1", 800));
    let eve = "permission denied, client id x509::CN=eve,OU=client::CN=ca is not the owner of the \
               bid";
    let read = client(&mut ledger, "Org1MSP", "eve")
        .evaluate("QueryBid", args!["PaintingAuction", &id])
        .unwrap_err();
    assert_eq!(read.message(), eve);
    for (function, expected) in [
        ("CloseAuction", "auction can only be closed by seller"),
        ("EndAuction", "auction can only be ended by seller"),
    ] {
        let refused = ledger.submit(function, args!["PaintingAuction"]).unwrap_err();
        assert_eq!(refused.message(), expected);
    }
    as_seller(&mut ledger, "CloseAuction").unwrap();
    let again = as_seller(&mut ledger, "CloseAuction").unwrap_err();
    assert_eq!(again.message(), "cannot close auction that is not open");
    let bidder1 = bid_of("Org1MSP", "bidder1", 800);
    let stolen = client(&mut ledger, "Org1MSP", "eve").with_transient("bid", bidder1);
    let stolen = stolen.submit("RevealBid", args!["PaintingAuction", &id]).unwrap_err();
    assert_eq!(stolen.message(), eve);

    ledger.as_client("Org2MSP", "bidder2", &[]).on_peer_of("Org1MSP");
    let elsewhere = ledger.with_transient("bid", "{}").submit("Bid", args!["PaintingAuction"]);
    let expected = "cannot store bid on this peer, not a member of this org: Error client from \
                    org Org2MSP is not authorized to read or write private data from an org \
                    Org1MSP peer";
    assert_eq!(elsewhere.unwrap_err().message(), expected);
}

#[test]
fn what_is_not_there_is_named() {
    let mut ledger = opened();
    let missing = ledger.submit("Bid", args!["PaintingAuction"]).unwrap_err();
    assert_eq!(missing.message(), "bid key not found in the transient map");
    let none = ledger.evaluate("QueryAuction", args!["nothing"]).unwrap_err();
    assert_eq!(none.message(), "auction does not exist");
    let none = ledger.submit("CloseAuction", args!["nothing"]).unwrap_err();
    let expected = "failed to get auction from public state auction does not exist";
    assert_eq!(none.message(), expected);
    let none = ledger.submit("SubmitBid", args!["PaintingAuction", "id"]).unwrap_err();
    assert_eq!(none.message(), "bid hash does not exist: \0bid\0PaintingAuction\0id\0");
    let early = as_seller(&mut ledger, "EndAuction").unwrap_err();
    assert_eq!(early.message(), "can only end a closed auction");
}
