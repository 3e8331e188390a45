//! Fabric's first sample in Rust: assets that are created, read, updated, transferred and deleted.
//!
//! Names, JSON and messages are those of `asset-transfer-basic` in fabric-samples, so its client
//! applications work with this chaincode unchanged.
//!
//! Invariant: an asset is stored under its own id, as JSON with the fields in the order below.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result, contract};

/// An asset. Endorsers compare the written bytes, and JSON has the fields in the order of the
/// struct. The order is alphabetical, as in all languages of the samples.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Asset {
    /// Its estimated value.
    pub appraised_value: i64,
    /// For example `blue`.
    pub color: String,
    /// Its key on the ledger.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its owner.
    pub owner: String,
    /// In a unit that the owners agree on.
    pub size: i64,
}

/// The contract. It has no fields: the ledger is its state.
pub struct AssetTransfer;

#[contract(name = "AssetTransfer", version = "1.0.0")]
impl AssetTransfer {
    /// Puts six assets on the ledger.
    #[transaction]
    fn init_ledger(&self, ctx: &Context) -> Result<()> {
        let assets = [
            ("asset1", "blue", 5, "Tomoko", 300),
            ("asset2", "red", 5, "Brad", 400),
            ("asset3", "green", 10, "Jin Soo", 500),
            ("asset4", "yellow", 10, "Max", 600),
            ("asset5", "black", 15, "Adriana", 700),
            ("asset6", "white", 15, "Michel", 800),
        ];
        for (id, color, size, owner, appraised_value) in assets {
            let asset = Asset {
                appraised_value,
                color: color.to_owned(),
                id: id.to_owned(),
                owner: owner.to_owned(),
                size,
            };
            ctx.put(id, &asset)?;
        }
        Ok(())
    }

    /// Issues a new asset.
    #[transaction]
    fn create_asset(
        &self,
        ctx: &Context,
        id: String,
        color: String,
        size: i64,
        owner: String,
        appraised_value: i64,
    ) -> Result<()> {
        if self.asset_exists(ctx, &id)? {
            return Err(Error::internal(format!("the asset {id} already exists")));
        }
        ctx.put(&id, &Asset { appraised_value, color, id: id.clone(), owner, size })
    }

    /// Returns the asset with this id.
    #[transaction(evaluate)]
    fn read_asset(&self, ctx: &Context, id: &str) -> Result<Asset> {
        ctx.get(id)?.ok_or_else(|| does_not_exist(id))
    }

    /// Replaces all fields of an asset except its id.
    #[transaction]
    fn update_asset(
        &self,
        ctx: &Context,
        id: String,
        color: String,
        size: i64,
        owner: String,
        appraised_value: i64,
    ) -> Result<()> {
        if !self.asset_exists(ctx, &id)? {
            return Err(does_not_exist(&id));
        }
        ctx.put(&id, &Asset { appraised_value, color, id: id.clone(), owner, size })
    }

    /// Deletes an asset; its history stays on the ledger.
    #[transaction]
    fn delete_asset(&self, ctx: &Context, id: &str) -> Result<()> {
        if !self.asset_exists(ctx, id)? {
            return Err(does_not_exist(id));
        }
        ctx.del_state(id)
    }

    /// Returns true if an asset with this id exists.
    #[transaction(evaluate)]
    fn asset_exists(&self, ctx: &Context, id: &str) -> Result<bool> {
        Ok(ctx.get_state(id)?.is_some())
    }

    /// Transfers an asset to a new owner; returns the old owner.
    #[transaction]
    fn transfer_asset(&self, ctx: &Context, id: &str, new_owner: String) -> Result<String> {
        let mut asset = self.read_asset(ctx, id)?;
        let old_owner = std::mem::replace(&mut asset.owner, new_owner);
        ctx.put(id, &asset)?;
        Ok(old_owner)
    }

    /// Returns all assets, sorted by id.
    #[transaction(evaluate)]
    fn get_all_assets(&self, ctx: &Context) -> Result<Vec<Asset>> {
        // Two empty bounds select the chaincode's whole namespace.
        ctx.get_state_by_range("", "")?.map(|row| row?.json()).collect()
    }
}

