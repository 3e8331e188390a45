//! One channel's blocks, state and history, and the simulator over them.
//!
//! Blocks are stored in one append-only file per channel; they are the source of truth. State,
//! history and indexes are stored in sled and can be rebuilt from the blocks at any time. `Ledgers`
//! opens all channels, and `Ledger` is one of them. `Simulator` and `Snapshot` read one height of
//! it; `Ledger::commit` validates and adds a block. The formats are described in
//! `docs/ledger-format.md`.
//!
//! The modules are layers: each may use those above it in this list.
//!
//! | layer | contents |
//! | --- | --- |
//! | `config`, `error` | limits; errors |
//! | `json` | JSON as Go reads it |
//! | `store` | files, databases, row formats |
//! | `block` | blocks, transactions, read-write sets and the resulting changes |
//! | `rich` | CouchDB's queries and the indexes for them |
//! | `private` | private data: where they are stored, and for how long |
//! | `ledger` | `Ledger`: the parts of a channel, and its blocks |
//! | `simulate`, `commit` | reading one height; adding blocks. Neither uses the other |
//! | `snapshots` | writing a snapshot of a channel in Fabric's format |
//! | `ledgers` | all channels of a peer |
//! | `tools` | check, rebuild, export, import, follow and explain a ledger that no peer has open |
//!
//! Does not verify signatures or evaluate policies, and does not know chaincodes: the callers
//! decide who may write what.

mod block;
mod commit;
mod config;
mod error;
mod json;
mod ledger;
mod ledgers;
mod private;
mod rich;
mod simulate;
mod snapshots;
mod store;
mod tools;

#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;

pub use block::config_tx::config_rwset;
pub use block::envelope::{TxEnvelope, rwset};
pub use block::known_state::{KnownState, ReadRows};
pub use block::matched::MatchedBlock;
pub use block::rwset::{CollectionRwSet, NsRwSet, TxRwSet, height_of, is_delete, is_hashed_delete};
pub use block::tx::CommitTx;
pub use block::{commit_hash, data_hash, header_bytes, header_hash, new_block, tx_filter};
pub use commit::apply::{CommittedBlock, CommittedTx};
pub use commit::conflict::{Conflict, NewestRow};
pub use commit::index_build::DefinedIndex;
pub use commit::late::MissingPrivateData;
pub use config::{LedgerConfig, MAX_INDEXES};
pub use error::{FoldersError, LedgerError, MachineFailure, NoDocument, QueryError};
pub use ledger::Ledger;
pub use ledgers::Ledgers;
pub use private::rules::{CollectionRule, CollectionRules, NewHolder, NoCollections};
pub use rich::{IndexDefinition, IndexState};
pub use simulate::history::{HistoryIterator, KeyModification};
pub use simulate::rows::{KeyValue, Page, RangeId};
pub use simulate::rwset_builder::OwnRead;
pub use simulate::simulator::{SimulationResults, Simulator};
pub use simulate::snapshot::{HashedRange, Snapshot, StateRange};
pub use simulate::state_reader::StateReader;
pub use simulate::stored_config::StoredConfig;
pub use snapshots::{CollectionsAt, SnapshotFolder};
pub use store::state::{Metadata, VersionedValue};
pub use tools::folder::LedgerFolder;
pub use tools::follow::StoredPrivateData;
pub use tools::import::{BlockReader, Imported};
pub use tools::inspect::InspectedTx;
pub use tools::rebuild::Rebuilt;
pub use tools::replay::Step;
pub use tools::rules::RulesOfState;
pub use tools::verify::{Fault, Verified};
pub use tools::walk::Walk;
