//! A blind auction: bids are sealed in the bidders' private data until the seller closes the
//! auction. Then they are revealed, and the highest one wins.
//!
//! Names, JSON and messages are those of `auction-simple` in fabric-samples.
//!
//! Invariant: every change of an auction is endorsed by the organizations of the seller and of all
//! bidders, so none of them can be left out.

mod auction;

use auction::{CLOSED, ENDED, OPEN, bid_hash, bid_key, collection_of};
use sha2::{Digest, Sha256};
use wasmcc_sdk::{Context, Error, Result, contract};

pub use auction::{Auction, BidHash, FullBid};

/// The contract.
pub struct BlindAuction;

#[contract(name = "BlindAuction", version = "1.0.0")]
impl BlindAuction {
    /// Opens an auction; the client is the seller.
    #[transaction]
    fn create_auction(&self, ctx: &Context, auction_id: &str, itemsold: String) -> Result<()> {
        let client = ctx.client_identity()?;
        let seller = self.get_submitting_client_identity(ctx)?;
        let auction = Auction::new(itemsold, seller, client.msp_id());
        ctx.put(auction_id, &auction)?;
        auction.set_endorsers(ctx, auction_id)
    }

    /// Seals the bid in the transient `bid` in the collection of the client's organization; returns
    /// the bid's id.
    #[transaction]
    fn bid(&self, ctx: &Context, auction_id: &str) -> Result<String> {
        let bid = transient_bid(ctx)?;
        is_of_this_peer(ctx).map_err(|error| {
            let words = "cannot store bid on this peer, not a member of this org: Error";
            Error::internal(format!("{words} {error}"))
        })?;
        let tx_id = ctx.get_tx_id();
        ctx.put_private_data(&own_collection(ctx)?, &bid_key(ctx, auction_id, &tx_id)?, &bid)?;
        Ok(tx_id)
    }

    /// Adds the hash of a sealed bid to an open auction.
    #[transaction]
    fn submit_bid(&self, ctx: &Context, auction_id: &str, tx_id: &str) -> Result<()> {
        let mut auction = Auction::read_to_change(ctx, auction_id)?;
        if auction.status != OPEN {
            return Err(Error::internal("cannot join closed or ended auction"));
        }
        let key = bid_key(ctx, auction_id, tx_id)?;
        let hash = hex(&bid_hash(ctx, &own_collection(ctx)?, &key)?);
        let org = ctx.client_identity()?.msp_id().to_owned();
        if !auction.organizations.contains(&org) {
            auction.organizations.push(org.clone());
            auction.set_endorsers(ctx, auction_id)?;
        }
        auction.private_bids.insert(key, BidHash { org, hash });
        ctx.put(auction_id, &auction)
    }

    /// Reveals the sealed bid in the transient `bid` of a closed auction. Only for its bidder.
    #[transaction]
    fn reveal_bid(&self, ctx: &Context, auction_id: &str, tx_id: &str) -> Result<()> {
        let bid = transient_bid(ctx)?;
        let key = bid_key(ctx, auction_id, tx_id)?;
        let sealed = bid_hash(ctx, &own_collection(ctx)?, &key)?;
        let mut auction = Auction::read_to_change(ctx, auction_id)?;
        if auction.status != CLOSED {
            return Err(Error::internal("cannot reveal bid for open or ended auction"));
        }
        let revealed = Sha256::digest(&bid);
        let (sealed, revealed) = (hex(&sealed), hex(&revealed));
        let text = String::from_utf8_lossy(&bid);
        if revealed != sealed {
            return Err(Error::internal(format!(
                "hash {revealed} for bid JSON {text} does not match hash in auction: {sealed}"
            )));
        }
        let submitted = auction.private_bids.get(&key).map_or("", |bid| bid.hash.as_str());
        if submitted != sealed {
            return Err(Error::internal(format!(
                "hash {submitted} for bid JSON {text} does not match hash in auction: {sealed}, \
                 bidder must have changed bid"
            )));
        }
        let bid = read_bid(&bid)?;
        self.is_bidder(ctx, &bid)?;
        auction.revealed_bids.insert(key, FullBid { object_type: "bid".to_owned(), ..bid });
        ctx.put(auction_id, &auction)
    }

