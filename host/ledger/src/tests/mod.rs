//! Tests of the ledger as a whole.

mod couchdb;
mod format;
mod golden;
mod ledger;
mod model;
mod volume;
