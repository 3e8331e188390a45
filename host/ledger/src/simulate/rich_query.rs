//! Rich queries of a simulation. Fabric: `query_executor.go`, `ExecuteQuery` and
//! `ExecuteQueryWithPagination`.
//!
//! Each row that is read is recorded as a read of its key, even if only a part of its value is
//! returned. Phantoms are not detected: the record does not show that no other document matches.
//!
//! Invariant: no rich query sees the writes of its own transaction.

use crate::error::{LedgerError, QueryError};
use crate::rich::query::RichQuery;
use crate::rich::space::Space;
use crate::rich::work::{COMPILED_BYTE, DOCUMENT, QUERY_BYTE};
use crate::simulate::open_query::{OpenQuery, RichRows};
use crate::simulate::rich_scan::{FoundRow, RichScan};
use crate::simulate::rows::{KeyValue, Page, RangeId};
use crate::simulate::simulator::Simulator;

/// CouchDB's bookmark of an empty result.
const NO_BOOKMARK: &str = "nil";

/// Limit on the memory of all open rich queries of a simulation. A single query takes less than
/// half of it.
const MAX_OPEN_BYTES: usize = 80 << 20;

impl Simulator {
    /// Opens a rich query over the public state of a chaincode. `next_row` returns the rows.
    ///
    /// Errors: `Query` if it cannot be parsed, or needs an index that does not exist;
    /// `RichQueriesOff`.
    pub fn rich_query(&mut self, ns: &str, query: &str) -> Result<RangeId, LedgerError> {
        self.rich_query_of(Space::public(ns), query)
    }

    /// Returns one page of a rich query, starting at the bookmark if there is one. The page has at
    /// most `page_size` rows; `total_query_limit` if that is less or `page_size` is 0. Fails if the
    /// page has more than `max_bytes` of keys and values. A transaction that reads pages cannot
    /// write.
    pub fn rich_page(
        &mut self,
        ns: &str,
        query: &str,
        page_size: usize,
        bookmark: &str,
        max_bytes: usize,
    ) -> Result<Page, LedgerError> {
        self.begin_pages()?;
        let mut parsed = self.parse(query)?;
        if !bookmark.is_empty() {
            parsed.bookmark = Some(bookmark.to_owned()).filter(|text| text != NO_BOOKMARK);
        }
        let asked = parsed.bookmark.clone();
        let limit = self.limits().total_query_limit;
        let size = if page_size == 0 { limit } else { page_size.min(limit) };
        let space = Space::public(ns);
        let mut scan = RichScan::new(self.snapshot(), self.meter.clone(), space.clone(), parsed)?;
        let (mut rows, mut last, mut bytes) = (Vec::new(), None, 0_usize);
        while rows.len() < size
            && let Some(found) = scan.next()?
        {
            let row = self.record(&space, found)?;
            bytes = bytes.saturating_add(row.key.len() + row.value.len());
            if bytes > max_bytes {
                return Err(LedgerError::PageTooLarge { limit: max_bytes });
            }
            rows.push(row);
            last.clone_from(&scan.last);
        }
        // Without rows, CouchDB returns the old bookmark.
        let last = last.and_then(|row| scan.bookmark_after(&row));
        let bookmark = last.or(asked).unwrap_or_else(|| NO_BOOKMARK.to_owned());
        Ok(Page { rows, bookmark })
    }

    /// Opens a rich query over the rows of a space.
    pub(crate) fn rich_query_of(
        &mut self,
        space: Space,
        query: &str,
    ) -> Result<RangeId, LedgerError> {
        let query = self.parse(query)?;
        let left = self.limits().total_query_limit;
        self.check_ranges()?;
        let weight = query.weight;
        self.check_open(weight)?;
        let scan = RichScan::new(self.snapshot(), self.meter.clone(), space, query)?;
        Ok(self.add_scan(OpenQuery::Rich(Box::new(RichRows { scan: Some(scan), left, weight }))))
    }

    /// Returns the next row of a rich query.
    pub(crate) fn next_rich_row(&mut self, id: RangeId) -> Result<Option<KeyValue>, LedgerError> {
        let Some(OpenQuery::Rich(rows)) = self.scan_mut(id) else {
            return Err(LedgerError::UnknownRange);
        };
        let found = match &mut rows.scan {
            Some(scan) if rows.left > 0 => {
                rows.left -= 1;
                scan.next()?.map(|found| (scan.space.clone(), found))
            }
            _ => None,
        };
        match found {
            Some((space, found)) => self.record(&space, found).map(Some),
            None => {
                (rows.scan, rows.weight) = (None, 0);
                Ok(None)
            }
        }
    }

    /// Records a read. Fabric's peer does not record reads of private data here.
    fn record(&mut self, space: &Space, found: FoundRow) -> Result<KeyValue, LedgerError> {
        let FoundRow { key, value } = found;
        self.check_room(key.len())?;
        if space.collection().is_empty() {
            self.add_read(space.namespace(), &key, Some(&value));
        }
        Ok(KeyValue { key, value: value.value })
    }

    fn parse(&self, query: &str) -> Result<RichQuery, LedgerError> {
        let limits = self.limits();
        if !limits.rich_queries {
            return Err(LedgerError::RichQueriesOff);
        }
        self.charge(DOCUMENT + QUERY_BYTE * query.len().min(limits.max_query_bytes) as u64)?;
        let query = RichQuery::parse(query, limits.max_query_bytes)?;
        self.charge(COMPILED_BYTE * query.regexes_bytes as u64)?;
        Ok(query)
    }

    /// Checks that the memory for a query of this weight is left.
    fn check_open(&self, weight: usize) -> Result<(), LedgerError> {
        let open = self.scans.iter().map(|scan| match scan {
            OpenQuery::Rich(rows) => rows.weight,
            _ => 0,
        });
        let weight = open.sum::<usize>() + weight;
        if weight > MAX_OPEN_BYTES {
            let what = "bytes of memory for open rich queries";
            return Err(QueryError::too_many(weight, MAX_OPEN_BYTES, what).into());
        }
        Ok(())
    }
}
