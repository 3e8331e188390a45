//! Reads the private data of one organization.
//!
//! Invariant: purged and expired data are never returned, even while they are still stored.

use std::collections::BTreeMap;

use crate::channel::Ledger;
use crate::error::LedgerError;
use crate::private::record::PrivateRecord;
use wasmcc_types::Height;
use wasmcc_types::proto::rwset::CollectionPvtReadWriteSet;
use wasmcc_types::proto::rwset::NsPvtReadWriteSet;
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;

impl Ledger {
    /// Keeps the private data of a simulation until its transaction is in a block (Fabric:
    /// transient store). When this returns, they are on disk. Keeping the same data again does
    /// nothing. `creator` is the serialized identity of the client.
    ///
    /// Errors: `TransientShareUsed` if the client's waiting sets are at the client's limit;
    /// `TransientStoreFull`.
    pub fn keep_transient(
        &self,
        tx_id: &str,
        creator: &[u8],
        private: &TxPvtReadWriteSet,
    ) -> Result<(), LedgerError> {
        self.transient.keep(tx_id, creator, private, self.height(), &self.config)
    }

    /// Returns the stored private data of a committed transaction for an organization (MSP id),
    /// ordered by namespace and collection; None if there are none. Purged keys are left out.
    pub fn private_data(
        &self,
        org: &str,
        block: u64,
        tx: u64,
    ) -> Result<Option<TxPvtReadWriteSet>, LedgerError> {
        let records = self.private.tx_records(Height::new(block, tx))?;
        Ok(self.sets_of(org, block, records).remove(&tx))
    }

    /// As [`private_data`](Self::private_data), for all transactions of a block, by their places.
    pub fn private_data_of_block(
        &self,
        org: &str,
        block: u64,
    ) -> Result<BTreeMap<u64, TxPvtReadWriteSet>, LedgerError> {
        Ok(self.sets_of(org, block, self.private.records(block)?))
    }

    fn sets_of(
        &self,
        org: &str,
        block: u64,
        records: Vec<PrivateRecord>,
    ) -> BTreeMap<u64, TxPvtReadWriteSet> {
        let height = self.height();
        // Rows are ordered by the lengths of the names, so they are sorted again.
        let mut found = BTreeMap::<u64, BTreeMap<String, BTreeMap<String, Vec<u8>>>>::new();
        for record in records {
            let is_here = block < height && record.expires(block).is_none_or(|at| at >= height);
            let holds = record.holders.iter().any(|holder| holder == org);
            let Some(rwset) = record.bytes().filter(|_| holds && is_here) else { continue };
            let rwset = rwset.to_vec();
            let namespaces = found.entry(record.tx).or_default();
            namespaces.entry(record.namespace).or_default().insert(record.collection, rwset);
        }
        let collection =
            |(collection_name, rwset)| CollectionPvtReadWriteSet { collection_name, rwset };
        let namespace = |(namespace, sets): (String, BTreeMap<_, _>)| NsPvtReadWriteSet {
            namespace,
            collection_pvt_rwset: sets.into_iter().map(collection).collect(),
        };
        let set = |namespaces: BTreeMap<_, _>| TxPvtReadWriteSet {
            data_model: 0,
            ns_pvt_rwset: namespaces.into_iter().map(namespace).collect(),
        };
        found.into_iter().map(|(tx, namespaces)| (tx, set(namespaces))).collect()
    }
}
