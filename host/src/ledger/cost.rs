//! What the calls of a simulation cost its transaction, in units of a `Meter`: a part for the call
//! or the row, and a part for each byte that is read, recorded or copied for it. Those of rich
//! queries are in `rich::work`.
//!
//! Invariant: depends on what is asked and what there is only, never on this machine.

/// A read of one key, by the bytes of key and value.
pub(crate) fn read(bytes: usize) -> u64 {
    2_000 + bytes as u64
}

/// A write of one key, by the bytes of key and value: they may be looked at as JSON.
pub(crate) fn write(bytes: usize) -> u64 {
    1_000 + 4 * bytes as u64
}

/// The start of a query, by the bytes of its bounds.
pub(crate) fn query(bytes: usize) -> u64 {
    5_000 + bytes as u64
}

/// A row of a range, by the bytes of key and value.
pub(crate) fn row(bytes: usize) -> u64 {
    1_000 + 2 * bytes as u64
}

/// A write of a key's history, by the bytes of the transaction that it is read from.
pub(crate) fn history_row(bytes: usize) -> u64 {
    10_000 + 4 * bytes as u64
}
