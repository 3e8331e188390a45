//! Adding blocks, and bringing the state up to them.
//!
//! A block is checked and its transactions are judged (`judge`); then it is stored and applied
//! (`apply`). Opening a channel does what a crash left undone (`recover`), and `reopen` goes on
//! after a failed write.
//!
//! Does not judge signatures and policies: that has happened before.

pub(crate) mod apply;
mod committed;
pub(crate) mod conflict;
pub(crate) mod folderless;
mod index_build;
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
