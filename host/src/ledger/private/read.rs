//! The private data of one organization, for those who ask the ledger.
//!
//! Invariant: nothing is given out that was purged or has had its time, whether it is still stored
//! or not.

use crate::ledger::channel::Ledger;
use crate::ledger::error::LedgerError;
use crate::proto::rwset::CollectionPvtReadWriteSet;
use crate::proto::rwset::NsPvtReadWriteSet;
use crate::proto::rwset::TxPvtReadWriteSet;
use crate::types::Height;

impl Ledger {
    /// Keeps the private data of a simulation until its transaction is in a block (Fabric:
    /// transient store). When this returns they are on disk. Keeping the same once more does
    /// nothing.
    ///
    /// Errors: `TransientStoreFull`.
    pub fn keep_transient(
        &self,
        tx_id: &str,
        private: &TxPvtReadWriteSet,
    ) -> Result<(), LedgerError> {
        self.transient.keep(tx_id, private, self.height(), self.config.max_transient_bytes)
    }

    /// What is stored of a committed transaction's private data for an organization (MSP id); None
    /// if there is nothing. Without the keys that were purged since.
    pub fn private_data(
        &self,
        org: &str,
        block: u64,
        tx: u64,
    ) -> Result<Option<TxPvtReadWriteSet>, LedgerError> {
        let height = self.height();
        if block >= height {
            return Ok(None);
        }
        let mut namespaces = Vec::<NsPvtReadWriteSet>::new();
        for record in self.private.tx_records(Height::new(block, tx))? {
            let expired = record.expires(block).is_some_and(|at| at < height);
            let holds = record.holders.iter().any(|holder| holder == org);
            let Some(rwset) = record.bytes().filter(|_| holds && !expired) else { continue };
            let rwset = rwset.to_vec();
            let collection_name = record.collection;
            let found = CollectionPvtReadWriteSet { collection_name, rwset };
            // The records come in the order of their namespaces.
            match namespaces.last_mut().filter(|ns| ns.namespace == record.namespace) {
                Some(ns) => ns.collection_pvt_rwset.push(found),
                None => namespaces.push(NsPvtReadWriteSet {
                    namespace: record.namespace,
                    collection_pvt_rwset: vec![found],
                }),
            }
        }
        let set = TxPvtReadWriteSet { data_model: 0, ns_pvt_rwset: namespaces };
        Ok((!set.ns_pvt_rwset.is_empty()).then_some(set))
    }
}
