//! Tools for a ledger folder that no peer has open: check, repair, move and explain.
//!
//! Invariant: a tool changes no block of a channel.

pub(crate) mod export;
pub(crate) mod folder;
pub(crate) mod follow;
pub(crate) mod import;
pub(crate) mod inspect;
mod interrupt;
mod orderer_metadata;
mod private_check;
pub(crate) mod rebuild;
mod records;
pub(crate) mod replay;
mod row_difference;
mod row_names;
pub(crate) mod rules;
pub(crate) mod verify;
pub(crate) mod walk;

#[cfg(test)]
mod folder_tests;
#[cfg(test)]
mod import_tests;
#[cfg(test)]
mod private_tests;
