//! The open queries of one chaincode call, answered in batches as Fabric's peer does
//! (`core/chaincode/query_response_generator.go`): one row is read ahead before a full batch is
//! returned, and that row is recorded as read.

use std::collections::HashMap;

use crate::chaincode::backend::refusal::BackendRefusal;
use wasmcc_ledger as ledger;
use wasmcc_ledger::{HistoryIterator, LedgerError, RangeId, Simulator};
use wasmcc_runtime::{ErrorKind, KeyModification, KeyValue, PageRequest, QueryBatch, RESULT_BYTES};

/// Limits of queries.
#[derive(Clone, Debug)]
pub struct QueryLimits {
    /// Rows of one batch.
    pub batch_rows: usize,
    /// Limit on the keys and values of one batch or page, in bytes. A larger one is refused, not
    /// cut: the number of rows in a batch decides which ones are recorded as read.
    pub batch_bytes: usize,
    /// Open queries of one chaincode call.
    pub open: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { batch_rows: 100, batch_bytes: RESULT_BYTES, open: 100 }
    }
}

/// A query, and the row that was read ahead for its next batch.
pub(super) struct OpenQuery<Source, Row> {
    pub source: Source,
    ahead: Option<Row>,
    /// Limit on the rows in the first answer, which then ends the query.
    most: usize,
}

type OpenRange = OpenQuery<RangeId, KeyValue>;
type OpenHistory = OpenQuery<HistoryIterator, KeyModification>;

/// Open queries by id.
pub(super) struct Queries {
    limits: QueryLimits,
    ranges: HashMap<String, OpenRange>,
    histories: HashMap<String, OpenHistory>,
    opened: u64,
}

impl<Source, Row> OpenQuery<Source, Row> {
    /// Makes a query that was not read yet.
    pub(super) fn new(source: Source) -> Self {
        Self { source, ahead: None, most: usize::MAX }
    }

    /// Limits the first batch to the size of a page, after which the query ends. A page larger than
    /// a batch has no effect. Fabric: `handler.go`, `calculateTotalReturnLimit`.
    pub(super) fn up_to(self, page: Option<&PageRequest>) -> Self {
        let size = page.and_then(|page| usize::try_from(page.size).ok());
        Self { most: size.filter(|size| *size > 0).unwrap_or(usize::MAX), ..self }
    }

    /// Returns the next batch and whether there are more rows. `size` returns the size of a row, in
    /// bytes.
    fn batch(
        &mut self,
        limits: &QueryLimits,
        size: impl Fn(&Row) -> usize,
        mut next: impl FnMut(&mut Source) -> Result<Option<Row>, LedgerError>,
    ) -> Result<(Vec<Row>, bool), BackendRefusal> {
        let mut batch = Vec::from_iter(self.ahead.take());
        let mut bytes: usize = batch.iter().map(&size).sum();
        while batch.len() < self.most
            && let Some(row) = next(&mut self.source)?
        {
            if batch.len() == limits.batch_rows {
                self.ahead = Some(row);
                self.most = usize::MAX;
                return Ok((batch, true));
            }
            bytes = bytes.saturating_add(size(&row));
            if bytes > limits.batch_bytes {
                let QueryLimits { batch_rows: rows, batch_bytes: limit, .. } = limits;
                let what = format!("a batch of {rows} rows of a query");
                let text = format!("{what} may hold keys and values of at most {limit} bytes");
                return Err(BackendRefusal::new(ErrorKind::LimitExceeded, text));
            }
            batch.push(row);
        }
        Ok((batch, false))
    }
}

impl Queries {
    /// Starts without open queries.
    pub(super) fn new(limits: QueryLimits) -> Self {
        Self { limits, ranges: HashMap::new(), histories: HashMap::new(), opened: 0 }
    }

    /// Returns the limits.
    pub(super) fn limits(&self) -> &QueryLimits {
        &self.limits
    }

    /// Returns an id for a new query, if the limit of open queries allows one more.
    pub(super) fn reserve(&mut self) -> Result<String, BackendRefusal> {
        if self.ranges.len() + self.histories.len() >= self.limits.open {
            let text = format!("more than {} open queries", self.limits.open);
            return Err(BackendRefusal::new(ErrorKind::LimitExceeded, text));
        }
        self.opened += 1;
        Ok(self.opened.to_string())
    }

    /// Removes an open range.
    pub(super) fn take_range(&mut self, id: &str) -> Option<OpenRange> {
        self.ranges.remove(id)
    }

    /// Removes an open history.
    pub(super) fn take_history(&mut self, id: &str) -> Option<OpenHistory> {
        self.histories.remove(id)
    }

