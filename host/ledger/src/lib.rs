//! One channel's blocks, state and history, and the simulator over them.
//!
//! Blocks are stored in one append-only file per channel and are the truth. State, history and
//! indexes are stored in sled and can be rebuilt from the blocks at any time. `Ledgers` opens all
//! channels, and `Ledger` is one of them. `Simulator` and `Snapshot` read one height of it;
//! `Ledger::commit` validates and adds a block. The formats are described in
//! `docs/ledger-format.md`.
//!
//! Does not verify signatures or evaluate policies, and knows no chaincodes: the callers decide who
//! may write what.

mod block;
mod block_file;
mod block_record;
mod channel;
mod channel_config;
mod channel_folders;
mod checked_blocks;
mod collections;
mod commit;
mod committed;
mod config;
mod conflict;
mod cost;
mod couchdb;
mod disk;
mod envelope;
mod error;
mod export;
mod folder;
mod history;
mod import;
mod inspect;
mod json;
mod key;
mod key_ops;
mod ledgers;
mod machine_failure;
mod orderer_metadata;
mod overlay;
mod peer_values;
mod private;
mod range_reads;
mod range_scan;
mod rebuild;
mod recover;
mod reopen;
mod replay;
mod rich;
mod row_difference;
mod rwset;
mod rwset_builder;
mod simulator;
mod simulator_private;
mod snapshot;
mod state;
mod store;
mod updates;
mod validate;
mod verify;
mod writer_names;

#[cfg(test)]
mod couchdb_tests;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod folder_tests;
#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod ledger_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod opening_tests;
#[cfg(test)]
mod simulator_tests;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod volume_tests;

pub use block::{commit_hash, data_hash, header_bytes, header_hash, new_block, tx_filter};
pub use channel::Ledger;
pub use channel_config::{StoredConfig, config_rwset};
pub use collections::{CollectionRule, CollectionRules, NoCollections, RulesOfState};
pub use commit::{CommitTx, CommittedBlock, CommittedTx};
pub use config::LedgerConfig;
pub use config::MAX_INDEXES;
pub use conflict::{Conflict, NewestRow};
pub use couchdb::NoDocument;
pub use envelope::{TxEnvelope, rwset};
pub use error::LedgerError;
pub use folder::LedgerFolder;
pub use history::{HistoryIterator, KeyModification};
pub use import::Imported;
pub use inspect::InspectedTx;
pub use ledgers::Ledgers;
pub use machine_failure::MachineFailure;
pub use private::late::MissingPrivateData;
pub use rebuild::Rebuilt;
pub use replay::Step;
pub use rich::IndexDefinition;
pub use rich::IndexState;
pub use rich::QueryError;
pub use rwset::{CollectionRwSet, NsRwSet, TxRwSet, height_of, is_delete, is_hashed_delete};
pub use simulator::{KeyValue, Page, RangeId, SimulationResults, Simulator};
pub use snapshot::{Snapshot, StateRange};
pub use state::{Metadata, VersionedValue};
pub use verify::{Fault, Verified};
