//! Pages that a guest requests.
//!
//! Fabric's peer ignores a page of size zero without bookmark (`handler.go`,
//! `isMetadataSetForPagination`). It answers with an ordinary query, batch by batch, without count
//! and bookmark. A chaincode of Fabric's shim reads that iterator to its end, and the peer records
//! the rows that it reads. This module does the same.
//!
//! Invariant: one call returns no more than `RESULT_BYTES`.

use crate::backend::{
    Backend, BackendError, ErrorKind, KeyValue, PageRequest, QueryBatch, RESULT_BYTES,
};
use crate::imports::ImportResult;
use crate::imports::cursor::bytes_of;
use crate::time_left::TimeLeft;
use crate::tx_state::TxState;
use crate::{cost, rules};

const PUBLIC: &str = "";

/// A page, or the peer's refusal.
type PageResult = Result<QueryBatch<KeyValue>, BackendError>;

impl TxState {
    /// Returns one page of a simple range.
    pub(crate) async fn simple_page(
        &mut self,
        start_key: &str,
        end_key: &str,
        wanted: &PageRequest,
    ) -> ImportResult<QueryBatch<KeyValue>> {
        match rules::range(start_key, end_key) {
            Ok((start, end)) => self.range_page(start, end, wanted).await,
            Err(broken) => self.refuse(start_key.len() + end_key.len(), broken),
        }
    }

    /// Returns one page of the composite keys that begin with these parts.
    pub(crate) async fn composite_page(
        &mut self,
        object_type: &str,
        attributes: &[String],
        wanted: &PageRequest,
    ) -> ImportResult<QueryBatch<KeyValue>> {
        match rules::partial_composite_range(object_type, attributes) {
            Ok((start, end)) => self.range_page(&start, &end, wanted).await,
            Err(broken) => self.refuse(cost::text_bytes(attributes), broken),
        }
    }

    /// Returns one page of a range with the bounds for the peer.
    pub(crate) async fn range_page(
        &mut self,
        start: &str,
        end: &str,
        wanted: &PageRequest,
    ) -> ImportResult<QueryBatch<KeyValue>> {
        let bytes = start.len() + end.len() + wanted.bookmark.len();
        let (port, time) = self.backend_and_time(cost::QUERY, bytes)?;
        let first = port.get_state_by_range(PUBLIC, start, end, Some(wanted)).await;
        let (whole, further) = whole_page(port, time, first, wanted).await;
        self.charge(cost::QUERY.saturating_mul(further));
        self.answer(whole?)
    }

    /// Returns one page of a rich query.
    pub(crate) async fn rich_page(
        &mut self,
        query: &str,
        wanted: &PageRequest,
    ) -> ImportResult<QueryBatch<KeyValue>> {
        let bytes = query.len() + wanted.bookmark.len();
        let (port, time) = self.backend_and_time(cost::QUERY, bytes)?;
        let first = port.get_query_result(PUBLIC, query, Some(wanted)).await;
        let (whole, further) = whole_page(port, time, first, wanted).await;
        self.charge(cost::QUERY.saturating_mul(further));
        self.answer(whole?)
    }
}

/// Returns the whole page that begins with this batch, and the number of further batches. The
/// bookmark is None if the peer ignores the page.
async fn whole_page(
    backend: &mut dyn Backend,
    time: &TimeLeft,
    first: Result<QueryBatch<KeyValue>, BackendError>,
    wanted: &PageRequest,
) -> (wasmtime::Result<PageResult>, u64) {
    let mut further = 0;
    let whole = match first {
        Ok(first) => read_on(backend, time, first, &mut further).await,
        Err(error) => Ok(Err(error)),
    };
    let without_bookmark = |page| QueryBatch { bookmark: None, ..page };
    let whole = match wanted.is_page() {
        true => whole,
        false => whole.map(|page| page.map(without_bookmark)),
    };
    (whole, further)
}

/// Reads the remaining batches. An outer error ends the guest.
async fn read_on(
    backend: &mut dyn Backend,
    time: &TimeLeft,
    mut page: QueryBatch<KeyValue>,
    further: &mut u64,
) -> wasmtime::Result<PageResult> {
    let mut bytes = bytes_of(&page.rows);
    while page.has_more {
        time.check()?;
        *further += 1;
        let next = match backend.query_next(&page.id).await.and_then(QueryBatch::that_follows) {
            Ok(next) => next,
            Err(error) => return Ok(Err(error)),
        };
        bytes = bytes.saturating_add(bytes_of(&next.rows));
        if bytes > RESULT_BYTES {
            let text = format!("a page may hold keys and values of at most {RESULT_BYTES} bytes");
            if next.has_more
                && let Err(error) = backend.query_close(&page.id).await
            {
                return Ok(Err(error));
            }
            return Ok(Err(BackendError::new(ErrorKind::LimitExceeded, text)));
        }
        page.has_more = next.has_more;
        page.rows.extend(next.rows);
    }
    Ok(Ok(page))
}
