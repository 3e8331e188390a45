//! Ways to find assets: ranges of keys, parts of composite keys, rich queries, pages, and the
//! history of a key.
//!
//! Names, JSON and messages are those of `asset-transfer-ledger-queries` in fabric-samples;
//! `META-INF` contains its index.
//!
//! Invariant: each asset has an entry in the index `color~name`; the entry's key has its color and
//! id.

mod asset;

use asset::{HistoryQueryResult, PaginatedQueryResult};
use serde_json::json;
use wasmcc_sdk::{Context, Error, Page, Result, StateIterator, contract};

pub use asset::Asset;

/// The object type of the keys that index assets by color.
const INDEX: &str = "color~name";

/// The contract.
pub struct LedgerQueries;

#[contract(name = "LedgerQueries", version = "1.0.0")]
impl LedgerQueries {
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
        for (id, color, size, owner, value) in assets {
            self.create_asset(ctx, id.into(), color.into(), size, owner.into(), value)?;
        }
        Ok(())
    }

    /// Creates an asset and its entry in the color index.
    #[transaction]
    fn create_asset(
        &self,
        ctx: &Context,
        asset_id: String,
        color: String,
        size: i64,
        owner: String,
        appraised_value: i64,
    ) -> Result<()> {
        if self.asset_exists(ctx, &asset_id)? {
            return Err(Error::internal(format!("asset already exists: {asset_id}")));
        }
        let doc_type = "asset".to_owned();
        let asset = Asset { doc_type, id: asset_id, color, size, owner, appraised_value };
        ctx.put(&asset.id, &asset)?;
        // An empty value would delete the entry.
        ctx.put_state(&index_key(ctx, &asset)?, &[0])
    }

    /// Returns the asset with this id.
    #[transaction(evaluate)]
    fn read_asset(&self, ctx: &Context, asset_id: &str) -> Result<Asset> {
        ctx.get(asset_id)?
            .ok_or_else(|| Error::internal(format!("asset {asset_id} does not exist")))
    }

    /// Deletes an asset and its entry in the color index.
    #[transaction]
    fn delete_asset(&self, ctx: &Context, asset_id: &str) -> Result<()> {
        let asset = self.read_asset(ctx, asset_id)?;
        ctx.del_state(asset_id)?;
        ctx.del_state(&index_key(ctx, &asset)?)
    }

    /// Transfers an asset to a new owner.
    #[transaction]
    fn transfer_asset(&self, ctx: &Context, asset_id: &str, new_owner: String) -> Result<()> {
        let asset = Asset { owner: new_owner, ..self.read_asset(ctx, asset_id)? };
        ctx.put(asset_id, &asset)
    }

    /// Transfers all assets of a color to a new owner. At commit the peer checks that this color's
    /// entries are unchanged.
    #[transaction]
    fn transfer_asset_by_color(&self, ctx: &Context, color: &str, new_owner: &str) -> Result<()> {
        for row in ctx.get_state_by_partial_composite_key(INDEX, &[color])? {
            let (_, parts) = ctx.split_composite_key(&row?.key)?;
            if let [_, id] = parts.as_slice() {
                self.transfer_asset(ctx, id, new_owner.to_owned())?;
            }
        }
        Ok(())
    }

    /// Returns true if an asset with this id exists.
    #[transaction(evaluate)]
    fn asset_exists(&self, ctx: &Context, asset_id: &str) -> Result<bool> {
        Ok(ctx.get_state(asset_id)?.is_some())
    }

    /// Returns the assets with ids from `start_key` (included) to `end_key` (excluded).
    #[transaction(evaluate)]
    fn get_assets_by_range(
        &self,
        ctx: &Context,
        start_key: &str,
        end_key: &str,
    ) -> Result<Vec<Asset>> {
        assets(ctx.get_state_by_range(start_key, end_key)?)
    }

    /// Returns one page of a range, which begins at the bookmark of the previous page.
    #[transaction(evaluate)]
    fn get_assets_by_range_with_pagination(
        &self,
        ctx: &Context,
        start_key: &str,
        end_key: &str,
        page_size: i32,
        bookmark: &str,
    ) -> Result<PaginatedQueryResult> {
        ctx.get_state_by_range_with_pagination(start_key, end_key, page_size, bookmark)
            .and_then(page)
    }

    /// Returns the assets of an owner. Needs a state database with rich queries.
    #[transaction(evaluate)]
    fn query_assets_by_owner(&self, ctx: &Context, owner: &str) -> Result<Vec<Asset>> {
        // Built from values, so that an owner's name cannot change the query.
        let query = json!({ "selector": { "docType": "asset", "owner": owner } });
        self.query_assets(ctx, &query.to_string())
    }

    /// Returns the assets that match a CouchDB query. Needs a state database with rich queries.
    #[transaction(evaluate)]
    fn query_assets(&self, ctx: &Context, query_string: &str) -> Result<Vec<Asset>> {
        assets(ctx.get_query_result(query_string)?)
    }

    /// Returns one page of a CouchDB query.
    #[transaction(evaluate)]
    fn query_assets_with_pagination(
        &self,
        ctx: &Context,
        query_string: &str,
        page_size: i32,
        bookmark: &str,
    ) -> Result<PaginatedQueryResult> {
        ctx.get_query_result_with_pagination(query_string, page_size, bookmark).and_then(page)
    }

    /// Returns all states of an asset, newest first.
    #[transaction(evaluate)]
    fn get_asset_history(&self, ctx: &Context, asset_id: &str) -> Result<Vec<HistoryQueryResult>> {
        let changes = ctx.get_history_for_key(asset_id)?;
        changes.map(|change| HistoryQueryResult::of(change?, asset_id)).collect()
    }
}

