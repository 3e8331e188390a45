//! The interface `query` of the mock ledger.
//!
//! Invariant: the rows are those of the moment when the query was opened.

use crate::Error;
use crate::Result;
use crate::composite_key;
use crate::error::Refusal;
use crate::testing::batches::{HistoryCursor, StateCursor};
use crate::testing::peer::Peer;
use crate::testing::world::Place;
use crate::types::Page;

impl Peer {
    pub(super) fn range(&self, place: &Place, (start, end): (String, String)) -> StateCursor {
        StateCursor::new(self.simulation.world.range(place, &start, &end))
    }

    pub(super) fn page(
        &self,
        (start, end): (String, String),
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        if page_size == 0 && bookmark.is_empty() {
            // No page to a peer: all rows come, and nothing is said of them.
            let rows = self.simulation.world.range(&self.place(), &start, &end);
            return Ok(Page { rows, fetched_records_count: 0, bookmark: String::new() });
        }
        self.simulation.begin_page()?;
        let start = if bookmark.is_empty() { start } else { bookmark.to_owned() };
        let mut rows = self.simulation.world.range(&self.place(), &start, &end);
        // A size of zero leaves it to the peer, whose own limit is far beyond a unit test.
        let size = (page_size > 0).then_some(page_size as usize);
        let behind = rows.split_off(size.unwrap_or(rows.len()).min(rows.len()));
        Ok(Page {
            fetched_records_count: rows.len() as u32,
            rows,
            bookmark: behind.into_iter().next().map_or(String::new(), |row| row.key),
        })
    }

    pub(crate) fn get_state_by_range(&self, start: &str, end: &str) -> Result<StateCursor> {
        Ok(self.range(&self.place(), simple_range(start, end)?))
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
        Ok(self.range(&self.place(), composite_range(object_type, attributes)?))
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

    pub(crate) fn get_query_result(&self, _query: &str) -> Result<StateCursor> {
        Err(no_rich_queries())
    }

    pub(crate) fn get_query_result_with_pagination(
        &self,
        _query: &str,
        _page_size: u32,
        _bookmark: &str,
    ) -> Result<Page> {
        Err(no_rich_queries())
    }

    pub(crate) fn get_history_for_key(&self, key: &str) -> Result<HistoryCursor> {
        Ok(HistoryCursor::new(self.simulation.world.history(&self.place(), key)))
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
    // Behind all composite keys.
    let start = if start.is_empty() { "\u{1}" } else { start };
    Ok((start.to_owned(), end.to_owned()))
}

pub(super) fn composite_range(
    object_type: &str,
    attributes: &[String],
) -> Result<(String, String)> {
    let start = composite_key::create(object_type, attributes)?;
    let end = format!("{start}{}", composite_key::MAX);
    Ok((start, end))
}

pub(super) fn no_rich_queries() -> Error {
    Refusal::Unsupported("rich queries are not supported by the mock ledger".to_owned()).into()
}
