//! Iterators over the rows of a query.
//!
//! Invariant: the SDK requests further rows only when it needs one of them. The peer records reads
//! by how many rows were requested. The requests must be the same on every endorser, in every
//! language of the chaincode (see `wit/query.wit`).

use crate::{Result, peer};

/// The rows of a range or a query. Dropping it closes the query at the peer.
///
/// ```
/// # use wasmcc_sdk::{Context, Result};
/// fn keys(ctx: &Context) -> Result<Vec<String>> {
///     ctx.get_state_by_range("a", "b")?.map(|row| Ok(row?.key)).collect()
/// }
/// ```
pub type StateIterator = Rows<peer::StateCursor>;

/// The changes of one key, newest first. Dropping it closes the query at the peer.
pub type HistoryIterator = Rows<peer::HistoryCursor>;

/// The peer's side of an open query.
pub trait Cursor {
    /// The rows of the query.
    type Row;

    /// Returns at most `max` rows; empty at the end.
    ///
    /// # Errors
    /// The peer's error.
    fn next_batch(&self, max: u32) -> Result<Vec<Self::Row>>;
}

/// See [`StateIterator`] and [`HistoryIterator`]. After an error there are no more rows.
pub struct Rows<C: Cursor> {
    /// None after all rows were fetched, or after an error.
    cursor: Option<C>,
    fetched: std::vec::IntoIter<C::Row>,
}

impl<C: Cursor> Rows<C> {
    /// The size of Fabric's batches. The peer may send fewer rows.
    const BATCH: u32 = 100;

    pub(crate) fn new(cursor: C) -> Self {
        Self { cursor: Some(cursor), fetched: Vec::new().into_iter() }
    }
}

impl<C: Cursor> Iterator for Rows<C> {
    type Item = Result<C::Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.fetched.next() {
            return Some(Ok(row));
        }
        match self.cursor.as_ref()?.next_batch(Self::BATCH) {
            Ok(rows) => self.fetched = rows.into_iter(),
            Err(error) => {
                self.cursor = None;
                return Some(Err(error));
            }
        }
        let row = self.fetched.next();
        if row.is_none() {
            self.cursor = None;
        }
        row.map(Ok)
    }
}

impl<C: Cursor> std::iter::FusedIterator for Rows<C> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use std::cell::RefCell;

    /// Answers from a list and counts the requests.
    struct Script(RefCell<Vec<Result<Vec<u8>>>>);

    impl Cursor for &Script {
        type Row = u8;

        fn next_batch(&self, _max: u32) -> Result<Vec<u8>> {
            self.0.borrow_mut().remove(0)
        }
    }

    #[test]
    fn the_peer_is_asked_only_when_a_row_is_wanted() {
        let script = Script(RefCell::new(vec![Ok(vec![1, 2]), Ok(vec![3]), Ok(vec![])]));
        let asked = || 3 - script.0.borrow().len();
        let mut rows = Rows::new(&script);
        assert_eq!(asked(), 0);
        assert_eq!(rows.by_ref().take(2).count(), 2);
        assert_eq!(asked(), 1);
        assert_eq!(rows.next(), Some(Ok(3)));
        assert_eq!((rows.next(), rows.next(), asked()), (None, None, 3));
    }

    #[test]
    fn an_error_ends_the_rows() {
        let script = Script(RefCell::new(vec![Ok(vec![1]), Err(Error::internal("gone"))]));
        let mut rows = Rows::new(&script);
        assert_eq!(rows.next(), Some(Ok(1)));
        assert_eq!(rows.next(), Some(Err(Error::internal("gone"))));
        assert_eq!(rows.next(), None);
    }
}
