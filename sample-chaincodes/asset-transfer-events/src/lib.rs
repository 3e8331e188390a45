//! Assets with an event for each change, so that applications can follow them.
//!
//! Names, JSON and messages are those of `asset-transfer-events` in fabric-samples.
//!
//! Invariant: each transaction that changes an asset sets one event, named after the function, with
//! the asset's JSON. Listeners receive it when the transaction is committed as valid.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result, contract};

/// An asset. Its JSON has the fields in this order.
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

impl Asset {
    /// Returns the bytes on the ledger, which are also the event's payload.
    fn to_json(&self) -> Result<Vec<u8>> {
        self.encode()
    }
}

/// The contract.
pub struct AssetTransferEvents;

#[contract(name = "AssetTransferEvents", version = "1.0.0")]
impl AssetTransferEvents {
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
        if ctx.get_state(&id)?.is_some() {
            return Err(Error::internal(format!("the asset {id} already exists")));
        }
        announce(ctx, "CreateAsset", &Asset { appraised_value, color, id, owner, size })
    }

    /// Returns the asset with this id.
    #[transaction(evaluate)]
    fn read_asset(&self, ctx: &Context, id: &str) -> Result<Asset> {
        ctx.get(id)?.ok_or_else(|| Error::internal(format!("the asset {id} does not exist")))
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
        self.read_asset(ctx, &id)?;
        announce(ctx, "UpdateAsset", &Asset { appraised_value, color, id, owner, size })
    }

    /// Deletes an asset; the event has its last state.
    #[transaction]
    fn delete_asset(&self, ctx: &Context, id: &str) -> Result<()> {
        let asset = self.read_asset(ctx, id)?;
        ctx.set_event("DeleteAsset", &asset.to_json()?)?;
        ctx.del_state(id)
    }

    /// Transfers an asset to a new owner; returns the old owner.
    #[transaction]
    fn transfer_asset(&self, ctx: &Context, id: &str, new_owner: String) -> Result<String> {
        let mut asset = self.read_asset(ctx, id)?;
        let old_owner = std::mem::replace(&mut asset.owner, new_owner);
        announce(ctx, "TransferAsset", &asset)?;
        Ok(old_owner)
    }
}

/// Writes an asset and sets the event.
fn announce(ctx: &Context, event: &str, asset: &Asset) -> Result<()> {
    let json = asset.to_json()?;
    ctx.set_event(event, &json)?;
    ctx.put_state(&asset.id, &json)
}

wasmcc_sdk::chaincode!(AssetTransferEvents);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::MockLedger;

    const CREATED: &str =
        r#"{"AppraisedValue":100,"Color":"blue","ID":"asset1","Owner":"Sam","Size":10}"#;

    fn with_asset() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&AssetTransferEvents]);
        ledger.submit("CreateAsset", args!["asset1", "blue", 10, "Sam", 100]).unwrap();
        ledger
    }

    #[test]
    fn each_change_sets_an_event_with_the_asset() {
        let mut ledger = with_asset();
        let update = ledger.submit("UpdateAsset", args!["asset1", "blue", 10, "Sam", 200]);
        let updated = CREATED.replace("100", "200");
        assert_eq!(update.unwrap().event, Some(("UpdateAsset".into(), updated.clone().into())));
        let transfer = ledger.submit("TransferAsset", args!["asset1", "Mary"]).unwrap();
        assert_eq!(transfer.text(), "Sam", "it returns the old owner");
        let transferred = updated.replace("Sam", "Mary");
        let event = Some(("TransferAsset".into(), transferred.clone().into_bytes()));
        assert_eq!(transfer.event, event);
        assert_eq!(ledger.get_state("asset1"), Some(transferred.as_bytes()));
        let delete = ledger.submit("DeleteAsset", args!["asset1"]).unwrap();
        assert_eq!(delete.event, Some(("DeleteAsset".into(), transferred.into_bytes())));
        assert_eq!(ledger.get_state("asset1"), None);
    }

    #[test]
    fn an_asset_is_created_once() {
        let mut ledger = with_asset();
        let again = ledger.submit("CreateAsset", args!["asset1", "red", 1, "Ann", 1]).unwrap_err();
        assert_eq!(again.message(), "the asset asset1 already exists");
        assert_eq!(ledger.evaluate("ReadAsset", args!["asset1"]).unwrap().text(), CREATED);
    }

    #[test]
    fn an_asset_that_does_not_exist_is_refused_without_an_event() {
        let mut ledger = with_asset();
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
