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

/// A rich query and how many rows it may still return.
pub(crate) struct RichRows {
    /// None at the end.
    pub(crate) scan: Option<RichScan>,
    pub(crate) left: usize,
    /// Memory of the query.
    pub(crate) weight: usize,
}
