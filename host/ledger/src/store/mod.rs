//! Files and tables: the block file of a channel, the databases, and the formats of rows.
//!
//! Invariant: only this folder uses sled, and every file operation goes through `disk`.
//!
//! Does not interpret blocks and transactions.

pub(crate) mod block_file;
mod block_record;
pub(crate) mod channel_folders;
pub(crate) mod checked_blocks;
mod database;
pub(crate) mod disk;
mod engine;
pub(crate) mod key;
mod leftovers;
pub(crate) mod namespace_heights;
pub(crate) mod overlay;
pub(crate) mod peer_values;
pub(crate) mod state;
pub(crate) mod tables;
pub(crate) mod temporary;
pub(crate) mod tx_entry;

pub(crate) use database::{Batch, Database, Table, TableRow, TableRows};
