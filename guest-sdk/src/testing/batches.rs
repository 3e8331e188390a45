//! Rows of the mock ledger, returned in batches as a peer sends them.
//!
//! Invariant: the rows are those that existed when the query was opened.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::Result;
use crate::iter::Cursor;
use crate::testing::world::RangeRead;
use crate::types::{KeyModification, KeyValue};

/// Rows in one message of a peer.
const BATCH: usize = 100;

/// An open query with all its rows.
pub struct Batches<Row> {
    rows: RefCell<std::vec::IntoIter<Row>>,
    /// The number of rows, and how many of them the peer has sent.
    total: usize,
    sent: Cell<usize>,
    /// The record of how far the peer has read.
    range: Option<Rc<RangeRead>>,
}

/// An open query for rows.
pub(crate) type StateCursor = Batches<KeyValue>;
/// An open query for the changes of a key.
pub(crate) type HistoryCursor = Batches<KeyModification>;

impl<Row> Batches<Row> {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self::of_range(rows, None)
    }

    pub(super) fn of_range(rows: Vec<Row>, range: Option<Rc<RangeRead>>) -> Self {
        let (total, rows) = (rows.len(), RefCell::new(rows.into_iter()));
        let batches = Self { rows, total, sent: Cell::new(0), range };
        batches.send();
        batches
    }

    /// Lets the peer send the next batch. It reads one row further to learn whether there are more
    /// rows.
    fn send(&self) {
        let sent = self.sent.get() + BATCH;
        self.sent.set(sent);
        if let Some(range) = &self.range {
            range.read.set((self.total.min(sent + 1), sent >= self.total));
        }
    }
}

impl<Row> Cursor for Batches<Row> {
    type Row = Row;

    /// Works like the host of a component: the last row of a batch is returned with the next batch,
    /// only when it is needed.
    fn next_batch(&self, max: u32) -> Result<Vec<Row>> {
        let mut rows = self.rows.borrow_mut();
        let taken = self.total - rows.len();
        if self.sent.get() < self.total && taken + 1 >= self.sent.get() {
            self.send();
        }
        let ready = match self.sent.get() < self.total {
            true => self.sent.get() - 1 - taken,
            false => rows.len(),
        };
        Ok(rows.by_ref().take(ready.min(max as usize)).collect())
    }
}
