//! The sale of an asset between two organizations that keep its properties and its price secret.
//! Properties and prices are in each organization's implicit collection; their hashes are compared.
//!
//! Names, JSON and messages are those of `asset-transfer-secured-agreement` in fabric-samples.
//!
//! Invariant: an asset's id is the hash of its properties, and its key's endorsement policy names
//! the organization that owns it.

mod agreement;

use agreement::{
    BID, FOR_SALE, agree_to_price, agreements, client_of_this_peer, collection_of, price,
    properties_hash, settle, sha256, transient, verify_price,
};
use serde::{Deserialize, Serialize};
use wasmcc_sdk::{
    Context, DataType, Error, KeyModification, Policy, Result, Role, Timestamp, contract,
};

pub use agreement::Agreement;

/// The public part of an asset. Its JSON has the fields in this order.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    /// `asset`.
    pub object_type: String,
    /// The SHA-256 of its properties in hexadecimal.
    #[serde(rename = "assetID")]
    pub id: String,
    /// The MSP id of its owner.
    pub owner_org: String,
    /// The owner's description of it.
    pub public_description: String,
}

/// The state of an asset after one transaction.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryResult {
    /// The id of the asset.
    #[serde(rename = "Record")]
    pub record: Asset,
    /// The id of the transaction.
    pub tx_id: String,
    /// The client's time in the transaction.
    pub timestamp: Timestamp,
}

/// The contract.
pub struct SecuredAgreement;

#[contract(name = "SecuredAgreement", version = "1.0.0")]
impl SecuredAgreement {
    /// Creates an asset of the client's organization from the transient `asset_properties`; returns
    /// its id.
    #[transaction]
    fn create_asset(&self, ctx: &Context, public_description: String) -> Result<String> {
        let properties = transient(ctx, "asset_properties")?;
        let id = sha256(&properties);
        let owner_org = client_of_this_peer(ctx)?;
        ctx.put_private_data(&collection_of(&owner_org), &id, &properties)?;
        let object_type = "asset".to_owned();
        let asset = Asset { object_type, id, owner_org, public_description };
        put_with_policy(ctx, &asset)?;
        Ok(asset.id)
    }

    /// Changes the description of an asset. Only for its owner.
    #[transaction]
    fn change_public_description(
        &self,
        ctx: &Context,
        asset_id: &str,
        new_description: String,
    ) -> Result<()> {
        let asset = self.asset(ctx, asset_id)?;
        let client = ctx.client_identity()?.msp_id().to_owned();
        if client != asset.owner_org {
            return Err(Error::internal(format!(
                "a client from {client} cannot update the description of a asset owned by {}",
                asset.owner_org
            )));
        }
        ctx.put(asset_id, &Asset { public_description: new_description, ..asset })
    }

    /// Sets the asking price in the transient `asset_price` for an asset. Only for its owner.
    #[transaction]
    fn agree_to_sell(&self, ctx: &Context, asset_id: &str) -> Result<()> {
        let asset = self.read_asset(ctx, asset_id)?;
        let client = client_of_this_peer(ctx)?;
        if client != asset.owner_org {
            return Err(Error::internal(format!(
                "a client from {client} cannot sell an asset owned by {}",
                asset.owner_org
            )));
        }
        agree_to_price(ctx, &client, FOR_SALE, asset_id)
    }

    /// Offers the price in the transient `asset_price` for an asset with the transient
    /// `asset_properties`.
    #[transaction]
    fn agree_to_buy(&self, ctx: &Context, asset_id: &str) -> Result<()> {
        let client = client_of_this_peer(ctx)?;
        let properties = transient(ctx, "asset_properties")?;
        ctx.put_private_data(&collection_of(&client), asset_id, &properties)?;
        agree_to_price(ctx, &client, BID, asset_id)
    }

    /// Returns true if an asset has the properties in the transient `asset_properties`, which its
    /// owner has sent to the client. Other properties are an error.
    #[transaction(evaluate)]
    fn verify_asset_properties(&self, ctx: &Context, asset_id: &str) -> Result<bool> {
        let properties = transient(ctx, "asset_properties")?;
        let asset = self.asset(ctx, asset_id)?;
        let on_chain = properties_hash(ctx, &asset.owner_org, asset_id)?;
        let passed = sha256(&properties);
        let text = String::from_utf8_lossy(&properties);
        if passed != on_chain {
            return Err(Error::internal(format!(
                "hash {passed} for passed immutable properties {text} does not match on-chain hash \
                 {on_chain}"
            )));
        }
        if on_chain != asset_id {
            return Err(Error::internal(format!(
                "hash {passed} for passed immutable properties {text} does match on-chain hash \
                 {on_chain} but do not match assetID {asset_id}: asset was altered from its \
                 initial form"
            )));
        }
        Ok(true)
    }

