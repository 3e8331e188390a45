//! The cost of the calls of a simulation, in units of a `Meter`: a fixed part for the call or row,
//! and a part for each byte that is read, recorded or copied. The cost of rich queries is in
//! `rich::work`.
//!
//! Invariant: a cost depends only on the request and the state, never on this machine.

/// Reading one key; `bytes` of key and value.
pub(crate) fn read(bytes: usize) -> u64 {
    2_000 + bytes as u64
}

/// Writing one key; `bytes` of key and value, which may be parsed as JSON.
pub(crate) fn write(bytes: usize) -> u64 {
    1_000 + 4 * bytes as u64
}

/// Opening a query; `bytes` of its bounds.
pub(crate) fn query(bytes: usize) -> u64 {
    5_000 + bytes as u64
}

/// A row of a range; `bytes` of key and value.
pub(crate) fn row(bytes: usize) -> u64 {
    1_000 + 2 * bytes as u64
}

/// One write in a key's history; `bytes` of its transaction.
pub(crate) fn history_row(bytes: usize) -> u64 {
    10_000 + 4 * bytes as u64
}
