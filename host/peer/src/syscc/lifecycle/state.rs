//! The state for `_lifecycle`, through the simulator of the transaction.
//!
//! Invariant: every read is recorded.

use crate::chaincode::{SharedSimulator, StateError, Stub, lock};
use crate::syscc::lifecycle::error::NoState;
use wasmcc_channel::definition::{OpaqueState, ReadableState, WritableState, implicit_collection};
use wasmcc_types::{LIFECYCLE, LSCC};

/// Returns the simulator of a call. A call to the peer itself has none.
pub(super) fn simulator<'a>(stub: &Stub<'a>) -> Result<&'a SharedSimulator, NoState> {
    stub.simulator.ok_or_else(|| NoState(stub.channel_id.to_owned()))
}

/// Public state of one namespace.
pub(super) struct PublicState<'a> {
    simulator: &'a SharedSimulator,
    namespace: &'static str,
}

impl<'a> PublicState<'a> {
    /// Makes the state of `_lifecycle` itself.
    pub(super) fn new(simulator: &'a SharedSimulator) -> Self {
        Self { simulator, namespace: LIFECYCLE }
    }

    /// Makes the state of LSCC, which `_lifecycle` only reads.
    pub(super) fn of_lscc(simulator: &'a SharedSimulator) -> Self {
        Self { simulator, namespace: LSCC }
    }
}

/// The implicit collection of one organization in the namespace of `_lifecycle`.
pub(super) struct OrgState<'a> {
    simulator: &'a SharedSimulator,
    collection: String,
}

impl<'a> OrgState<'a> {
    pub(super) fn new(simulator: &'a SharedSimulator, msp_id: &str) -> Self {
        Self { simulator, collection: implicit_collection(msp_id) }
    }

    /// Returns all rows with keys that begin with `prefix` and continue in ASCII (`GetStateRange`).
    pub(super) fn range(&mut self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StateError> {
        let mut simulator = lock(self.simulator)?;
        let end = format!("{prefix}\u{7f}");
        let id = simulator.private_range(LIFECYCLE, &self.collection, prefix, &end)?;
        let mut rows = Vec::new();
        while let Some(row) = simulator.next_row(id)? {
            rows.push((row.key, row.value));
        }
        simulator.close_range(id);
        Ok(rows)
    }
}

impl ReadableState for PublicState<'_> {
    type Error = StateError;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(lock(self.simulator)?.get_state(self.namespace, key)?)
    }
}

impl WritableState for PublicState<'_> {
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), StateError> {
        Ok(lock(self.simulator)?.put_state(self.namespace, key, value)?)
    }

    fn delete(&mut self, key: &str) -> Result<(), StateError> {
        Ok(lock(self.simulator)?.delete_state(self.namespace, key)?)
    }
}

impl ReadableState for OrgState<'_> {
    type Error = StateError;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(lock(self.simulator)?.get_private_data(LIFECYCLE, &self.collection, key)?)
    }
}

impl WritableState for OrgState<'_> {
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), StateError> {
        Ok(lock(self.simulator)?.put_private_data(LIFECYCLE, &self.collection, key, value)?)
    }

    fn delete(&mut self, key: &str) -> Result<(), StateError> {
        Ok(lock(self.simulator)?.delete_private_data(LIFECYCLE, &self.collection, key)?)
    }
}

impl OpaqueState for OrgState<'_> {
    type HashError = StateError;

    fn get_hash(&mut self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(lock(self.simulator)?.get_private_data_hash(LIFECYCLE, &self.collection, key)?)
    }
}
