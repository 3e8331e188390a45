//! Snapshots of a channel in Fabric's format: a folder of files that another peer can check and
//! start from. Fabric: `core/ledger/kvledger/snapshot.go`.
//!
//! ```text
//! <root>/completed/<channel>/<block>/   complete snapshots
//! <root>/temp/.wasmcc-*.unfinished/     being written; removed when a peer starts
//! ```
//!
//! The files have the format of a Fabric peer with LevelDB: keys in byte order, values as they were
//! written. So all peers of a channel write the same bytes for the same block.
//!
//! Invariant: a folder below `completed` is complete and is never changed.
//!
//! Does not read snapshots, and does not decide when one is made.

mod config_history;
mod file;
mod folder;
mod metadata;
mod state;
#[cfg(test)]
mod tests;
mod tx_ids;

pub use config_history::CollectionsAt;
pub use folder::SnapshotFolder;