    /// Closes an auction, so that bids can be revealed. Only for its seller.
    #[transaction]
    fn close_auction(&self, ctx: &Context, auction_id: &str) -> Result<()> {
        let mut auction = Auction::read_to_change(ctx, auction_id)?;
        if auction.seller != self.get_submitting_client_identity(ctx)? {
            return Err(Error::internal("auction can only be closed by seller"));
        }
        if auction.status != OPEN {
            return Err(Error::internal("cannot close auction that is not open"));
        }
        auction.status = CLOSED.to_owned();
        ctx.put(auction_id, &auction)
    }

    /// Ends a closed auction: the highest revealed bid wins. Only for its seller.
    #[transaction]
    fn end_auction(&self, ctx: &Context, auction_id: &str) -> Result<()> {
        let mut auction = Auction::read_to_change(ctx, auction_id)?;
        if auction.seller != self.get_submitting_client_identity(ctx)? {
            return Err(Error::internal("auction can only be ended by seller"));
        }
        if auction.status != CLOSED {
            return Err(Error::internal("can only end a closed auction"));
        }
        if auction.revealed_bids.is_empty() {
            return Err(Error::internal("no bids have been revealed, cannot end auction"));
        }
        auction.decide();
        auction.check_for_higher_bid(ctx).map_err(|e| e.context("cannot end auction"))?;
        auction.status = ENDED.to_owned();
        ctx.put(auction_id, &auction)
    }

    /// Returns the auction with this id.
    #[transaction(evaluate)]
    fn query_auction(&self, ctx: &Context, auction_id: &str) -> Result<Auction> {
        Auction::read(ctx, auction_id)
    }

    /// Returns a sealed bid. Only for its bidder.
    #[transaction(evaluate)]
    fn query_bid(&self, ctx: &Context, auction_id: &str, tx_id: &str) -> Result<FullBid> {
        is_of_this_peer(ctx)
            .map_err(|error| error.context("failed to get implicit collection name"))?;
        let key = bid_key(ctx, auction_id, tx_id)?;
        let bid = ctx.get_private_data(&own_collection(ctx)?, &key)?;
        let bid = bid.ok_or_else(|| Error::internal(format!("bid {key} does not exist")))?;
        let bid = read_bid(&bid)?;
        self.is_bidder(ctx, &bid)?;
        Ok(bid)
    }

    /// Returns the client's id: `x509::`, then subject, `::` and issuer of its certificate.
    #[transaction(evaluate)]
    fn get_submitting_client_identity(&self, ctx: &Context) -> Result<String> {
        let client = ctx.client_identity()?;
        Ok(format!("x509::{}::{}", client.subject()?, client.issuer()?))
    }
}

impl BlindAuction {
    fn is_bidder(&self, ctx: &Context, bid: &FullBid) -> Result<()> {
        let client = self.get_submitting_client_identity(ctx)?;
        if bid.bidder == client {
            return Ok(());
        }
        Err(Error::internal(format!(
            "permission denied, client id {client} is not the owner of the bid"
        )))
    }
}

fn transient_bid(ctx: &Context) -> Result<Vec<u8>> {
    let bid = ctx.get_transient().remove("bid");
    bid.ok_or_else(|| Error::internal("bid key not found in the transient map"))
}

fn read_bid(json: &[u8]) -> Result<FullBid> {
    serde_json::from_slice(json)
        .map_err(|error| Error::internal(format!("failed to unmarshal JSON: {error}")))
}

/// Returns the collection of the client's organization.
fn own_collection(ctx: &Context) -> Result<String> {
    Ok(collection_of(ctx.client_identity()?.msp_id()))
}

/// Refuses clients of other organizations, whose bids this peer must not store.
fn is_of_this_peer(ctx: &Context) -> Result<()> {
    let client = ctx.client_identity()?;
    let (client, peer) = (client.msp_id(), ctx.get_peer_msp_id()?);
    if client == peer {
        return Ok(());
    }
    Err(Error::internal(format!(
        "client from org {client} is not authorized to read or write private data from an org \
         {peer} peer"
    )))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

wasmcc_sdk::chaincode!(BlindAuction);

#[cfg(test)]
mod tests;
