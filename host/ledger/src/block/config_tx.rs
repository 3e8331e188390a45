//! The channel's configuration as a row of its state. Fabric: `core/peer/configtx_processor.go`.
//!
//! Does not parse the configuration. Callers read it and decide whether it may change.

use crate::block::rwset::{NsRwSet, TxRwSet};
use wasmcc_types::proto::kvrwset::KvWrite;

/// The peer's own namespace; no chaincode has this name.
pub(crate) const NAMESPACE: &str = "";
pub(crate) const KEY: &str = "CHANNEL_CONFIG_ENV_BYTES";

/// Returns the writes of a valid configuration transaction.
pub fn config_rwset(envelope: Vec<u8>) -> TxRwSet {
    let write = KvWrite { key: KEY.to_owned(), is_delete: false, value: envelope };
    let namespace = NsRwSet { writes: vec![write], ..NsRwSet::default() };
    TxRwSet { namespaces: [(NAMESPACE.to_owned(), namespace)].into(), ..Default::default() }
}

/// True for the read-write set of a configuration transaction, which writes the configuration.
/// Chaincodes cannot write this namespace, but their reads may name it.
pub(crate) fn is_config(rwset: &TxRwSet) -> bool {
    let namespace = rwset.namespaces.get(NAMESPACE);
    namespace.is_some_and(|ns| ns.writes.iter().any(|write| write.key == KEY))
}