    /// Returns the next batch of a range, which stays open if there are more rows.
    pub(super) fn states(
        &mut self,
        sim: &mut Simulator,
        id: String,
        mut query: OpenRange,
    ) -> Result<QueryBatch<KeyValue>, BackendRefusal> {
        let next = |range: &mut RangeId| Ok(sim.next_row(*range)?.map(row));
        let size = |row: &KeyValue| row.key.len() + row.value.len();
        let (rows, has_more) = match query.batch(&self.limits, size, next) {
            Ok(batch) => batch,
            Err(refusal) => {
                sim.close_range(query.source);
                return Err(refusal);
            }
        };
        if has_more {
            self.ranges.insert(id.clone(), query);
        }
        Ok(QueryBatch { rows, has_more, id, bookmark: None })
    }

    /// Returns the next batch of a history, which stays open if there are more rows.
    pub(super) fn changes(
        &mut self,
        id: String,
        mut query: OpenHistory,
    ) -> Result<QueryBatch<KeyModification>, BackendRefusal> {
        let next = |changes: &mut HistoryIterator| Ok(changes.next().transpose()?.map(change));
        let size = |change: &KeyModification| change.tx_id.len() + change.value.len();
        let (rows, has_more) = query.batch(&self.limits, size, next)?;
        if has_more {
            self.histories.insert(id.clone(), query);
        }
        Ok(QueryBatch { rows, has_more, id, bookmark: None })
    }
}

/// Converts a row of the ledger for the port.
pub(super) fn row(row: ledger::KeyValue) -> KeyValue {
    KeyValue { key: row.key, value: row.value }
}

fn change(change: ledger::KeyModification) -> KeyModification {
    KeyModification {
        tx_id: change.tx_id,
        value: change.value,
        timestamp: change.timestamp.unwrap_or_default(),
        is_delete: change.is_delete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_batch_is_sent_when_one_more_row_was_read() {
        for (rows, batches) in
            [(0, vec![0]), (100, vec![100]), (101, vec![100, 1]), (250, vec![100, 100, 50])]
        {
            let mut query: OpenQuery<_, u32> = OpenQuery::new(0..rows);
            let mut sizes = Vec::new();
            loop {
                let limits = QueryLimits::default();
                let next = |rows: &mut std::ops::Range<u32>| Ok(rows.next());
                let Ok((batch, has_more)) = query.batch(&limits, |_| 1, next) else { panic!() };
                let read = rows - query.source.len() as u32;
                sizes.push(batch.len());
                if !has_more {
                    break;
                }
                assert_eq!(read as usize, sizes.iter().sum::<usize>() + 1, "one row ahead");
            }
            assert_eq!(sizes, batches);
        }
    }

    #[test]
    fn the_size_of_a_page_bounds_the_first_batch_only() {
        let sizes = |size: i32, rows: u32| {
            let page = PageRequest { size, bookmark: String::new() };
            let mut query: OpenQuery<_, u32> = OpenQuery::new(0..rows).up_to(Some(&page));
            let mut sizes = Vec::new();
            loop {
                let limits = QueryLimits::default();
                let next = |rows: &mut std::ops::Range<u32>| Ok(rows.next());
                let Ok((batch, has_more)) = query.batch(&limits, |_| 1, next) else { panic!() };
                sizes.push(batch.len());
                if !has_more {
                    return (sizes, query.source.start);
                }
            }
        };
        assert_eq!(sizes(7, 300), (vec![7], 7), "no row is read ahead");
        assert_eq!(sizes(100, 300), (vec![100], 100));
        for size in [0, -1, 101, 150, 1_000] {
            assert_eq!(sizes(size, 300), (vec![100, 100, 100], 300), "{size}");
        }
    }

    #[test]
    fn a_batch_may_be_as_large_as_the_limit() {
        let limits = QueryLimits { batch_rows: 3, batch_bytes: 30, open: 2 };
        let batch = |size: usize, rows: u32| {
            let next = |rows: &mut std::ops::Range<u32>| Ok(rows.next());
            OpenQuery::new(0..rows).batch(&limits, |_| size, next)
        };
        // The row that is read ahead counts for the next batch.
        assert!(matches!(batch(10, 9), Ok((rows, true)) if rows.len() == 3));
        let Err(BackendRefusal { kind, cause }) = batch(11, 3) else { panic!("33 bytes") };
        assert_eq!(kind, ErrorKind::LimitExceeded);
        let expected = "a batch of 3 rows of a query may hold keys and values of at most 30 bytes";
        assert_eq!(cause, expected);
    }
}
