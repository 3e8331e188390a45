//! The port to whoever prepares a channel for a chaincode that it now runs.
//!
//! Invariant: nothing that it does changes a verdict.

use std::sync::Arc;

use crate::ledger::Ledger;

/// Asked after each block that defines a chaincode, before the block is announced.
pub trait DeployListener: Send + Sync {
    /// The channel has a new or other definition of this chaincode.
    fn deployed(&self, ledger: &Arc<Ledger>, chaincode: &str);
}
