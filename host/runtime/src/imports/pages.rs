//! Pages that a guest asks for.
//!
//! Fabric's peer ignores a page of size zero without bookmark (`handler.go`,
//! `isMetadataSetForPagination`). It answers with an ordinary query, batch by batch, without count
//! and bookmark. A chaincode of Fabric's shim reads that iterator to its end, and the peer records
//! what it reads. So this does the same.
//!
//! Invariant: one call returns no more than `RESULT_BYTES`.

use crate::backend::{
    Backend, BackendError, ErrorKind, KeyValue, PageRequest, QueryBatch, RESULT_BYTES,
};
use crate::imports::cursor::bytes_of;

/// Returns the whole page that begins with this batch, and the number of further batches. The
/// bookmark is None if the peer ignores the page.
pub(crate) async fn whole_page(
    backend: &mut dyn Backend,
    first: Result<QueryBatch<KeyValue>, BackendError>,
    wanted: &PageRequest,
) -> (Result<QueryBatch<KeyValue>, BackendError>, u64) {
    let mut further = 0;
    let whole = match first {
        Ok(first) => read_on(backend, first, &mut further).await,
        Err(error) => Err(error),
    };
    let whole = whole.map(|page| match wanted.is_page() {
        true => page,
        false => QueryBatch { bookmark: None, ..page },
    });
    (whole, further)
}

async fn read_on(
    backend: &mut dyn Backend,
    mut page: QueryBatch<KeyValue>,
    further: &mut u64,
) -> Result<QueryBatch<KeyValue>, BackendError> {
    let mut bytes = bytes_of(&page.rows);
    while page.has_more {
        *further += 1;
        let next = backend.query_next(&page.id).await?;
        bytes = bytes.saturating_add(bytes_of(&next.rows));
        if bytes > RESULT_BYTES {
            let text = format!("a page may hold keys and values of at most {RESULT_BYTES} bytes");
            if next.has_more {
                backend.query_close(&page.id).await?;
            }
            return Err(BackendError::new(ErrorKind::LimitExceeded, text));
        }
        page.has_more = next.has_more;
        page.rows.extend(next.rows);
    }
    Ok(page)
}
