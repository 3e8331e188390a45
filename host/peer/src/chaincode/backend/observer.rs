//! The port through which a tool observes the calls of guests to their peer.
//!
//! Invariant: an ordinary peer has no observer, and its transactions use the direct path.

use crate::chaincode::tx_params::TxParams;
use wasmcc_runtime::{Backend, FuelGauge};

/// Observes the calls of guests in this process.
pub trait Observer: Send + Sync {
    /// Returns the backend for one guest, `chaincode` in the transaction `tx`. It replaces
    /// `backend` and usually passes each call on to it. `fuel` is the fuel that the guest had used
    /// at the beginning of a call.
    fn observe(
        &self,
        chaincode: &str,
        tx: &TxParams,
        backend: Box<dyn Backend>,
        fuel: FuelGauge,
    ) -> Box<dyn Backend>;
}
