//! `fabric:chaincode/rows`.

use wasmtime::component::Resource;

use crate::backend::{self, BackendError, QueryBatch};
use crate::bindings::fabric::chaincode::rows::{
    Host, HostHistoryIterator, HostStateIterator, KeyModification,
};
use crate::bindings::fabric::chaincode::types::{KeyValue, Timestamp};
use crate::cost::{self, Received};
use crate::imports::cursor::{Cursor, HistoryIterator, Row, StateIterator, bytes_of};
use crate::imports::{ImportResult, answer};
use crate::rules::RuleError;
use crate::tx_state::TxState;

/// Converts a row for the guest.
pub(crate) fn key_value(row: backend::KeyValue) -> KeyValue {
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

impl Host for TxState {}

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
    /// Hands a query that the peer opened to the guest. If the peer refused it, releases the
    /// iterator that was reserved for it.
    pub(crate) fn hand_out<R: Row + Received + Send + 'static>(
        &mut self,
        first: Result<QueryBatch<R>, BackendError>,
    ) -> ImportResult<Resource<Cursor<R>>> {
        match first {
            Ok(first) => {
                self.charge(first.cost());
                let cursor = Cursor::new(first);
                if !cursor.is_open() {
                    self.release_iterator();
                }
                self.hold_rows(cursor.bytes(), cursor.count())?;
                Ok(Ok(self.table().push(cursor)?))
            }
            Err(error) => {
                self.release_iterator();
                answer(Err(error))
            }
        }
    }

    /// Returns the next rows of an iterator; fetches the next batch when it is needed.
    async fn next_rows<R: Row + Received + Send + 'static>(
        &mut self,
        this: Resource<Cursor<R>>,
        max: u32,
    ) -> ImportResult<Vec<R>> {
        if max == 0 {
            return self.refuse(0, RuleError::NoRows);
        }
        let max_bytes = self.limits().query_batch_bytes;
        let (cursor, backend, time) = self.cursor_and_backend(&this)?;
        let was_open = cursor.is_open();
        let (mut came, mut count, mut cost) = (0, 0, 0_u64);
        while cursor.is_short() {
            time.check()?;
            match R::next_batch(backend, cursor.id()).await.and_then(QueryBatch::that_follows) {
                Ok(next) => {
                    came += bytes_of(&next.rows);
                    count += next.rows.len();
                    cost = cost.saturating_add(cost::QUERY).saturating_add(next.cost());
                    cursor.extend(next);
                }
                Err(error) => return answer(Err(error)),
            }
        }
        let rows: Vec<_> = cursor.take(max as usize, max_bytes).collect();
        cursor.shrink();
        if was_open && !cursor.is_open() {
            self.release_iterator();
        }
        self.charge(cost);
        self.hold_rows(came, count)?;
        self.release_rows(bytes_of(&rows), rows.len());
        Ok(Ok(rows))
    }

    /// Closes the query of an iterator that the guest dropped.
    async fn close_query<R: Row + Send + 'static>(
        &mut self,
        this: Resource<Cursor<R>>,
    ) -> wasmtime::Result<()> {
        let cursor = self.table().delete(this)?;
        if cursor.is_open() {
            self.release_iterator();
        }
        self.release_rows(cursor.bytes(), cursor.count());
        // The guest has dropped the iterator and cannot handle an error.
        if let Err(error) = self.backend(cost::KEY, 0)?.query_close(cursor.id()).await {
            tracing::debug!(%error, "cannot close a query");
        }
        Ok(())
    }
}
