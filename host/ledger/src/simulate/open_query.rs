//! The open queries of a simulation.
//!
//! Does not run them.

use crate::simulate::range_scan::RangeScan;
use crate::simulate::rich_scan::RichScan;

/// An open query.
pub(crate) enum OpenQuery {
    Range(Box<RangeScan>),
    Rich(Box<RichRows>),
    /// A rich query that was closed.
    Closed,
}

/// A rich query and the number of rows that it may still return.
pub(crate) struct RichRows {
    /// None after the last row.
    pub(crate) scan: Option<RichScan>,
    pub(crate) left: usize,
    /// The memory of the query, in bytes.
    pub(crate) weight: usize,
}
