//! Iterators over the rows of a query that the guest holds.

use std::collections::VecDeque;

use crate::backend::{Backend, KeyModification, KeyValue, QueryBatch, Reply};

/// A row of a query: knows its size and how to fetch the next batch of such rows.
pub trait Row: Sized {
    /// Returns the size of its key and value, in bytes.
    fn bytes(&self) -> usize;

    /// Fetches the next batch of a query for such rows.
    fn next_batch<'a>(backend: &'a mut dyn Backend, id: &str) -> Reply<'a, QueryBatch<Self>>;
}

/// Returns the size of all rows together, in bytes.
pub fn bytes_of<'a, R: Row + 'a>(rows: impl IntoIterator<Item = &'a R>) -> usize {
    rows.into_iter().map(Row::bytes).sum()
}

impl Row for KeyValue {
    fn bytes(&self) -> usize {
        self.key.len() + self.value.len()
    }

    fn next_batch<'a>(backend: &'a mut dyn Backend, id: &str) -> Reply<'a, QueryBatch<Self>> {
        backend.query_next(id)
    }
}

impl Row for KeyModification {
    fn bytes(&self) -> usize {
        self.tx_id.len() + self.value.len()
    }

    fn next_batch<'a>(backend: &'a mut dyn Backend, id: &str) -> Reply<'a, QueryBatch<Self>> {
        backend.history_next(id)
    }
}

/// The rows of a query that the peer has sent and the guest has not read.
///
/// Fabric's shim requests the next batch when it returns the last row of the previous one, and the
/// peer records the rows that it reads. So while the peer has more rows, the last row of a batch is
/// returned only as the first row of a call, when the guest really needs it. The next batch is
/// fetched then.
pub struct Cursor<R> {
    id: String,
    rows: VecDeque<R>,
    has_more: bool,
}

/// Rows of a range or a rich query.
pub type StateIterator = Cursor<KeyValue>;
/// Changes of a key.
pub type HistoryIterator = Cursor<KeyModification>;

impl<R: Row> Cursor<R> {
    /// Makes a cursor over a query from its first batch.
    pub fn new(first: QueryBatch<R>) -> Self {
        Self { id: first.id, rows: first.rows.into(), has_more: first.has_more }
    }

    /// Returns the size of the rows that it holds, in bytes.
    pub fn bytes(&self) -> usize {
        bytes_of(&self.rows)
    }

    /// Returns the id with which to close the query.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns true if the peer has more rows.
    pub fn is_open(&self) -> bool {
        self.has_more
    }

    /// Returns true if the guest's next call needs the next batch.
    pub fn is_short(&self) -> bool {
        self.has_more && self.rows.len() <= 1
    }

    /// Returns the number of the rows that it holds.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Gives up the room of rows that were taken, once the query has ended: a guest may keep many
    /// such iterators.
    pub fn shrink(&mut self) {
        // Not for each row: that would copy the others each time.
        if !self.has_more && self.rows.capacity() > 4 * (self.rows.len() + 1) {
            self.rows.shrink_to(2 * self.rows.len());
        }
    }

    /// Adds the next batch.
    pub fn extend(&mut self, next: QueryBatch<R>) {
        self.has_more = next.has_more;
        self.rows.extend(next.rows);
    }

    /// Returns the next rows: at most `max`, of about `max_bytes` together, but at least one.
    /// Returns none only at the end, or if the next batch is needed.
    pub fn take(&mut self, max: usize, max_bytes: usize) -> impl Iterator<Item = R> {
        let ready = self.rows.len() - usize::from(self.has_more).min(self.rows.len());
        let mut bytes = 0;
        let fits = |row: &&R| {
            bytes += row.bytes();
            bytes <= max_bytes
        };
        let count = self.rows.iter().take(max.min(ready)).take_while(fits).count();
        self.rows.drain(..count.max(1).min(max).min(ready))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A query over `total` rows in batches of `batch`; counts how often it is read.
    struct Source {
        total: usize,
        batch: usize,
        sent: usize,
        fetches: usize,
    }

    impl Source {
        fn batch(&mut self) -> QueryBatch<KeyValue> {
            let end = (self.sent + self.batch).min(self.total);
            let rows = (self.sent..end)
                .map(|n| KeyValue { key: format!("{n:04}"), value: vec![0; 4] })
                .collect();
            self.sent = end;
            let has_more = self.sent < self.total;
            QueryBatch { rows, has_more, id: "q".into(), bookmark: None }
        }
    }

    /// Reads as a guest library does: only when it has no row left.
    fn take(total: usize, wanted: usize, max: usize) -> (usize, usize) {
        let mut source = Source { total, batch: 100, sent: 0, fetches: 0 };
        let mut cursor = Cursor::new(source.batch());
        let mut seen: Vec<KeyValue> = Vec::new();
        while seen.len() < wanted {
            while cursor.is_short() {
                source.fetches += 1;
                cursor.extend(source.batch());
            }
            let rows: Vec<_> = cursor.take(max, usize::MAX).collect();
            if rows.is_empty() {
                break;
            }
            assert!(rows.len() <= max.max(1));
            seen.extend(rows);
        }
        assert!(seen.iter().enumerate().all(|(n, row)| row.key == format!("{n:04}")));
        (seen.len(), source.fetches)
    }

    #[test]
    fn the_next_batch_is_fetched_with_the_last_row_of_the_one_before() {
        // The requests of a Go chaincode, measured with Fabric's shim on a real peer.
        for max in [1, 7, 1000] {
            assert_eq!(take(2700, 99, max).1, 0, "max {max}");
            assert_eq!(take(2700, 100, max).1, 1, "max {max}");
            assert_eq!(take(2700, 150, max).1, 1, "max {max}");
            assert_eq!(take(2700, 200, max).1, 2, "max {max}");
            assert_eq!(take(100, 1000, max), (100, 0), "max {max}");
            assert_eq!(take(250, 1000, max), (250, 2), "max {max}");
            assert_eq!(take(0, 1000, max), (0, 0), "max {max}");
        }
    }

    #[test]
    fn a_query_that_has_ended_keeps_no_room_for_rows_that_were_taken() {
        let mut source = Source { total: 150, batch: 100, sent: 0, fetches: 0 };
        let mut cursor = Cursor::new(source.batch());
        assert_eq!(cursor.take(100, usize::MAX).count(), 99);
        cursor.shrink();
        assert!(cursor.rows.capacity() >= 100, "the next batch comes");
        cursor.extend(source.batch());
        assert_eq!((cursor.take(50, usize::MAX).count(), cursor.count()), (50, 1));
        cursor.shrink();
        assert!(cursor.rows.capacity() < 10, "{}", cursor.rows.capacity());
        assert_eq!(cursor.take(1, usize::MAX).count(), 1);
        cursor.shrink();
        assert_eq!(cursor.take(1, usize::MAX).count(), 0);
    }

    #[test]
    fn a_batch_is_bounded_in_bytes_but_never_empty() {
        let mut source = Source { total: 10, batch: 100, sent: 0, fetches: 0 };
        let mut cursor = Cursor::new(source.batch());
        assert!(!cursor.is_short());
        assert_eq!(cursor.take(100, 20).count(), 2);
        assert_eq!(cursor.take(100, 1).count(), 1);
    }
}
