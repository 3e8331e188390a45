//! The channel's configuration as a row of its state. Fabric: `core/peer/configtx_processor.go`.
//!
//! Does not read the configuration: it is bytes here. Callers decide what it says and whether it
//! may change.

use std::sync::Arc;

use crate::channel::Ledger;
use crate::error::LedgerError;
use crate::rwset::NsRwSet;
use crate::rwset::TxRwSet;
use wasmcc_types::proto::kvrwset::KvWrite;

/// The namespace of the peer itself, which no chaincode has.
const NAMESPACE: &str = "";
const KEY: &str = "CHANNEL_CONFIG_ENV_BYTES";

/// The configuration in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredConfig {
    /// The number of the block that holds it.
    pub block: u64,
    /// Serialized `common.ConfigEnvelope`.
    pub envelope: Vec<u8>,
}

impl Ledger {
    /// Returns the configuration of the last valid configuration transaction; None if there is none
    /// yet.
    pub fn stored_config(self: &Arc<Self>) -> Result<Option<StoredConfig>, LedgerError> {
        let value = self.snapshot().get(NAMESPACE, KEY)?;
        Ok(value.map(|value| StoredConfig { block: value.version.block, envelope: value.value }))
    }
}

/// What a valid configuration transaction writes.
pub fn config_rwset(envelope: Vec<u8>) -> TxRwSet {
    let write = KvWrite { key: KEY.to_owned(), is_delete: false, value: envelope };
    let namespace = NsRwSet { writes: vec![write], ..NsRwSet::default() };
    TxRwSet { namespaces: [(NAMESPACE.to_owned(), namespace)].into(), ..Default::default() }
}

/// True if the read-write set is that of a configuration transaction, which writes the
/// configuration. Chaincodes may not write this namespace, but their reads may name it.
pub(crate) fn is_config(rwset: &TxRwSet) -> bool {
    let namespace = rwset.namespaces.get(NAMESPACE);
    namespace.is_some_and(|ns| ns.writes.iter().any(|write| write.key == KEY))
}
