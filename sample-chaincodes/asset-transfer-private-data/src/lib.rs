//! Assets in private data collections: both organizations know an asset, but only its owner's
//! organization knows its value. A buyer proves that it agrees to a value without revealing it.
//!
//! Names, JSON and messages are those of `asset-transfer-private-data` in fabric-samples;
//! `collections_config.json` contains its collections.
//!
//! Invariant: private values arrive as transient data and are stored in collections. The
//! transaction contains only their hashes.

mod asset;
mod client;

use asset::{NewAsset, OnlyId, Transfer, from_json, non_empty, positive, transient};
use serde_json::json;
use wasmcc_sdk::{Context, Error, Result, StateIterator, contract};

pub use asset::{Asset, AssetPrivateDetails, TransferAgreement};

/// The collection of all organizations.
const ASSETS: &str = "assetCollection";
/// The object type of agreement keys.
const AGREEMENT: &str = "transferAgreement";

/// The contract.
pub struct PrivateAssets;

#[contract(name = "PrivateAssets", version = "1.0.0")]
impl PrivateAssets {
    /// Creates an asset of the client from the transient `asset_properties`: the asset is stored in
    /// `assetCollection`, its value in the collection of the client's organization.
    #[transaction]
    fn create_asset(&self, ctx: &Context) -> Result<()> {
        let input =
            transient(ctx, "asset_properties", "asset not found in the transient map input")?;
        let NewAsset { object_type, id, color, size, appraised_value } = from_json(&input)?;
        non_empty("objectType", &object_type)?;
        non_empty("assetID", &id)?;
        non_empty("color", &color)?;
        positive("size", size)?;
        positive("appraisedValue", appraised_value)?;
        let found = ctx.get_private_data(ASSETS, &id);
        if found.map_err(|error| error.context("failed to get asset"))?.is_some() {
            return Err(Error::internal(format!("this asset already exists: {id}")));
        }
        client::is_of_this_peer(ctx, "CreateAsset")?;
        let details = AssetPrivateDetails { id: id.clone(), appraised_value };
        put(ctx, &client::collection(ctx)?, &id, &details)?;
        let owner = client::identity(ctx)?;
        put(ctx, ASSETS, &id, &Asset { object_type, id: id.clone(), color, size, owner })
    }

    /// Records a buyer's agreement to the value in the transient `asset_value`.
    #[transaction]
    fn agree_to_transfer(&self, ctx: &Context) -> Result<()> {
        let missing = "asset_value key not found in the transient map";
        let value = transient(ctx, "asset_value", missing)?;
        let AssetPrivateDetails { id, appraised_value } = from_json(&value)?;
        non_empty("assetID", &id)?;
        positive("appraisedValue", appraised_value)?;
        self.existing(ctx, &id)?;
        client::is_of_this_peer(ctx, "AgreeToTransfer")?;
        // The received bytes, unchanged: their hash is compared with the owner's.
        ctx.put_private_data(&client::collection(ctx)?, &id, &value)?;
        let key = agreement_key(ctx, &id)?;
        ctx.put_private_data(ASSETS, &key, client::identity(ctx)?.as_bytes())
    }

    /// Transfers the asset in the transient `asset_owner` to the client that agreed to buy it. Only
    /// for its owner.
    #[transaction]
    fn transfer_asset(&self, ctx: &Context) -> Result<()> {
        let missing = "asset owner not found in the transient map";
        let Transfer { id, buyer_msp } = from_json(&transient(ctx, "asset_owner", missing)?)?;
        non_empty("assetID", &id)?;
        non_empty("buyerMSP", &buyer_msp)?;
        let asset = self.existing(ctx, &id)?;
        client::is_of_this_peer(ctx, "TransferAsset")?;
        verify_agreement(ctx, &asset, &buyer_msp)
            .map_err(|error| error.context("failed transfer verification"))?;
        let agreement = self.read_transfer_agreement(ctx, &id)?;
        let owner = agreement.map(|agreement| agreement.buyer_id).ok_or_else(|| {
            Error::internal(format!("BuyerID not found in TransferAgreement for {id}"))
        })?;
        put(ctx, ASSETS, &id, &Asset { owner, ..asset })?;
        ctx.del_private_data(&client::collection(ctx)?, &id)?;
        ctx.del_private_data(ASSETS, &agreement_key(ctx, &id)?)
    }

    /// Deletes the asset in the transient `asset_delete`. Only for its owner's organization.
    #[transaction]
    fn delete_asset(&self, ctx: &Context) -> Result<()> {
        let id =
            id_to_delete(ctx, "asset_delete", "asset to delete not found in the transient map")?;
        client::is_of_this_peer(ctx, "DeleteAsset")?;
        if ctx.get_private_data(ASSETS, &id)?.is_none() {
            return Err(Error::internal(format!("asset not found: {id}")));
        }
        let own = client::collection(ctx)?;
        let details = ctx.get_private_data(&own, &id);
        let details =
            details.map_err(|e| e.context("failed to read asset from owner's Collection"));
        if details?.is_none() {
            return Err(Error::internal(format!(
                "asset not found in owner's private Collection {own}: {id}"
            )));
        }
        ctx.del_private_data(ASSETS, &id)?;
        ctx.del_private_data(&own, &id)
    }

    /// Deletes the asset in the transient `asset_purge` and its history on all peers.
    #[transaction]
    fn purge_asset(&self, ctx: &Context) -> Result<()> {
        let id = id_to_delete(ctx, "asset_purge", "asset to purge not found in the transient map")?;
        client::is_of_this_peer(ctx, "PurgeAsset")?;
        // Does not check that it exists: it may already be deleted.
        ctx.purge_private_data(ASSETS, &id)?;
        ctx.purge_private_data(&client::collection(ctx)?, &id)
    }