    /// Sells an asset at the price in the transient `asset_price`, to which both organizations
    /// agreed. Only for its owner.
    #[transaction]
    fn transfer_asset(&self, ctx: &Context, asset_id: &str, buyer_org_id: &str) -> Result<()> {
        let seller = ctx.client_identity()?.msp_id().to_owned();
        let price = transient(ctx, "asset_price")?;
        // The text that is hashed below must be a price.
        serde_json::from_slice::<Agreement>(&price)
            .map_err(|error| Error::internal(format!("failed to unmarshal price JSON: {error}")))?;
        let asset = self.asset(ctx, asset_id)?;
        let parties = (seller.as_str(), buyer_org_id);
        verify_transfer(ctx, &asset, parties, &price)
            .map_err(|error| error.context("failed transfer verification"))?;
        put_with_policy(ctx, &Asset { owner_org: buyer_org_id.to_owned(), ..asset })?;
        settle(ctx, parties, asset_id).map_err(|error| error.context("failed asset transfer"))
    }

    /// Returns the public part of an asset.
    #[transaction(evaluate)]
    fn read_asset(&self, ctx: &Context, asset_id: &str) -> Result<Asset> {
        ctx.get(asset_id)?.ok_or_else(|| Error::internal(format!("{asset_id} does not exist")))
    }

    /// Returns the properties of an asset that the client's organization owns or wants to buy.
    #[transaction(evaluate)]
    fn get_asset_private_properties(&self, ctx: &Context, asset_id: &str) -> Result<String> {
        let collection = collection_of(&client_of_this_peer(ctx)?);
        let properties = ctx.get_private_data(&collection, asset_id)?.ok_or_else(|| {
            let words = "asset private details does not exist in client org's collection";
            Error::internal(format!("{words}: {asset_id}"))
        })?;
        Ok(String::from_utf8(properties)?)
    }

    /// Returns the asking price of the client's organization.
    #[transaction(evaluate)]
    fn get_asset_sales_price(&self, ctx: &Context, asset_id: &str) -> Result<String> {
        price(ctx, FOR_SALE, asset_id)
    }

    /// Returns the price that the client's organization offers.
    #[transaction(evaluate)]
    fn get_asset_bid_price(&self, ctx: &Context, asset_id: &str) -> Result<String> {
        price(ctx, BID, asset_id)
    }

    /// Returns the id of the asset with the transient `asset_properties`.
    #[transaction(evaluate)]
    fn get_asset_hash_id(&self, ctx: &Context) -> Result<String> {
        let id = sha256(&transient(ctx, "asset_properties")?);
        self.asset(ctx, &id).map(|asset| asset.id).map_err(|error| {
            // The misspelling is fabric-samples' own.
            let words = "asset properies provided do not represent any on chain asset";
            Error::internal(format!("{error}, {words}"))
        })
    }

    /// Returns all asking prices of the client's organization.
    #[transaction(evaluate)]
    fn query_asset_sale_agreements(&self, ctx: &Context) -> Result<Vec<Agreement>> {
        agreements(ctx, FOR_SALE)
    }

    /// Returns all prices that the client's organization offers.
    #[transaction(evaluate)]
    fn query_asset_buy_agreements(&self, ctx: &Context) -> Result<Vec<Agreement>> {
        agreements(ctx, BID)
    }

    /// Returns all states of an asset, newest first.
    #[transaction(evaluate)]
    fn query_asset_history(&self, ctx: &Context, asset_id: &str) -> Result<Vec<QueryResult>> {
        let result = |change: KeyModification| -> Result<QueryResult> {
            let KeyModification { tx_id, value, timestamp, .. } = change;
            Ok(QueryResult { record: serde_json::from_slice(&value)?, tx_id, timestamp })
        };
        ctx.get_history_for_key(asset_id)?.map(|change| result(change?)).collect()
    }
}

impl SecuredAgreement {
    fn asset(&self, ctx: &Context, id: &str) -> Result<Asset> {
        self.read_asset(ctx, id).map_err(|error| error.context("failed to get asset"))
    }
}

/// Fails unless the client owns the asset, and both organizations know its properties and agreed to
/// the price.
fn verify_transfer(
    ctx: &Context,
    asset: &Asset,
    parties: (&str, &str),
    price: &[u8],
) -> Result<()> {
    let (seller, buyer) = parties;
    if seller != asset.owner_org {
        return Err(Error::internal(format!(
            "a client from {seller} cannot transfer a asset owned by {}",
            asset.owner_org
        )));
    }
    let sellers = properties_hash(ctx, seller, &asset.id)?;
    let buyers = properties_hash(ctx, buyer, &asset.id)?;
    if sellers != buyers {
        return Err(Error::internal(format!(
            "on chain hash of seller {sellers} does not match on-chain hash of buyer {buyers}"
        )));
    }
    verify_price(ctx, parties, &asset.id, price)
}

/// Writes an asset and its policy: its owner's peers must endorse further changes.
fn put_with_policy(ctx: &Context, asset: &Asset) -> Result<()> {
    ctx.put(&asset.id, asset)?;
    let policy = Policy::organizations(Role::Peer, [asset.owner_org.as_str()]);
    ctx.set_state_validation_parameter(&asset.id, &policy.to_bytes())
}

wasmcc_sdk::chaincode!(SecuredAgreement);

#[cfg(test)]
mod tests;
