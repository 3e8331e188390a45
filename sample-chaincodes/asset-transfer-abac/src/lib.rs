//! Access control by attributes: an attribute of the client's certificate permits creating assets,
//! and the client's identity permits changing them.
//!
//! Names, JSON and messages are those of `asset-transfer-abac` in fabric-samples.
//!
//! Invariant: the owner of an asset is a client's identity: subject and issuer of its certificate.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result, contract};

/// An asset. Its JSON has the fields in this order.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    /// Its key on the ledger.
    #[serde(rename = "ID")]
    pub id: String,
    /// For example `blue`.
    pub color: String,
    /// In a unit that the owners agree on.
    pub size: i64,
    /// The client that owns it.
    pub owner: String,
    /// Its estimated value.
    pub appraised_value: i64,
}

/// The contract.
pub struct AssetTransferAbac;

#[contract(name = "AssetTransferAbac", version = "1.0.0")]
impl AssetTransferAbac {
    /// Issues an asset of the client, whose attribute `abac.creator` must be `true`.
    #[transaction]
    fn create_asset(
        &self,
        ctx: &Context,
        id: String,
        color: String,
        size: i64,
        appraised_value: i64,
    ) -> Result<()> {
        let client = ctx.client_identity()?;
        client.assert_attribute("abac.creator", "true").map_err(|_| {
            Error::internal(
                "submitting client not authorized to create asset, does not have abac.creator role",
            )
        })?;
        if self.asset_exists(ctx, &id)? {
            return Err(Error::internal(format!("the asset {id} already exists")));
        }
        let owner = self.get_submitting_client_identity(ctx)?;
        ctx.put(&id, &Asset { id: id.clone(), color, size, owner, appraised_value })
    }

    /// Replaces color, size and value of an asset. Only for its owner.
    #[transaction]
    fn update_asset(
        &self,
        ctx: &Context,
        id: &str,
        new_color: String,
        new_size: i64,
        new_value: i64,
    ) -> Result<()> {
        let mut asset = self.own_asset(ctx, id)?;
        asset.color = new_color;
        asset.size = new_size;
        asset.appraised_value = new_value;
        ctx.put(id, &asset)
    }

    /// Deletes an asset. Only for its owner.
    #[transaction]
    fn delete_asset(&self, ctx: &Context, id: &str) -> Result<()> {
        self.own_asset(ctx, id)?;
        ctx.del_state(id)
    }

    /// Transfers an asset to another client, named as by `GetSubmittingClientIdentity`. Only for
    /// its owner.
    #[transaction]
    fn transfer_asset(&self, ctx: &Context, id: &str, new_owner: String) -> Result<()> {
        let asset = Asset { owner: new_owner, ..self.own_asset(ctx, id)? };
        ctx.put(id, &asset)
    }

    /// Returns the asset with this id.
    #[transaction(evaluate)]
    fn read_asset(&self, ctx: &Context, id: &str) -> Result<Asset> {
        ctx.get(id)?.ok_or_else(|| Error::internal(format!("the asset {id} does not exist")))
    }

    /// Returns all assets, sorted by id.
    #[transaction(evaluate)]
    fn get_all_assets(&self, ctx: &Context) -> Result<Vec<Asset>> {
        ctx.get_state_by_range("", "")?.map(|row| row?.json()).collect()
    }

    /// Returns true if an asset with this id exists.
    #[transaction(evaluate)]
    fn asset_exists(&self, ctx: &Context, id: &str) -> Result<bool> {
        Ok(ctx.get_state(id)?.is_some())
    }

    /// Returns the client's id: `x509::`, then subject, `::` and issuer of its certificate.
    #[transaction(evaluate)]
    fn get_submitting_client_identity(&self, ctx: &Context) -> Result<String> {
        let client = ctx.client_identity()?;
        Ok(format!("x509::{}::{}", client.subject()?, client.issuer()?))
    }
}

impl AssetTransferAbac {
    /// Returns the asset if the client owns it.
    fn own_asset(&self, ctx: &Context, id: &str) -> Result<Asset> {
        let asset = self.read_asset(ctx, id)?;
        if asset.owner != self.get_submitting_client_identity(ctx)? {
            return Err(Error::internal(
                "submitting client not authorized to update asset, does not own asset",
            ));
        }
        Ok(asset)
    }
}

wasmcc_sdk::chaincode!(AssetTransferAbac);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::MockLedger;

    const CREATOR1: &str = "x509::CN=creator1,OU=client::CN=ca";

    /// Returns a ledger with an asset of `creator1`, the submitting client.
    fn with_asset() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&AssetTransferAbac]);
        ledger.as_client("Org1MSP", "creator1", &[("abac.creator", "true")]);
        ledger.submit("CreateAsset", args!["Asset1", "blue", 20, 100]).unwrap();
        ledger
    }

    #[test]
    fn a_client_with_the_attribute_creates_assets_of_its_own() {
        let mut ledger = with_asset();
        let (id, rest) = (r#""ID":"Asset1","color":"blue","size":20"#, r#""appraisedValue":100"#);
        let json = format!(r#"{{{id},"owner":"{CREATOR1}",{rest}}}"#);
        assert_eq!(ledger.get_state("Asset1"), Some(json.as_bytes()));
        let all = ledger.evaluate("GetAllAssets", args![]).unwrap();
        assert_eq!(all.text(), format!("[{json}]"));
        let again = ledger.submit("CreateAsset", args!["Asset1", "red", 1, 1]).unwrap_err();
        assert_eq!(again.message(), "the asset Asset1 already exists");
    }

    #[test]
    fn a_client_without_the_attribute_or_with_another_value_creates_none() {
        let mut ledger = MockLedger::new(vec![&AssetTransferAbac]);
        for attributes in [&[][..], &[("abac.creator", "false")], &[("creator", "true")]] {
            ledger.as_client("Org1MSP", "bob", attributes);
            let refused = ledger.submit("CreateAsset", args!["Asset2", "red", 1, 1]).unwrap_err();
            let expected = "submitting client not authorized to create asset, does not have \
                            abac.creator role";
            assert_eq!(refused.message(), expected);
        }
        assert_eq!(ledger.evaluate("GetAllAssets", args![]).unwrap().text(), "[]");
    }

    #[test]
    fn only_the_owner_changes_an_asset() {
        let mut ledger = with_asset();
        ledger.submit("UpdateAsset", args!["Asset1", "green", 21, 101]).unwrap();
        let bob = ledger.as_client("Org1MSP", "bob", &[("abac.creator", "true")]);
        let bob = bob.evaluate("GetSubmittingClientIdentity", args![]).unwrap().text();
        let calls = [
            ("UpdateAsset", args!["Asset1", "red", 1, 1]),
            ("TransferAsset", args!["Asset1", &bob]),
            ("DeleteAsset", args!["Asset1"]),
        ];
        for (function, args) in calls {
            let refused = ledger.submit(function, args).unwrap_err();
            let expected = "submitting client not authorized to update asset, does not own asset";
            assert_eq!(refused.message(), expected, "{function}");
        }
        ledger.as_client("Org1MSP", "creator1", &[]);
        ledger.submit("TransferAsset", args!["Asset1", &bob]).unwrap();
        let asset: Asset = ledger.evaluate("ReadAsset", args!["Asset1"]).unwrap().json();
        assert_eq!((asset.owner, asset.color.as_str()), (bob, "green"));
        ledger.as_client("Org1MSP", "bob", &[]).submit("DeleteAsset", args!["Asset1"]).unwrap();
        assert_eq!(ledger.evaluate("AssetExists", args!["Asset1"]).unwrap().text(), "false");
    }
}
