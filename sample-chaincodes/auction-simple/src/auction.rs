//! Auctions and bids in their form on the ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Policy, Result, Role};

/// A new auction, to which bids are added.
pub(crate) const OPEN: &str = "open";
/// A closed auction, whose bids are revealed.
pub(crate) const CLOSED: &str = "closed";
/// An auction with a winner.
pub(crate) const ENDED: &str = "ended";
/// The object type of bid keys; the ids of auction and bid follow.
const BID: &str = "bid";

/// An auction. Its JSON has the fields in this order.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Auction {
    /// `auction`.
    pub object_type: String,
    /// The item for sale.
    pub item: String,
    /// The client that sells it.
    pub seller: String,
    /// The organizations of the seller and of all bidders. All of them must endorse further
    /// changes.
    pub organizations: Vec<String>,
    /// Hashes of sealed bids, by key.
    pub private_bids: BTreeMap<String, BidHash>,
    /// Revealed bids, by the same keys.
    pub revealed_bids: BTreeMap<String, FullBid>,
    /// The client that won; empty until the auction has ended.
    pub winner: String,
    /// The price that it pays; 0 until the auction has ended.
    pub price: i64,
    /// `open`, `closed` or `ended`.
    pub status: String,
}

/// A revealed bid, or a sealed bid that its bidder reads.
#[derive(Clone, Debug, Default, PartialEq, DataType, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FullBid {
    /// `bid`.
    pub object_type: String,
    /// The offered price.
    pub price: i64,
    /// The bidder's organization.
    pub org: String,
    /// The client that bids.
    pub bidder: String,
}

/// The public part of a sealed bid.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
pub struct BidHash {
    /// The bidder's organization.
    pub org: String,
    /// The SHA-256 of the bid in hexadecimal.
    pub hash: String,
}

impl Auction {
    /// Returns an open auction without bids.
    pub(crate) fn new(item: String, seller: String, org: &str) -> Self {
        Self {
            object_type: "auction".to_owned(),
            item,
            seller,
            organizations: vec![org.to_owned()],
            private_bids: BTreeMap::new(),
            revealed_bids: BTreeMap::new(),
            winner: String::new(),
            price: 0,
            status: OPEN.to_owned(),
        }
    }

    /// Returns the auction with this id.
    pub(crate) fn read(ctx: &Context, id: &str) -> Result<Self> {
        ctx.get(id)?.ok_or_else(|| Error::internal("auction does not exist"))
    }

    /// Returns the auction with this id, for a change.
    pub(crate) fn read_to_change(ctx: &Context, id: &str) -> Result<Self> {
        let words = "failed to get auction from public state";
        Self::read(ctx, id).map_err(|error| Error::internal(format!("{words} {error}")))
    }

    /// Sets the key's policy: the peers of all its organizations must endorse further changes.
    pub(crate) fn set_endorsers(&self, ctx: &Context, id: &str) -> Result<()> {
        let policy = Policy::organizations(Role::Peer, self.organizations.iter().cloned());
        ctx.set_state_validation_parameter(id, &policy.to_bytes())
    }

    /// Makes the highest revealed bid the winner.
    pub(crate) fn decide(&mut self) {
        for bid in self.revealed_bids.values() {
            if bid.price > self.price {
                self.winner.clone_from(&bid.bidder);
                self.price = bid.price;
            }
        }
    }

    /// Fails if an unrevealed bid is higher than the price. A peer can read only the bids of its
    /// own organization, so all organizations together find every such bid.
    pub(crate) fn check_for_higher_bid(&self, ctx: &Context) -> Result<()> {
        let peer = ctx.get_peer_msp_id()?;
        let mut is_higher = false;
        let hidden =
            self.private_bids.iter().filter(|(key, _)| !self.revealed_bids.contains_key(*key));
        for (key, hash) in hidden {
            let collection = collection_of(&hash.org);
            if hash.org == peer {
                let bid = ctx.get_private_data(&collection, key)?;
                let bid =
                    bid.ok_or_else(|| Error::internal(format!("bid {key} does not exist")))?;
                let bid: FullBid = serde_json::from_slice(&bid)?;
                is_higher |= bid.price > self.price;
            } else {
                bid_hash(ctx, &collection, key)?;
            }
        }
        match is_higher {
            true => Err(Error::internal("cannot close auction, bidder has a higher price")),
            false => Ok(()),
        }
    }
}

/// Returns an organization's implicit collection, which needs no definition.
pub(crate) fn collection_of(msp_id: &str) -> String {
    format!("_implicit_org_{msp_id}")
}

/// Returns the key of a bid. Its id is the id of the transaction that made it.
pub(crate) fn bid_key(ctx: &Context, auction_id: &str, tx_id: &str) -> Result<String> {
    ctx.create_composite_key(BID, &[auction_id, tx_id])
}

/// Returns the SHA-256 of a bid, which every peer has.
pub(crate) fn bid_hash(ctx: &Context, collection: &str, key: &str) -> Result<Vec<u8>> {
    let hash = ctx.get_private_data_hash(collection, key);
    let hash = hash.map_err(|error| error.context("failed to read bid bash from collection"))?;
    hash.ok_or_else(|| Error::internal(format!("bid hash does not exist: {key}")))
}
