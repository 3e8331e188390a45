//! Rich queries: CouchDB selectors over the JSON values of one namespace, with secondary indexes.
//! Fabric: `statedb/statecouchdb`; CouchDB: `src/mango`.
//!
//! A query is parsed (`query`, `selector`), and an index is chosen for it (`plan`). Its rows are
//! read one by one, in the order of that index, or of the keys without one. Index rows are hints:
//! every document is read at the height of the snapshot and matched again (`simulate::rich_scan`).
//!
//! Does not read a ledger, and does not decide what a simulation records.

pub(crate) mod collation;
pub(crate) mod columns;
mod constants;
pub(crate) mod field;
pub(crate) mod index;
pub(crate) mod indexes;
mod matching;
mod negation;
mod pattern_error;
mod pcre;
mod pcre_class;
mod place;
pub(crate) mod plan;
pub(crate) mod projection;
pub(crate) mod query;
mod regular;
pub(crate) mod selector;
pub(crate) mod space;
pub(crate) mod work;

#[cfg(test)]
mod selector_tests;

pub use index::IndexDefinition;
pub use indexes::IndexState;
pub(crate) use indexes::{IndexSet, Indexes};
pub(crate) use space::{Space, entry_index};
