//! Plain private data: where they are stored, and for how long.
//!
//! Blocks contain only hashes. A private set waits in the transient store until its transaction is
//! in a block (`transient`). Then it moves to the private data store, with one record for each
//! transaction and collection (`record`, `store`, `collect`). From there it is applied to the
//! private state of every organization that may hold it (`changes`).
//!
//! Invariant: missing private data never prevent the commit of a block, and never change a verdict.

pub(crate) mod changes;
pub(crate) mod collect;
mod read;
pub(crate) mod record;
pub(crate) mod rows;
pub(crate) mod rules;
pub(crate) mod settle;
pub(crate) mod store;
pub(crate) mod transient;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod retention_tests;
#[cfg(test)]
mod rich_tests;
#[cfg(test)]
pub(crate) mod test_support;
