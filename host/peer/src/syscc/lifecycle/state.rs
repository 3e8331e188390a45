//! The state that `_lifecycle` works on, through the simulator of the transaction.
//!
//! Invariant: every read is recorded; nothing is decided here.

use std::sync::MutexGuard;

use crate::chaincode::{SharedSimulator, Stub};
use wasmcc_channel::definition::{OpaqueState, ReadableState, WritableState, implicit_collection};
use wasmcc_ledger::{LedgerError, Simulator};
use wasmcc_types::{LIFECYCLE, LSCC};

/// The simulator of a call; a call to the peer itself has none.
pub(super) fn simulator<'a>(stub: &Stub<'a>) -> Result<&'a SharedSimulator, String> {
    stub.simulator.ok_or_else(|| format!("no application config for channel '{}'", stub.channel_id))
}

/// Public state of one namespace.
pub(super) struct PublicState<'a> {
    simulator: &'a SharedSimulator,
    namespace: &'static str,
}

impl<'a> PublicState<'a> {
    /// That of `_lifecycle` itself.
    pub(super) fn new(simulator: &'a SharedSimulator) -> Self {
        Self { simulator, namespace: LIFECYCLE }
    }

    /// That of LSCC, which `_lifecycle` looks at and does not touch.
    pub(super) fn of_lscc(simulator: &'a SharedSimulator) -> Self {
        Self { simulator, namespace: LSCC }
    }
}

/// What one organization keeps of its own, in the namespace of `_lifecycle`.
pub(super) struct OrgState<'a> {
    simulator: &'a SharedSimulator,
    collection: String,
}

impl<'a> OrgState<'a> {
    pub(super) fn new(simulator: &'a SharedSimulator, msp_id: &str) -> Self {
        Self { simulator, collection: implicit_collection(msp_id) }
    }

    /// All rows whose keys begin with `prefix` and go on in ASCII (`GetStateRange`).
    pub(super) fn range(&mut self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut simulator = lock(self.simulator)?;
        let end = format!("{prefix}\u{7f}");
        let id = text(simulator.private_range(LIFECYCLE, &self.collection, prefix, &end))?;
        let mut rows = Vec::new();
        while let Some(row) = text(simulator.next_row(id))? {
            rows.push((row.key, row.value));
        }
        simulator.close_range(id);
        Ok(rows)
    }
}

fn lock(simulator: &SharedSimulator) -> Result<MutexGuard<'_, Simulator>, String> {
    simulator.lock().map_err(|_| "the simulation ended with a panic".to_owned())
}

fn text<T>(result: Result<T, LedgerError>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

impl ReadableState for PublicState<'_> {
    type Error = String;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        text(lock(self.simulator)?.get_state(self.namespace, key))
    }
}

impl WritableState for PublicState<'_> {
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), String> {
        text(lock(self.simulator)?.put_state(self.namespace, key, value))
    }

    fn delete(&mut self, key: &str) -> Result<(), String> {
        text(lock(self.simulator)?.delete_state(self.namespace, key))
    }
}

impl ReadableState for OrgState<'_> {
    type Error = String;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        text(lock(self.simulator)?.get_private_data(LIFECYCLE, &self.collection, key))
    }
}

impl WritableState for OrgState<'_> {
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), String> {
        text(lock(self.simulator)?.put_private_data(LIFECYCLE, &self.collection, key, value))
    }

    fn delete(&mut self, key: &str) -> Result<(), String> {
        text(lock(self.simulator)?.delete_private_data(LIFECYCLE, &self.collection, key))
    }
}

impl OpaqueState for OrgState<'_> {
    type HashError = String;

    fn get_hash(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        text(lock(self.simulator)?.get_private_data_hash(LIFECYCLE, &self.collection, key))
    }
}
