//! The interface `query` of the mock ledger.
//!
//! Invariant: the rows are those that existed when the query was opened.

use std::cell::Cell;
use std::rc::Rc;

use crate::error::Refusal;
use crate::testing::batches::{HistoryCursor, StateCursor};
use crate::testing::peer::Peer;
use crate::testing::rich::{Query, Rows};
use crate::testing::world::{Place, RangeRead};
use crate::types::{KeyValue, Page};
use crate::{Result, composite_key};

const RANGE: &str = "GET_STATE_BY_RANGE";
const RICH: &str = "GET_QUERY_RESULT";

impl Peer {
    /// Returns the rows of a range. The rows that are read are checked at commit.
    fn range(&self, bounds: (String, String)) -> StateCursor {
        let (rows, range) = self.open(bounds);
        StateCursor::of_range(rows, Some(range))
    }

    /// Returns all rows of a range and a record of the reads, which is empty at first.
    fn open(&self, (start, end): (String, String)) -> (Vec<KeyValue>, Rc<RangeRead>) {
        let (world, place) = (&self.simulation.world, self.place());
        let rows = world.range(&place, &start, &end);
        let versions = world.versions(&place, &start, &end);
        let read = Cell::new((0, false));
        let range = Rc::new(RangeRead { place, start, end, rows: versions, read });
        self.simulation.reads.borrow_mut().ranges.push(Rc::clone(&range));
        (rows, range)
    }

    fn page(&self, (start, end): (String, String), page_size: u32, bookmark: &str) -> Result<Page> {
        if page_size == 0 && bookmark.is_empty() {
            // Without page size and bookmark a peer returns all rows and no count.
            let (rows, range) = self.open((start, end));
            range.read.set((rows.len(), true));
            return Ok(Page { rows, fetched_records_count: 0, bookmark: String::new() });
        }
        self.simulation.begin_page(RANGE)?;
        let start = if bookmark.is_empty() { start } else { bookmark.to_owned() };
        let (mut rows, range) = self.open((start, end));
        // With size zero the peer's own limit applies, which is far beyond a unit test.
        let size = if page_size == 0 { usize::MAX } else { page_size as usize };
        // A full page ends before the peer reads a further row; the row of the bookmark is not
        // read.
        range.read.set((rows.len().min(size), rows.len() < size));
        let behind = rows.split_off(rows.len().min(size));
        Ok(Page {
            fetched_records_count: rows.len() as u32,
            rows,
            bookmark: behind.into_iter().next().map_or(String::new(), |row| row.key),
        })
    }

    /// Returns the rows of a rich query, in its order.
    pub(super) fn rich(
        &self,
        place: &Place,
        query: &str,
        size: Option<usize>,
        bookmark: &str,
    ) -> Result<Rows> {
        let refused = |refusal: Refusal| {
            let (kind, cause): (fn(String) -> Refusal, _) = match refusal {
                Refusal::Unsupported(cause) => (Refusal::Unsupported, cause),
                Refusal::InvalidArgument(cause) => (Refusal::InvalidArgument, cause),
                other => return other.into(),
            };
            self.refused(RICH, kind, &cause)
        };
        let mut query = Query::parse(query).map_err(refused)?;
        query.go_on_after(bookmark);
        let definition = self.simulation.definitions.get(place.chaincode());
        let indexes = definition.map(|found| found.indexes.as_slice()).unwrap_or_default();
        let rows = self.simulation.world.range(place, "", "");
        query.run(rows, indexes, size.unwrap_or(usize::MAX)).map_err(refused)
    }

    pub(crate) fn get_state_by_range(&self, start: &str, end: &str) -> Result<StateCursor> {
        Ok(self.range(simple_range(start, end)?))
    }

    pub(crate) fn get_state_by_range_with_pagination(
        &self,
        start: &str,
        end: &str,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        self.page(simple_range(start, end)?, page_size, bookmark)
    }

    pub(crate) fn get_state_by_partial_composite_key(
        &self,
        object_type: &str,
        attributes: &[String],
    ) -> Result<StateCursor> {
        Ok(self.range(composite_range(object_type, attributes)?))
    }

    pub(crate) fn get_state_by_partial_composite_key_with_pagination(
        &self,
        object_type: &str,
        attributes: &[String],
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        self.page(composite_range(object_type, attributes)?, page_size, bookmark)
    }

    pub(crate) fn get_all_states_composite_key_with_pagination(
        &self,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        self.page(("\0".to_owned(), "\u{1}".to_owned()), page_size, bookmark)
    }

    /// Runs a rich query of the public state and records its rows as read.
    fn public_rich(&self, query: &str, size: Option<usize>, bookmark: &str) -> Result<Rows> {
        let found = self.rich(&self.place(), query, size, bookmark)?;
        found.rows.iter().for_each(|row| self.record(&self.place(), &row.key));
        Ok(found)
    }

    pub(crate) fn get_query_result(&self, query: &str) -> Result<StateCursor> {
        Ok(StateCursor::new(self.public_rich(query, None, "")?.rows))
    }

    pub(crate) fn get_query_result_with_pagination(
        &self,
        query: &str,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        if page_size == 0 && bookmark.is_empty() {
            let rows = self.public_rich(query, None, "")?.rows;
            return Ok(Page { rows, fetched_records_count: 0, bookmark: String::new() });
        }
        self.simulation.begin_page(RICH)?;
        let size = (page_size > 0).then_some(page_size as usize);
        let Rows { rows, bookmark } = self.public_rich(query, size, bookmark)?;
        Ok(Page { fetched_records_count: rows.len() as u32, rows, bookmark })
    }

    pub(crate) fn get_history_for_key(&self, key: &str) -> Result<HistoryCursor> {
        let changes = self.simulation.world.history(&self.place(), key);
        Ok(HistoryCursor::new(changes))
    }
}

pub(super) fn simple_range(start: &str, end: &str) -> Result<(String, String)> {
    for key in [start, end] {
        if key.starts_with(composite_key::SEPARATOR) {
            return Err(Refusal::InvalidArgument(format!(
                "first character of the key [{key}] contains a null character which is not allowed"
            ))
            .into());
        }
    }
    // The first key after all composite keys.
    let start = if start.is_empty() { "\u{1}" } else { start };
    Ok((start.to_owned(), end.to_owned()))
}

pub(super) fn composite_range(
    object_type: &str,
    attributes: &[String],
) -> Result<(String, String)> {
    let start = composite_key::create(object_type, attributes);
    // On a peer, the host refuses it, not the SDK.
    let start = start.map_err(|error| Refusal::InvalidArgument(error.message().to_owned()))?;
    let end = format!("{start}{}", composite_key::MAX);
    Ok((start, end))
}
