//! Attaches a trace to each running transaction.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::trace::Trace;
use crate::tracing_backend::TracingBackend;
use wasmcc_peer::chaincode::{Observer, TxParams};
use wasmcc_runtime::{Backend, FuelGauge};

/// A trace, shared by the chaincodes of its transaction.
pub(crate) type SharedTrace = Arc<Mutex<Trace>>;

/// Traces by transaction id.
#[derive(Default)]
pub(crate) struct Traces {
    running: Mutex<HashMap<String, SharedTrace>>,
}

/// Locks, ignoring poison: no update of the map can be left half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traces {
    /// Begins the trace of a transaction.
    pub(crate) fn begin(&self, tx_id: &str, keeps: bool) {
        let trace = Arc::new(Mutex::new(Trace::new(keeps)));
        lock(&self.running).insert(tx_id.to_owned(), trace);
    }

    /// Ends the trace of a transaction and returns it.
    pub(crate) fn end(&self, tx_id: &str) -> Trace {
        let trace = lock(&self.running).remove(tx_id).unwrap_or_default();
        std::mem::take(&mut *lock(&trace))
    }
}

impl Observer for Traces {
    fn observe(
        &self,
        chaincode: &str,
        tx: &TxParams,
        backend: Box<dyn Backend>,
        fuel: FuelGauge,
    ) -> Box<dyn Backend> {
        let Some(trace) = lock(&self.running).get(tx.tx_id.as_str()).cloned() else {
            return backend;
        };
        Box::new(TracingBackend::new(backend, trace, (chaincode, tx), fuel))
    }
}
