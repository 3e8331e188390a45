//! The channel's configuration as a row of its state. Fabric: `core/peer/configtx_processor.go`.
//!
//! Does not read the configuration: it is bytes here. Callers decide what it says and whether it
//! may change.

use crate::block::rwset::{NsRwSet, TxRwSet};
use wasmcc_types::proto::kvrwset::KvWrite;

/// The namespace of the peer itself, which no chaincode has.
pub(crate) const NAMESPACE: &str = "";
pub(crate) const KEY: &str = "CHANNEL_CONFIG_ENV_BYTES";

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
