//! Rich queries: CouchDB selectors over the JSON values of one namespace, with secondary indexes.
//! Fabric: `statedb/statecouchdb`; CouchDB: `src/mango`.
//!
//! A query is parsed (`query`, `selector`), and an index is chosen for it (`plan`). Its rows come
//! one by one, in the order of that index, or of the keys without one (`scan`). Index rows are
//! hints: every document is read at the height of the snapshot and matched again.
//!
//! Does not decide what a simulation records: the simulator does.

mod build;
mod collation;
mod constants;
mod error;
mod field;
mod index;
mod indexes;
mod matching;
mod negation;
mod page;
mod pcre;
mod pcre_class;
mod place;
mod plan;
mod projection;
mod query;
mod regular;
mod scan;
mod selector;
mod simulation;
mod space;
mod work;

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod query_tests;
#[cfg(test)]
mod selector_tests;

pub use error::QueryError;
pub use index::IndexDefinition;
pub(crate) use indexes::IndexSet;
pub use indexes::IndexState;
pub(crate) use indexes::Indexes;
pub(crate) use simulation::RichRows;
pub(crate) use space::Space;
pub(crate) use space::describe;
pub(crate) use space::entry_index;
