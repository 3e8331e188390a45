//! `fabric:chaincode/query`.

use wasmtime::component::Resource;

use crate::backend::{self, PageRequest, QueryBatch};
use crate::bindings::fabric::chaincode::query::{Host, Page};
use crate::imports::ImportResult;
use crate::imports::cursor::{HistoryIterator, StateIterator};
use crate::imports::rows::key_value;
use crate::rules::RuleError;
use crate::tx_state::TxState;
use crate::{cost, rules};

const PUBLIC: &str = "";

/// Returns the page that a guest requests. Fabric's messages have a signed 32-bit integer for its
/// size.
fn wanted(page_size: u32, bookmark: Option<String>) -> Result<PageRequest, RuleError> {
    match i32::try_from(page_size) {
        Ok(size) => Ok(PageRequest { size, bookmark: bookmark.unwrap_or_default() }),
        Err(_) => Err(RuleError::PageSize(page_size)),
    }
}

/// Converts a page for the guest. Fabric marks the end with an empty bookmark.
fn page(batch: QueryBatch<backend::KeyValue>) -> Page {
    Page {
        rows: batch.rows.into_iter().map(key_value).collect(),
        bookmark: batch.bookmark.filter(|bookmark| !bookmark.is_empty()),
    }
}

impl Host for TxState {
    async fn get_state_by_range(
        &mut self,
        start_key: String,
        end_key: String,
    ) -> ImportResult<Resource<StateIterator>> {
        match rules::range(&start_key, &end_key) {
            Ok((start, end)) => self.open_range(PUBLIC, start, end).await,
            Err(broken) => self.refuse(start_key.len() + end_key.len(), broken),
        }
    }

    async fn get_state_by_range_with_pagination(
        &mut self,
        start_key: String,
        end_key: String,
        page_size: u32,
        bookmark: Option<String>,
    ) -> ImportResult<Page> {
        let batch = match wanted(page_size, bookmark) {
            Ok(wanted) => self.simple_page(&start_key, &end_key, &wanted).await?,
            Err(broken) => self.refuse(start_key.len() + end_key.len(), broken)?,
        };
        Ok(batch.map(page))
    }

    async fn get_state_by_partial_composite_key(
        &mut self,
        object_type: String,
        attributes: Vec<String>,
    ) -> ImportResult<Resource<StateIterator>> {
        match rules::partial_composite_range(&object_type, &attributes) {
            Ok((start, end)) => self.open_range(PUBLIC, &start, &end).await,
            Err(broken) => self.refuse(cost::text_bytes(&attributes), broken),
        }
    }

    async fn get_state_by_partial_composite_key_with_pagination(
        &mut self,
        object_type: String,
        attributes: Vec<String>,
        page_size: u32,
        bookmark: Option<String>,
    ) -> ImportResult<Page> {
        let batch = match wanted(page_size, bookmark) {
            Ok(wanted) => self.composite_page(&object_type, &attributes, &wanted).await?,
            Err(broken) => self.refuse(cost::text_bytes(&attributes), broken)?,
        };
        Ok(batch.map(page))
    }

    async fn get_all_states_composite_key_with_pagination(
        &mut self,
        page_size: u32,
        bookmark: Option<String>,
    ) -> ImportResult<Page> {
        let (start, end) = rules::ALL_COMPOSITE_KEYS;
        let batch = match wanted(page_size, bookmark) {
            Ok(wanted) => self.range_page(start, end, &wanted).await?,
            Err(broken) => self.refuse(0, broken)?,
        };
        Ok(batch.map(page))
    }

    async fn get_query_result(&mut self, query: String) -> ImportResult<Resource<StateIterator>> {
        self.open_query(PUBLIC, &query).await
    }

    async fn get_query_result_with_pagination(
        &mut self,
        query: String,
        page_size: u32,
        bookmark: Option<String>,
    ) -> ImportResult<Page> {
        let batch = match wanted(page_size, bookmark) {
            Ok(wanted) => self.rich_page(&query, &wanted).await?,
            Err(broken) => self.refuse(query.len(), broken)?,
        };
        Ok(batch.map(page))
    }

    async fn get_history_for_key(
        &mut self,
        key: String,
    ) -> ImportResult<Resource<HistoryIterator>> {
        self.reserve_iterator()?;
        let first = self.backend(cost::QUERY, key.len())?.get_history_for_key(&key).await;
        self.hand_out(first)
    }
}

impl TxState {
    /// Opens a range with the bounds for the peer.
    pub(crate) async fn open_range(
        &mut self,
        collection: &str,
        start: &str,
        end: &str,
    ) -> ImportResult<Resource<StateIterator>> {
        self.reserve_iterator()?;
        let port = self.backend(cost::QUERY, collection.len() + start.len() + end.len())?;
        let first = port.get_state_by_range(collection, start, end, None).await;
        self.hand_out(first)
    }

    /// Opens a rich query.
    pub(crate) async fn open_query(
        &mut self,
        collection: &str,
        query: &str,
    ) -> ImportResult<Resource<StateIterator>> {
        self.reserve_iterator()?;
        let port = self.backend(cost::QUERY, collection.len() + query.len())?;
        let first = port.get_query_result(collection, query, None).await;
        self.hand_out(first)
    }
}