    /// Withdraws a buyer's agreement about the asset in the transient `agreement_delete`.
    // The misspelling is fabric-samples' own.
    #[transaction(name = "DeleteTranferAgreement")]
    fn delete_transfer_agreement(&self, ctx: &Context) -> Result<()> {
        let missing = "asset to delete not found in the transient map";
        let OnlyId { id } = from_json(&transient(ctx, "agreement_delete", missing)?)?;
        non_empty("transient input ID", &id)?;
        client::is_of_this_peer(ctx, "DeleteTranferAgreement")?;
        let key = agreement_key(ctx, &id)?;
        if ctx.get_private_data(ASSETS, &key)?.is_none() {
            return Err(Error::internal(format!(
                "asset's transfer_agreement does not exist: {id}"
            )));
        }
        ctx.del_private_data(&client::collection(ctx)?, &id)?;
        ctx.del_private_data(ASSETS, &key)
    }

    /// Returns the asset with this id, or nothing.
    #[transaction(evaluate)]
    fn read_asset(&self, ctx: &Context, asset_id: &str) -> Result<Option<Asset>> {
        let found = ctx.get_private_data(ASSETS, asset_id);
        let found = found.map_err(|error| error.context("failed to read asset"))?;
        found.map(|json| from_json(&json)).transpose()
    }

    /// Returns the value in an organization's collection. Only for clients of that organization.
    #[transaction(evaluate)]
    fn read_asset_private_details(
        &self,
        ctx: &Context,
        collection: &str,
        asset_id: &str,
    ) -> Result<Option<AssetPrivateDetails>> {
        let found = ctx.get_private_data(collection, asset_id);
        let found = found.map_err(|error| error.context("failed to read asset details"))?;
        found.map(|json| from_json(&json)).transpose()
    }

    /// Returns the agreement to buy an asset, or nothing.
    #[transaction(evaluate)]
    fn read_transfer_agreement(
        &self,
        ctx: &Context,
        asset_id: &str,
    ) -> Result<Option<TransferAgreement>> {
        let found = ctx.get_private_data(ASSETS, &agreement_key(ctx, asset_id)?);
        let buyer = found.map_err(|error| error.context("failed to read TransferAgreement"))?;
        let agreement = |buyer| -> Result<TransferAgreement> {
            Ok(TransferAgreement { id: asset_id.to_owned(), buyer_id: String::from_utf8(buyer)? })
        };
        buyer.map(agreement).transpose()
    }

    /// Returns the assets with ids from `start_key` (included) to `end_key` (excluded).
    #[transaction(evaluate)]
    fn get_asset_by_range(
        &self,
        ctx: &Context,
        start_key: &str,
        end_key: &str,
    ) -> Result<Vec<Asset>> {
        assets(ctx.get_private_data_by_range(ASSETS, start_key, end_key)?)
    }

    /// Returns the assets of one type and owner. Needs a state database with rich queries.
    #[transaction(evaluate)]
    fn query_asset_by_owner(
        &self,
        ctx: &Context,
        asset_type: &str,
        owner: &str,
    ) -> Result<Vec<Asset>> {
        let query = json!({ "selector": { "objectType": asset_type, "owner": owner } });
        self.query_assets(ctx, &query.to_string())
    }

    /// Returns the assets that match a CouchDB query. Needs a state database with rich queries.
    #[transaction(evaluate)]
    fn query_assets(&self, ctx: &Context, query_string: &str) -> Result<Vec<Asset>> {
        assets(ctx.get_private_data_query_result(ASSETS, query_string)?)
    }
}

impl PrivateAssets {
    fn existing(&self, ctx: &Context, id: &str) -> Result<Asset> {
        let found = self.read_asset(ctx, id).map_err(|e| e.context("error reading asset"))?;
        found.ok_or_else(|| Error::internal(format!("{id} does not exist")))
    }
}

/// Fails unless the client owns the asset, and the buyer's organization agreed to its value: both
/// collections have a value with the same hash, which every peer has.
fn verify_agreement(ctx: &Context, asset: &Asset, buyer_msp: &str) -> Result<()> {
    if client::identity(ctx)? != asset.owner {
        return Err(Error::internal("error: submitting client identity does not own asset"));
    }
    let hash_in = |collection: &str, advice: &str| {
        let hash = ctx.get_private_data_hash(collection, &asset.id)?;
        hash.ok_or_else(|| {
            Error::internal(format!(
                "hash of appraised value for {} does not exist in collection {collection}{advice}",
                asset.id
            ))
        })
    };
    let owners = hash_in(&client::collection(ctx)?, "")?;
    let advice = ". AgreeToTransfer must be called by the buyer first";
    let buyers = hash_in(&client::collection_of(buyer_msp), advice)?;
    if owners != buyers {
        return Err(Error::internal(format!(
            "hash for appraised value for owner {} does not value for seller {}",
            hex(&owners),
            hex(&buyers)
        )));
    }
    Ok(())
}

fn id_to_delete(ctx: &Context, entry: &str, missing: &str) -> Result<String> {
    let OnlyId { id } = from_json(&transient(ctx, entry, missing)?)?;
    non_empty("assetID", &id)?;
    Ok(id)
}

fn agreement_key(ctx: &Context, id: &str) -> Result<String> {
    ctx.create_composite_key(AGREEMENT, &[id])
}

fn put<T: serde::Serialize>(ctx: &Context, collection: &str, key: &str, value: &T) -> Result<()> {
    ctx.put_private_data(collection, key, &serde_json::to_vec(value)?)
}

fn assets(rows: StateIterator) -> Result<Vec<Asset>> {
    rows.map(|row| from_json(&row?.value)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

wasmcc_sdk::chaincode!(PrivateAssets);

#[cfg(test)]
mod tests;
