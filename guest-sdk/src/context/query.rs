//! Queries over the chaincode's own namespace.
//!
//! Invariant: rows are in the byte order of their keys, except those of a rich query.

use crate::error::Refusal;
use crate::iter::{HistoryIterator, Rows, StateIterator};
use crate::types::Page;
use crate::{Context, Result};

impl Context {
    /// Returns the keys from `start` (included) to `end` (excluded). An empty start begins after
    /// the composite keys; an empty end reads to the end. Checked for phantoms at commit.
    ///
    /// # Errors
    /// A bound begins with U+0000, or the peer refuses the call.
    pub fn get_state_by_range(&self, start: &str, end: &str) -> Result<StateIterator> {
        self.peer.get_state_by_range(start, end).map(Rows::new)
    }

    /// Returns one page of a range, for transactions that write nothing. The first page has an
    /// empty `bookmark`.
    ///
    /// # Errors
    /// As for a range; or this transaction has already written.
    pub fn get_state_by_range_with_pagination(
        &self,
        start: &str,
        end: &str,
        page_size: i32,
        bookmark: &str,
    ) -> Result<Page> {
        self.peer.get_state_by_range_with_pagination(start, end, size(page_size)?, bookmark)
    }

    /// Returns all composite keys that begin with `object_type` and `attributes`. For a complete
    /// key, Fabric's documentation promises no row, but its code returns that row.
    ///
    /// ```
    /// # use wasmcc_sdk::{Context, Result};
    /// fn ids_by_color(ctx: &Context, color: &str) -> Result<Vec<String>> {
    ///     let rows = ctx.get_state_by_partial_composite_key("color~id", &[color])?;
    ///     rows.map(|row| Ok(ctx.split_composite_key(&row?.key)?.1.remove(1))).collect()
    /// }
    /// ```
    ///
    /// # Errors
    /// A part contains U+0000 or U+10FFFF, or the peer refuses the call.
    pub fn get_state_by_partial_composite_key(
        &self,
        object_type: &str,
        attributes: &[impl AsRef<str>],
    ) -> Result<StateIterator> {
        let attributes = owned(attributes);
        self.peer.get_state_by_partial_composite_key(object_type, &attributes).map(Rows::new)
    }

    /// Returns one page of a partial composite key query, for transactions that write nothing.
    ///
    /// # Errors
    /// As for the whole query; or this transaction has already written.
    pub fn get_state_by_partial_composite_key_with_pagination(
        &self,
        object_type: &str,
        attributes: &[impl AsRef<str>],
        page_size: i32,
        bookmark: &str,
    ) -> Result<Page> {
        let attributes = owned(attributes);
        self.peer.get_state_by_partial_composite_key_with_pagination(
            object_type,
            &attributes,
            size(page_size)?,
            bookmark,
        )
    }

    /// Returns one page of all composite keys of all object types, for transactions that write
    /// nothing.
    ///
    /// # Errors
    /// This transaction has already written, or the peer refuses the call.
    pub fn get_all_states_composite_key_with_pagination(
        &self,
        page_size: i32,
        bookmark: &str,
    ) -> Result<Page> {
        self.peer.get_all_states_composite_key_with_pagination(size(page_size)?, bookmark)
    }

    /// Returns the rows that match a CouchDB selector. Not checked for phantoms at commit.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Unsupported`] if the peer has no rich queries; or the peer refuses the
    /// call.
    pub fn get_query_result(&self, query: &str) -> Result<StateIterator> {
        self.peer.get_query_result(query).map(Rows::new)
    }

    /// Returns one page of a rich query, for transactions that write nothing.
    ///
    /// # Errors
    /// As for the whole query; or this transaction has already written.
    pub fn get_query_result_with_pagination(
        &self,
        query: &str,
        page_size: i32,
        bookmark: &str,
    ) -> Result<Page> {
        self.peer.get_query_result_with_pagination(query, size(page_size)?, bookmark)
    }

    /// Returns the changes of one key, newest first. They are not checked at commit.
    ///
    /// # Errors
    /// The peer has no history, or refuses the call.
    pub fn get_history_for_key(&self, key: &str) -> Result<HistoryIterator> {
        self.peer.get_history_for_key(key).map(Rows::new)
    }
}

/// Fabric's stub has a signed size, the WIT an unsigned one.
fn size(page_size: i32) -> Result<u32> {
    u32::try_from(page_size).map_err(|_| {
        Refusal::InvalidArgument(format!("the page size {page_size} is negative")).into()
    })
}

pub(super) fn owned(attributes: &[impl AsRef<str>]) -> Vec<String> {
    attributes.iter().map(|attribute| attribute.as_ref().to_owned()).collect()
}
