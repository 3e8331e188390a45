//! Adding blocks, and applying them to the state.
//!
//! A block is checked and its transactions are validated (`judge`); then it is stored and applied
//! (`apply`). Opening a channel does the steps that a crash prevented (`recover`). After a failed
//! write, `reopen` makes the channel usable again.
//!
//! Does not check signatures and policies: that has happened before.

pub(crate) mod apply;
mod committed;
pub(crate) mod conflict;
pub(crate) mod folderless;
pub(crate) mod index_build;
pub(crate) mod judge;
pub(crate) mod late;
pub(crate) mod recover;
mod refused_write;
mod reopen;
mod validate;
mod writer_names;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod opening_tests;
