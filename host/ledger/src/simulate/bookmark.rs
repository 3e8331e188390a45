//! Bookmarks: opaque texts that name the row after which a query continues.
//!
//! A bookmark contains no number that only this peer knows, so another peer with the same indexes
//! accepts it. It identifies the index that was read, because it is meaningless in the order of
//! another index.
//!
//! Invariant: a query never leaves its own rows, whatever bookmark a client sends.

use crate::error::QueryError;
use crate::rich::query::invalid_bookmark;
use crate::simulate::rich_scan::RichScan;
use wasmcc_types::{hex, sha256, unhex};

/// Longest accepted bookmark, in bytes. A valid one is not longer than a key and the values of an
/// index.
const MAX_BYTES: usize = 1 << 20;

/// Bytes that identify the order of a bookmark.
const ORDER: usize = 4;

impl RichScan {
    /// The bookmark after a row.
    pub(crate) fn bookmark_after(&self, row: &[u8]) -> Option<String> {
        let place = row.get(self.head()..)?;
        Some(hex(&[&self.order()[..], place].concat()))
    }

    pub(crate) fn go_on_after(&mut self, bookmark: &str) -> Result<(), QueryError> {
        let invalid = || invalid_bookmark(bookmark);
        let bytes = Some(bookmark).filter(|text| text.len() <= MAX_BYTES).and_then(unhex);
        let bytes = bytes.ok_or_else(invalid)?;
        let place = bytes.strip_prefix(self.order().as_slice()).ok_or_else(invalid)?;
        let mut row = match &self.plan.index {
            Some(index) => self.space.index_head(index.id),
            None => self.space.row(""),
        };
        row.extend_from_slice(place);
        if self.plan.reverse {
            self.plan.to = row.min(std::mem::take(&mut self.plan.to));
        } else {
            row.push(0);
            self.plan.from = row.max(std::mem::take(&mut self.plan.from));
        }
        Ok(())
    }

    /// Returns the length of the prefix of rows that only this peer knows.
    fn head(&self) -> usize {
        match &self.plan.index {
            Some(index) => self.space.index_head(index.id).len(),
            None => self.space.row("").len(),
        }
    }

    fn order(&self) -> [u8; ORDER] {
        let index = match &self.plan.index {
            Some(index) => format!("{} {}", index.definition.full_name(), index.definition.json),
            None => "_all_docs".to_owned(),
        };
        let hash = sha256(format!("{} {index}", self.plan.reverse).as_bytes());
        let mut order = [0; ORDER];
        order.copy_from_slice(&hash[..ORDER]);
        order
    }
}
