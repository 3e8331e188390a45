//! Assets whose keys have their own endorsement policies: only the owner's organization can change
//! them, regardless of the chaincode's policy.
//!
//! Names, JSON and messages are those of `asset-transfer-sbe` in fabric-samples ("state-based
//! endorsement").
//!
//! Invariant: the policy of an asset's key names the organization in its `OwnerOrg`.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Policy, Result, Role, contract};

/// An asset. Its JSON has the fields in this order.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Asset {
    /// Its key on the ledger.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its value.
    pub value: i64,
    /// Its owner.
    pub owner: String,
    /// The MSP id of the owner's organization.
    pub owner_org: String,
}

/// The contract.
pub struct AssetContract;

#[contract(name = "AssetContract", version = "1.0.0")]
impl AssetContract {
    /// Creates an asset of the client's organization, which must endorse further changes.
    #[transaction]
    fn create_asset(
        &self,
        ctx: &Context,
        asset_id: String,
        value: i64,
        owner: String,
    ) -> Result<()> {
        if self.asset_exists(ctx, &asset_id)? {
            return Err(Error::internal(format!("The asset {asset_id} already exists")));
        }
        let owner_org = ctx.client_identity()?.msp_id().to_owned();
        put(ctx, &Asset { id: asset_id, value, owner, owner_org })
    }

    /// Returns the asset with this id.
    #[transaction(evaluate)]
    fn read_asset(&self, ctx: &Context, asset_id: &str) -> Result<Asset> {
        ctx.get(asset_id)?
            .ok_or_else(|| Error::internal(format!("The asset {asset_id} does not exist")))
    }

    /// Changes the value of an asset.
    #[transaction]
    fn update_asset(&self, ctx: &Context, asset_id: &str, new_value: i64) -> Result<()> {
        let asset = Asset { value: new_value, ..self.read_asset(ctx, asset_id)? };
        // Writing the value does not change the key's policy.
        ctx.put(asset_id, &asset)
    }

    /// Deletes an asset and its policy.
    #[transaction]
    fn delete_asset(&self, ctx: &Context, asset_id: &str) -> Result<()> {
        self.read_asset(ctx, asset_id)?;
        ctx.del_state(asset_id)
    }

    /// Transfers an asset to an owner of another organization, which must endorse further changes.
    #[transaction]
    fn transfer_asset(
        &self,
        ctx: &Context,
        asset_id: &str,
        new_owner: String,
        new_owner_org: String,
    ) -> Result<()> {
        let asset = self.read_asset(ctx, asset_id)?;
        put(ctx, &Asset { owner: new_owner, owner_org: new_owner_org, ..asset })
    }

    /// Returns true if an asset with this id exists.
    #[transaction(evaluate)]
    fn asset_exists(&self, ctx: &Context, asset_id: &str) -> Result<bool> {
        Ok(ctx.get_state(asset_id)?.is_some())
    }
}

/// Writes an asset and the policy of its key.
fn put(ctx: &Context, asset: &Asset) -> Result<()> {
    ctx.put(&asset.id, asset)?;
    let policy = Policy::organizations(Role::Member, [asset.owner_org.as_str()]);
    ctx.set_state_validation_parameter(&asset.id, &policy.to_bytes())
}

wasmcc_sdk::chaincode!(AssetContract);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::MockLedger;

    fn with_asset() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&AssetContract]);
        ledger.submit("CreateAsset", args!["asset1", 100, "Tom"]).unwrap();
        ledger
    }

    #[test]
    fn an_asset_belongs_to_the_organization_of_its_creator() {
        let mut ledger = with_asset();
        let json = r#"{"ID":"asset1","Value":100,"Owner":"Tom","OwnerOrg":"Org1MSP"}"#;
        assert_eq!(ledger.get_state("asset1"), Some(json.as_bytes()));
        assert_eq!(ledger.evaluate("ReadAsset", args!["asset1"]).unwrap().text(), json);
        let again = ledger.submit("CreateAsset", args!["asset1", 1, "Ann"]).unwrap_err();
        assert_eq!(again.message(), "The asset asset1 already exists");
    }

    #[test]
    fn an_update_changes_the_value_and_a_transfer_owner_and_organization() {
        let mut ledger = with_asset();
        ledger.submit("UpdateAsset", args!["asset1", 200]).unwrap();
        ledger.submit("TransferAsset", args!["asset1", "Henry", "Org2MSP"]).unwrap();
        let json = r#"{"ID":"asset1","Value":200,"Owner":"Henry","OwnerOrg":"Org2MSP"}"#;
        assert_eq!(ledger.get_state("asset1"), Some(json.as_bytes()));
    }

    #[test]
    fn a_deleted_asset_does_not_exist() {
        let mut ledger = with_asset();
        assert_eq!(ledger.evaluate("AssetExists", args!["asset1"]).unwrap().text(), "true");
        ledger.submit("DeleteAsset", args!["asset1"]).unwrap();
        assert_eq!(ledger.evaluate("AssetExists", args!["asset1"]).unwrap().text(), "false");
        let calls = [
            ("ReadAsset", args!["asset1"]),
            ("UpdateAsset", args!["asset1", 1]),
            ("DeleteAsset", args!["asset1"]),
            ("TransferAsset", args!["asset1", "Henry", "Org2MSP"]),
        ];
        for (function, args) in calls {
            let refused = ledger.submit(function, args).unwrap_err();
            assert_eq!(refused.message(), "The asset asset1 does not exist", "{function}");
        }
    }
}
