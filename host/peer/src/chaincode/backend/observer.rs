//! The port through which a tool sees what guests ask of their peer.
//!
//! Invariant: an ordinary peer has no observer, and its transactions take the path without one.

use crate::chaincode::tx_params::TxParams;
use wasmcc_runtime::{Backend, FuelGauge};

/// Sees the calls of guests in this process.
pub trait Observer: Send + Sync {
    /// Returns what answers one guest, `chaincode` in the transaction `tx`, in place of `backend`:
    /// usually something that passes each call on to it. `fuel` has what the guest had used when a
    /// call began.
    fn observe(
        &self,
        chaincode: &str,
        tx: &TxParams,
        backend: Box<dyn Backend>,
        fuel: FuelGauge,
    ) -> Box<dyn Backend>;
}
