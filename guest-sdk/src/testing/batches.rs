//! Rows of the mock ledger, handed out in batches as a peer does.
//!
//! Invariant: the rows are those of the moment when the query was opened.

use std::cell::RefCell;

use crate::Result;
use crate::iter::Cursor;
use crate::types::KeyModification;
use crate::types::KeyValue;

/// An open query; all its rows are here already.
pub struct Batches<Row>(RefCell<std::vec::IntoIter<Row>>);

/// An open query for rows.
pub(crate) type StateCursor = Batches<KeyValue>;
/// An open query for the changes of a key.
pub(crate) type HistoryCursor = Batches<KeyModification>;

impl<Row> Batches<Row> {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self(RefCell::new(rows.into_iter()))
    }
}

impl<Row> Cursor for Batches<Row> {
    type Row = Row;

    fn next_batch(&self, max: u32) -> Result<Vec<Row>> {
        Ok(self.0.borrow_mut().by_ref().take(max as usize).collect())
    }
}
