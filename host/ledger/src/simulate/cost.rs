//! Prices of the calls of a simulation, in units of a `Meter`: a fixed part for the call or row,
//! and a part for each byte that is read, recorded or copied. The prices of rich queries are in
//! `rich::work`.
//!
//! Invariant: a price depends only on the request and the state, never on this machine.

/// A read of one key; `bytes` of key and value.
pub(crate) fn read(bytes: usize) -> u64 {
    2_000 + bytes as u64
}

/// A write of one key; `bytes` of key and value, which may be read as JSON.
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

/// A write of a key's history; `bytes` of the transaction that holds it.
pub(crate) fn history_row(bytes: usize) -> u64 {
    10_000 + 4 * bytes as u64
}
