//! The results of a query in a simulation.
//!
//! Does not read anything.

/// Identifies a query of one simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RangeId(pub(crate) usize);

/// A row of a range query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key, without its namespace.
    pub key: String,
    /// The value, never empty.
    pub value: Vec<u8>,
}

/// A page of a range query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most as many as requested.
    pub rows: Vec<KeyValue>,
    /// The key at which the next page begins; empty at the end.
    pub bookmark: String,
}
