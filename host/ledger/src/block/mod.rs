//! Blocks and their contents: transactions, read-write sets, and the resulting changes.
//!
//! Invariant: pure functions and values. Nothing here reads or writes a file or a table.

pub(crate) mod config_tx;
pub(crate) mod couchdb;
pub(crate) mod envelope;
pub(crate) mod genesis;
pub(crate) mod key_ops;
pub(crate) mod known_state;
pub(crate) mod matched;
mod parts;
pub(crate) mod range_reads;
pub(crate) mod rwset;
pub(crate) mod tx;
pub(crate) mod updates;

pub(crate) use parts::set_outcome;
pub use parts::{commit_hash, data_hash, header_bytes, header_hash, new_block, tx_filter};