fn index_key(ctx: &Context, asset: &Asset) -> Result<String> {
    ctx.create_composite_key(INDEX, &[&asset.color, &asset.id])
}

fn assets(rows: StateIterator) -> Result<Vec<Asset>> {
    rows.map(|row| row?.json()).collect()
}

fn page(page: Page) -> Result<PaginatedQueryResult> {
    let records = page.rows.iter().map(|row| row.json()).collect::<Result<_>>()?;
    let Page { fetched_records_count, bookmark, .. } = page;
    Ok(PaginatedQueryResult { records, fetched_records_count, bookmark })
}

wasmcc_sdk::chaincode!(LedgerQueries);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::MockLedger;

    fn initialized() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&LedgerQueries]);
        ledger.submit("InitLedger", args![]).unwrap();
        ledger
    }

    fn ids(assets: &[Asset]) -> Vec<&str> {
        assets.iter().map(|asset| asset.id.as_str()).collect()
    }

    #[test]
    fn an_asset_and_its_entry_in_the_index_come_and_go_together() {
        let mut ledger = initialized();
        let json = concat!(
            r#"{"docType":"asset","ID":"asset1","color":"blue","size":5,"owner":"Tomoko","#,
            r#""appraisedValue":300}"#
        );
        assert_eq!(ledger.get_state("asset1"), Some(json.as_bytes()));
        let entry = "\0color~name\0blue\0asset1\0";
        assert_eq!(ledger.get_state(entry), Some([0].as_slice()));
        ledger.submit("DeleteAsset", args!["asset1"]).unwrap();
        assert_eq!((ledger.get_state("asset1"), ledger.get_state(entry)), (None, None));
    }

    #[test]
    fn ranges_and_their_pages_find_assets_in_the_order_of_their_ids() {
        let mut ledger = initialized();
        let range = ledger.evaluate("GetAssetsByRange", args!["asset2", "asset4"]).unwrap();
        assert_eq!(ids(&range.json::<Vec<Asset>>()), ["asset2", "asset3"]);
        let none = ledger.evaluate("GetAssetsByRange", args!["b", "c"]).unwrap();
        assert_eq!(none.text(), "[]");
        let mut bookmark = String::new();
        for (expected, next) in [(["asset1", "asset2"], "asset3"), (["asset3", "asset4"], "")] {
            let args = args!["asset1", "asset5", 2, &bookmark];
            let page = ledger.evaluate("GetAssetsByRangeWithPagination", args).unwrap();
            let page: PaginatedQueryResult = page.json();
            assert_eq!(ids(&page.records), expected);
            assert_eq!((page.fetched_records_count, page.bookmark.as_str()), (2, next));
            bookmark = page.bookmark;
        }
    }

    #[test]
    fn all_assets_of_a_color_are_transferred() {
        let mut ledger = initialized();
        ledger.submit("CreateAsset", args!["asset7", "blue", 1, "Ann", 9]).unwrap();
        ledger.submit("TransferAssetByColor", args!["blue", "Jerry"]).unwrap();
        for (id, owner) in [("asset1", "Jerry"), ("asset7", "Jerry"), ("asset2", "Brad")] {
            let asset: Asset = ledger.evaluate("ReadAsset", args![id]).unwrap().json();
            assert_eq!(asset.owner, owner, "{id}");
        }
    }

    #[test]
    fn the_history_of_an_asset_has_its_deletion() {
        let mut ledger = initialized();
        ledger.submit("TransferAsset", args!["asset1", "Ann"]).unwrap();
        ledger.submit("DeleteAsset", args!["asset1"]).unwrap();
        let history = ledger.evaluate("GetAssetHistory", args!["asset1"]).unwrap();
        let history: Vec<HistoryQueryResult> = history.json();
        let seen: Vec<(&str, &str, bool)> = history
            .iter()
            .map(|entry| (&*entry.record.id, &*entry.record.owner, entry.is_delete))
            .collect();
        let expected =
            [("asset1", "", true), ("asset1", "Ann", false), ("asset1", "Tomoko", false)];
        assert_eq!(seen, expected);
        assert_eq!(history[2].timestamp.to_string(), "2025-01-01T00:00:00Z");
    }

    #[test]
    fn an_asset_exists_once_or_not_at_all() {
        let mut ledger = initialized();
        let again = ledger.submit("CreateAsset", args!["asset1", "red", 1, "Ann", 1]).unwrap_err();
        assert_eq!(again.message(), "asset already exists: asset1");
        for (function, args) in [
            ("ReadAsset", args!["asset0"]),
            ("DeleteAsset", args!["asset0"]),
            ("TransferAsset", args!["asset0", "Ann"]),
        ] {
            let refused = ledger.submit(function, args).unwrap_err();
            assert_eq!(refused.message(), "asset asset0 does not exist", "{function}");
        }
    }
}
