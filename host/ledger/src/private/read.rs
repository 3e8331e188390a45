//! Reads the private data of one organization.
//!
//! Invariant: purged and expired data are never returned, even while they are still stored.

use std::collections::BTreeMap;

use crate::error::LedgerError;
use crate::private::record::PrivateRecord;
use crate::private::store::PrivateStore;
use wasmcc_types::Height;
use wasmcc_types::proto::rwset::{CollectionPvtReadWriteSet, NsPvtReadWriteSet, TxPvtReadWriteSet};

impl PrivateStore {
    /// Returns the sets of the transaction at `at` that an organization (MSP id) holds when the
    /// ledger has `height` blocks.
    pub(crate) fn sets_of_tx(
        &self,
        org: &str,
        at: Height,
        height: u64,
    ) -> Result<Option<TxPvtReadWriteSet>, LedgerError> {
        let records = self.tx_records(at)?;
        Ok(sets_of(org, at.block, records, height).remove(&at.tx))
    }

    /// As `sets_of_tx`, for all transactions of a block, by their indexes.
    pub(crate) fn sets_of_block(
        &self,
        org: &str,
        block: u64,
        height: u64,
    ) -> Result<BTreeMap<u64, TxPvtReadWriteSet>, LedgerError> {
        Ok(sets_of(org, block, self.records(block)?, height))
    }
}

/// Returns the sets that an organization (MSP id) holds, from records of `block` at `height`, by
/// the indexes of their transactions.
fn sets_of(
    org: &str,
    block: u64,
    records: Vec<PrivateRecord>,
    height: u64,
) -> BTreeMap<u64, TxPvtReadWriteSet> {
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
