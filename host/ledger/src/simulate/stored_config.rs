//! The channel's configuration in the state. Fabric: `core/peer/configtx_processor.go`.
//!
//! Does not parse the configuration: callers do.

use std::sync::Arc;

use crate::block::config_tx::{KEY, NAMESPACE};
use crate::error::LedgerError;
use crate::ledger::Ledger;

/// The configuration in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredConfig {
    /// The number of the block that contains it.
    pub block: u64,
    /// Serialized `common.ConfigEnvelope`.
    pub envelope: Vec<u8>,
}

impl Ledger {
    /// Returns the configuration of the last valid configuration transaction; None before the
    /// first.
    pub fn stored_config(self: &Arc<Self>) -> Result<Option<StoredConfig>, LedgerError> {
        let value = self.snapshot().get(NAMESPACE, KEY)?;
        Ok(value.map(|value| StoredConfig { block: value.version.block, envelope: value.value }))
    }
}
