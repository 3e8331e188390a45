//! Private data: what is kept of it in the clear, and for how long.
//!
//! The blocks hold hashes only. A private set waits in the transient store until its transaction is
//! in a block (`transient`); then it goes into the private data store, one record for each
//! transaction and collection (`record`, `store`, `collect`), and from there into the private state
//! of every organization that may hold it (`changes`).
//!
//! Invariant: whatever is missing here, a block is committed and its verdicts are the same.

pub(crate) mod changes;
pub(crate) mod check;
pub(crate) mod collect;
pub(crate) mod late;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod rows;
pub(crate) mod settle;
pub(crate) mod store;
pub(crate) mod transient;

#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod retention_tests;
#[cfg(test)]
mod rich_tests;
#[cfg(test)]
mod simulation_tests;
#[cfg(test)]
pub(crate) mod test_support;
#[cfg(test)]
mod tools_tests;
