//! Assets: create, read, transfer and delete them.
//!
//! All endorsers must write the same bytes: take the time from `ctx.get_tx_timestamp()`, and use a
//! `BTreeMap` where you need a map.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result, contract, ensure};

/// An asset in its form on the ledger: JSON with the fields in this order.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Asset {
    /// Its key on the ledger.
    #[serde(rename = "ID")]
    pub id: String,
    /// For example `blue`.
    pub color: String,
    /// The organization that may transfer and delete it.
    pub owner: String,
    /// Its estimated value.
    pub appraised_value: u64,
}

/// The contract. It has no fields: the ledger is its state.
pub struct AssetTransfer;

#[contract(name = "AssetTransfer", version = "0.1.0")]
impl AssetTransfer {
    /// Issues a new asset, which belongs to the caller's organization.
    #[transaction]
    fn create_asset(
        &self,
        ctx: &Context,
        id: String,
        color: String,
        appraised_value: u64,
    ) -> Result<Asset> {
        ensure!(
            ctx.get_state(&id)?.is_none(),
            409,
            "the asset {id} already exists"
        );
        let owner = ctx.client_identity()?.msp_id().to_owned();
        let asset = Asset {
            id,
            color,
            owner,
            appraised_value,
        };
        ctx.put(&asset.id, &asset)?;
        ctx.set_event("CreateAsset", asset.id.as_bytes())?;
        Ok(asset)
    }

    /// Returns the asset with this id.
    #[transaction(evaluate)]
    fn read_asset(&self, ctx: &Context, id: &str) -> Result<Asset> {
        ctx.get(id)?
            .ok_or_else(|| Error::not_found(format!("the asset {id} does not exist")))
    }

    /// Transfers an asset of the caller's organization to another one; returns the old owner.
    #[transaction]
    fn transfer_asset(&self, ctx: &Context, id: &str, new_owner: String) -> Result<String> {
        let mut asset = self.own_asset(ctx, id)?;
        let old_owner = std::mem::replace(&mut asset.owner, new_owner);
        ctx.put(id, &asset)?;
        Ok(old_owner)
    }

    /// Deletes an asset of the caller's organization; its history stays on the ledger.
    #[transaction]
    fn delete_asset(&self, ctx: &Context, id: &str) -> Result<()> {
        self.own_asset(ctx, id)?;
        ctx.del_state(id)
    }

    /// Returns all assets, sorted by id.
    #[transaction(evaluate)]
    fn get_all_assets(&self, ctx: &Context) -> Result<Vec<Asset>> {
        // Two empty bounds mean the whole namespace of this chaincode.
        ctx.get_state_by_range("", "")?
            .map(|row| row?.json())
            .collect()
    }
}

impl AssetTransfer {
    /// Not a transaction: only the contract's own functions call it.
    fn own_asset(&self, ctx: &Context, id: &str) -> Result<Asset> {
        let asset = self.read_asset(ctx, id)?;
        let caller = ctx.client_identity()?;
        ensure!(
            caller.msp_id() == asset.owner,
            403,
            "the asset {id} belongs to {}",
            asset.owner
        );
        Ok(asset)
    }
}

wasmcc_sdk::chaincode!(AssetTransfer);

/// Native tests on the SDK's mock ledger, the fastest ones. `tests/sandbox.rs` tests the component.
#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::MockLedger;

    fn with_one_asset() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&AssetTransfer]);
        ledger
            .submit("CreateAsset", args!["asset1", "blue", 300])
            .unwrap();
        ledger
    }

    #[test]
    fn a_created_asset_belongs_to_the_callers_organization() {
        let mut ledger = with_one_asset();
        let asset: Asset = ledger
            .evaluate("ReadAsset", args!["asset1"])
            .unwrap()
            .json();
        assert_eq!(
            (asset.owner.as_str(), asset.appraised_value),
            ("Org1MSP", 300)
        );
        let refused = ledger
            .submit("CreateAsset", args!["asset1", "red", 1])
            .unwrap_err();
        assert_eq!(
            (refused.status(), refused.message()),
            (409, "the asset asset1 already exists")
        );
    }

    #[test]
    fn only_its_owner_transfers_an_asset() {
        let mut ledger = with_one_asset();
        let old = ledger
            .submit("TransferAsset", args!["asset1", "Org2MSP"])
            .unwrap();
        assert_eq!(old.text(), "Org1MSP");
        let refused = ledger
            .submit("TransferAsset", args!["asset1", "Org1MSP"])
            .unwrap_err();
        assert_eq!(
            (refused.status(), refused.message()),
            (403, "the asset asset1 belongs to Org2MSP")
        );
        ledger.as_client("Org2MSP", "ann", &[]);
        ledger
            .submit("TransferAsset", args!["asset1", "Org1MSP"])
            .unwrap();
    }

    #[test]
    fn a_deleted_asset_is_gone() {
        let mut ledger = with_one_asset();
        ledger.submit("DeleteAsset", args!["asset1"]).unwrap();
        assert_eq!(
            ledger.evaluate("GetAllAssets", args![]).unwrap().text(),
            "[]"
        );
        assert_eq!(
            ledger
                .evaluate("ReadAsset", args!["asset1"])
                .unwrap_err()
                .status(),
            404
        );
    }
}
