//! Tests of the ledger as a whole.

mod couchdb;
mod format;
mod golden;
mod known_state;
mod ledger;
mod metrics;
mod model;
mod volume;
