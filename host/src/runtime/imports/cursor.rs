//! Iterators over the rows of a query, as the guest holds them.

use crate::runtime::backend::{BackendError, KeyModification, KeyValue, QueryBatch};

/// How many bytes a row counts for.
pub trait Row {
    /// Its key and value.
    fn bytes(&self) -> usize;
}

impl Row for KeyValue {
    fn bytes(&self) -> usize {
        self.key.len() + self.value.len()
    }
}

impl Row for KeyModification {
    fn bytes(&self) -> usize {
        self.tx_id.len() + self.value.len()
    }
}

/// A query's rows, as far as the peer sent them.
///
/// Fabric's shim asks for the next batch in the moment it hands out the last row of the one before,
/// and the peer records what it reads. So the last row of a batch that has a successor is handed
/// out only as the first row of a call, when the guest really wants it; the successor is fetched
/// then.
pub struct Cursor<R> {
    id: String,
    rows: std::vec::IntoIter<R>,
    has_more: bool,
}

/// Rows of a range or a rich query.
pub type StateIterator = Cursor<KeyValue>;
/// Changes of a key.
pub type HistoryIterator = Cursor<KeyModification>;

impl<R: Row> Cursor<R> {
    /// Takes over a query with its first batch.
    pub fn new(first: QueryBatch<R>) -> Self {
        Self { id: first.id, rows: first.rows.into_iter(), has_more: first.has_more }
    }

    /// What closes the query.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// At most `max` rows of about `max_bytes` together; `fetch` gets the next batch.
    pub fn next_batch(
        &mut self,
        max: usize,
        max_bytes: usize,
        fetch: impl FnOnce(&str) -> Result<QueryBatch<R>, BackendError>,
    ) -> Result<Vec<R>, BackendError> {
        let mut out = Vec::new();
        if self.has_more && self.rows.len() <= 1 {
            out.extend(self.rows.next());
            let next = fetch(&self.id)?;
            self.has_more = next.has_more;
            self.rows = next.rows.into_iter();
        }
        let mut bytes: usize = out.iter().map(Row::bytes).sum();
        while out.len() < max && self.rows.len() > usize::from(self.has_more) {
            let size = self.rows.as_slice().first().map_or(0, Row::bytes);
            if !out.is_empty() && bytes + size > max_bytes {
                break;
            }
            bytes += size;
            out.extend(self.rows.next());
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A query over `total` rows in batches of `batch`; counts the fetches.
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

    /// What a guest library does: asks only when it has no row left.
    fn take(total: usize, wanted: usize, max: usize) -> (usize, usize) {
        let mut source = Source { total, batch: 100, sent: 0, fetches: 0 };
        let mut cursor = Cursor::new(source.batch());
        let mut seen: Vec<KeyValue> = Vec::new();
        while seen.len() < wanted {
            let rows = cursor
                .next_batch(max, usize::MAX, |_| {
                    source.fetches += 1;
                    Ok(source.batch())
                })
                .unwrap();
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
        // What a Go chaincode causes: facts of Fabric's shim, measured on a real peer.
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
    fn a_batch_is_bounded_in_bytes_but_never_empty() {
        let mut source = Source { total: 10, batch: 100, sent: 0, fetches: 0 };
        let mut cursor = Cursor::new(source.batch());
        let never = |_: &str| panic!("there is only one batch");
        assert_eq!(cursor.next_batch(100, 20, never).unwrap().len(), 2);
        assert_eq!(cursor.next_batch(100, 1, never).unwrap().len(), 1);
    }
}
