//! Reading the state at one height, with or without recording the reads.
//!
//! A `Snapshot` reads one height. A `Simulator` runs a transaction on a snapshot and records its
//! reads and writes.
//!
//! Invariant: nothing is written to the ledger here.

mod bookmark;
mod cost;
pub(crate) mod history;
mod open_query;
mod private_data;
mod range_scan;
mod rich_query;
mod rich_scan;
mod room;
pub(crate) mod rows;
pub(crate) mod rwset_builder;
pub(crate) mod simulator;
pub(crate) mod snapshot;
pub(crate) mod state_reader;
pub(crate) mod stored_config;

#[cfg(test)]
mod private_tests;
#[cfg(test)]
mod rich_bounds_tests;
#[cfg(test)]
mod rich_model_tests;
#[cfg(test)]
mod rich_query_tests;
#[cfg(test)]
mod simulator_tests;