fn does_not_exist(id: &str) -> Error {
    Error::internal(format!("the asset {id} does not exist"))
}

wasmcc_sdk::chaincode!(AssetTransfer);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::MockLedger;

    fn initialized() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&AssetTransfer]);
        ledger.submit("InitLedger", args![]).unwrap();
        ledger
    }

    #[test]
    fn assets_are_written_as_in_every_language_of_the_samples() {
        let ledger = initialized();
        let json =
            br#"{"AppraisedValue":500,"Color":"green","ID":"asset3","Owner":"Jin Soo","Size":10}"#;
        assert_eq!(ledger.get_state("asset3"), Some(json.as_slice()));
    }

    #[test]
    fn all_assets_are_listed_in_the_order_of_their_ids() {
        let mut ledger = initialized();
        let assets: Vec<Asset> = ledger.evaluate("GetAllAssets", args![]).unwrap().json();
        let owners: Vec<&str> = assets.iter().map(|asset| asset.owner.as_str()).collect();
        assert_eq!(owners, ["Tomoko", "Brad", "Jin Soo", "Max", "Adriana", "Michel"]);
        let mut empty = MockLedger::new(vec![&AssetTransfer]);
        assert_eq!(empty.evaluate("GetAllAssets", args![]).unwrap().text(), "[]");
    }

    #[test]
    fn a_created_asset_can_be_read_and_not_created_again() {
        let mut ledger = initialized();
        let asset = args!["asset7", "pink", 1, "Ann", 9];
        ledger.submit("CreateAsset", asset.clone()).unwrap();
        let read: Asset = ledger.evaluate("ReadAsset", args!["asset7"]).unwrap().json();
        assert_eq!((read.color.as_str(), read.size, read.appraised_value), ("pink", 1, 9));
        let refused = ledger.submit("createAsset", asset).unwrap_err();
        assert_eq!(refused.message(), "the asset asset7 already exists");
        assert_eq!(refused.status(), 500);
    }

    #[test]
    fn an_updated_asset_has_its_new_values() {
        let mut ledger = initialized();
        ledger.submit("UpdateAsset", args!["asset1", "grey", 6, "Bo", 1]).unwrap();
        let json = br#"{"AppraisedValue":1,"Color":"grey","ID":"asset1","Owner":"Bo","Size":6}"#;
        assert_eq!(ledger.get_state("asset1"), Some(json.as_slice()));
    }

    #[test]
    fn a_transfer_returns_the_old_owner() {
        let mut ledger = initialized();
        let answer = ledger.submit("TransferAsset", args!["asset1", "Ann"]).unwrap();
        assert_eq!(answer.text(), "Tomoko");
        let asset: Asset = ledger.evaluate("ReadAsset", args!["asset1"]).unwrap().json();
        assert_eq!(asset.owner, "Ann");
    }

    #[test]
    fn a_deleted_asset_is_gone() {
        let mut ledger = initialized();
        assert_eq!(ledger.evaluate("AssetExists", args!["asset1"]).unwrap().text(), "true");
        ledger.submit("DeleteAsset", args!["asset1"]).unwrap();
        assert_eq!(ledger.evaluate("AssetExists", args!["asset1"]).unwrap().text(), "false");
        assert_eq!(ledger.get_state("asset1"), None);
    }

    #[test]
    fn an_asset_that_does_not_exist_is_said_so() {
        let mut ledger = initialized();
        let calls = [
            ("ReadAsset", args!["asset0"]),
            ("UpdateAsset", args!["asset0", "grey", 6, "Bo", 1]),
            ("DeleteAsset", args!["asset0"]),
            ("TransferAsset", args!["asset0", "Ann"]),
        ];
        for (function, args) in calls {
            let refused = ledger.submit(function, args).unwrap_err();
            assert_eq!(refused.message(), "the asset asset0 does not exist", "{function}");
        }
    }
}
