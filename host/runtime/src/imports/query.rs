//! `fabric:chaincode/query`.

use wasmtime::component::Resource;

use crate::backend::{self, BackendError, PageRequest, QueryBatch};
use crate::bindings::fabric::chaincode::query::{
    Host, HostHistoryIterator, HostStateIterator, KeyModification, Page,
};
use crate::bindings::fabric::chaincode::types::{KeyValue, Timestamp};
use crate::cost::{self, Received};
use crate::imports::cursor::{Cursor, HistoryIterator, Row, StateIterator, bytes_of};
use crate::imports::pages::whole_page;
use crate::imports::{ImportResult, answer};
use crate::rules;
use crate::tx_state::TxState;

const PUBLIC: &str = "";
const MAX_IS_ZERO: &str = "max must be at least 1";

fn key_value(row: backend::KeyValue) -> KeyValue {
    KeyValue { key: row.key, value: row.value }
}

fn key_modification(row: backend::KeyModification) -> KeyModification {
    KeyModification {
        tx_id: row.tx_id,
        value: row.value,
        timestamp: Timestamp { seconds: row.timestamp.seconds, nanos: row.timestamp.nanos },
        is_delete: row.is_delete,
    }
}

/// If the peer ignores the page, there is no bookmark and no count.
fn page(batch: QueryBatch<backend::KeyValue>) -> Page {
    let counted = if batch.bookmark.is_some() { batch.rows.len() } else { 0 };
    Page {
        fetched_records_count: u32::try_from(counted).unwrap_or(u32::MAX),
        bookmark: batch.bookmark.unwrap_or_default(),
        rows: batch.rows.into_iter().map(key_value).collect(),
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
            Err(text) => self.refuse(start_key.len() + end_key.len(), text),
        }
    }

    async fn get_state_by_range_with_pagination(
        &mut self,
        start_key: String,
        end_key: String,
        page_size: i32,
        bookmark: String,
    ) -> ImportResult<Page> {
        let (start, end) = match rules::range(&start_key, &end_key) {
            Ok(range) => range,
            Err(text) => return self.refuse(start_key.len() + end_key.len(), text),
        };
        let wanted = PageRequest { size: page_size, bookmark };
        self.range_page(start, end, &wanted).await
    }

    async fn get_state_by_partial_composite_key(
        &mut self,
        object_type: String,
        attributes: Vec<String>,
    ) -> ImportResult<Resource<StateIterator>> {
        match rules::partial_composite_range(&object_type, &attributes) {
            Ok((start, end)) => self.open_range(PUBLIC, &start, &end).await,
            Err(text) => self.refuse(cost::text_bytes(&attributes), text),
        }
    }

    async fn get_state_by_partial_composite_key_with_pagination(
        &mut self,
        object_type: String,
        attributes: Vec<String>,
        page_size: i32,
        bookmark: String,
    ) -> ImportResult<Page> {
        let (start, end) = match rules::partial_composite_range(&object_type, &attributes) {
            Ok(range) => range,
            Err(text) => return self.refuse(cost::text_bytes(&attributes), text),
        };
        let wanted = PageRequest { size: page_size, bookmark };
        self.range_page(&start, &end, &wanted).await
    }

    async fn get_query_result(&mut self, query: String) -> ImportResult<Resource<StateIterator>> {
        self.open_query(PUBLIC, &query).await
    }

    async fn get_query_result_with_pagination(
        &mut self,
        query: String,
        page_size: i32,
        bookmark: String,
    ) -> ImportResult<Page> {
        let wanted = PageRequest { size: page_size, bookmark };
        let port = self.backend(cost::QUERY, query.len() + wanted.bookmark.len())?;
        let first = port.get_query_result(PUBLIC, &query, Some(&wanted)).await;
        let (whole, further) = whole_page(port, first, &wanted).await;
        self.charge(cost::QUERY.saturating_mul(further));
        Ok(self.answer(whole)?.map(page))
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

impl HostStateIterator for TxState {
    async fn next_batch(
        &mut self,
        this: Resource<StateIterator>,
        max: u32,
    ) -> ImportResult<Vec<KeyValue>> {
        let rows = self.next_rows(this, max).await?;
        Ok(rows.map(|rows| rows.into_iter().map(key_value).collect()))
    }

    async fn drop(&mut self, this: Resource<StateIterator>) -> wasmtime::Result<()> {
        self.close_query(this).await
    }
}

impl HostHistoryIterator for TxState {
    async fn next_batch(
        &mut self,
        this: Resource<HistoryIterator>,
        max: u32,
    ) -> ImportResult<Vec<KeyModification>> {
        let rows = self.next_rows(this, max).await?;
        Ok(rows.map(|rows| rows.into_iter().map(key_modification).collect()))
    }

    async fn drop(&mut self, this: Resource<HistoryIterator>) -> wasmtime::Result<()> {
        self.close_query(this).await
    }
}

impl TxState {
    async fn range_page(
        &mut self,
        start: &str,
        end: &str,
        wanted: &PageRequest,
    ) -> ImportResult<Page> {
        let port = self.backend(cost::QUERY, start.len() + end.len() + wanted.bookmark.len())?;
        let first = port.get_state_by_range(PUBLIC, start, end, Some(wanted)).await;
        let (whole, further) = whole_page(port, first, wanted).await;
        self.charge(cost::QUERY.saturating_mul(further));
        Ok(self.answer(whole)?.map(page))
    }

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

    /// Returns a query that the peer opened to the guest, or releases the room of one that it
    /// refused.
    fn hand_out<R: Row + Received + Send + 'static>(
        &mut self,
        first: Result<QueryBatch<R>, BackendError>,
    ) -> ImportResult<Resource<Cursor<R>>> {
        match first {
            Ok(first) => {
                self.charge(first.cost());
                let cursor = Cursor::new(first);
                self.hold_rows(cursor.bytes())?;
                Ok(Ok(self.table().push(cursor)?))
            }
            Err(error) => {
                self.release_iterator(0);
                answer(Err(error))
            }
        }
    }

    /// Returns the next rows of an iterator; fetches the following batch when it is needed.
    async fn next_rows<R: Row + Received + Send + 'static>(
        &mut self,
        this: Resource<Cursor<R>>,
        max: u32,
    ) -> ImportResult<Vec<R>> {
        if max == 0 {
            return self.refuse(0, MAX_IS_ZERO.into());
        }
        let max_bytes = self.limits().query_batch_bytes;
        let (cursor, backend) = self.cursor_and_backend(&this)?;
        let (mut came, mut cost) = (0, 0_u64);
        while cursor.is_short() {
            match R::next_batch(backend, cursor.id()).await {
                Ok(next) => {
                    came += bytes_of(&next.rows);
                    cost = cost.saturating_add(cost::QUERY).saturating_add(next.cost());
                    cursor.extend(next);
                }
                Err(error) => return answer(Err(error)),
            }
        }
        let rows: Vec<_> = cursor.take(max as usize, max_bytes).collect();
        self.charge(cost);
        self.hold_rows(came)?;
        self.release_rows(bytes_of(&rows));
        Ok(Ok(rows))
    }

    /// Closes the query of an iterator that the guest dropped.
    async fn close_query<R: Row + Send + 'static>(
        &mut self,
        this: Resource<Cursor<R>>,
    ) -> wasmtime::Result<()> {
        let cursor = self.table().delete(this)?;
        self.release_iterator(cursor.bytes());
        // The guest has dropped the iterator and cannot handle an error.
        if let Err(error) = self.backend(cost::KEY, 0)?.query_close(cursor.id()).await {
            tracing::debug!(%error, "closing a query");
        }
        Ok(())
    }
}
