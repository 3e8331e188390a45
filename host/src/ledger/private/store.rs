//! The private data store: the private sets of committed transactions, from which the private state
//! can be made again. Fabric: `core/ledger/pvtdatastorage`.
//!
//! ```text
//! record(block, tx, namespace, collection)  -> the set, its holders, its time
//! key(namespace, collection, key hash, block, tx) -> the record that has the key
//! expiry(block, record)                     -> the record's time is over with that block
//! purge(block, tx, key)                     -> the key is to be purged
//! purged(key)                               -> the height of the last purge
//! ```
//! A block's rows are on disk before the block is, so there may be rows of a block that never came.
//!
//! Invariant: rows at or above the height of the blocks count for nothing; opening removes them.

use prost::Message;

use crate::ledger::error::LedgerError;
use crate::ledger::private::record::PrivateRecord;
use crate::ledger::private::rows;
use crate::ledger::private::rows::HashedKey;
use crate::ledger::private::rows::Place;
use crate::ledger::store::Batch;
use crate::ledger::store::Table;
use crate::proto::kvrwset::KvrwSet;
use crate::types::Height;
use crate::types::sha256;

/// The private data of one channel, of all organizations of this process.
pub(crate) struct PrivateStore {
    pub(crate) table: Table,
}

impl PrivateStore {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    /// Notes what a block brings, and which keys each of its transactions purges. When this
    /// returns, it is on disk.
    pub(crate) fn put_block(
        &self,
        block: u64,
        records: &[PrivateRecord],
        purges: &[(u64, HashedKey)],
    ) -> Result<(), LedgerError> {
        if records.is_empty() && purges.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for record in records {
            put(&mut batch, block, record);
        }
        for (tx, (ns, coll, key_hash)) in purges {
            batch.put(rows::purge(Height::new(block, *tx), ns, coll, key_hash), Vec::new());
        }
        self.table.apply(batch)?;
        self.table.flush()
    }

    /// All records of a block, in the order of its transactions.
    pub(crate) fn records(&self, block: u64) -> Result<Vec<PrivateRecord>, LedgerError> {
        let (from, to) = rows::records_of(block);
        let records = self.table.range(&from, &to).map(|row| decode(row?));
        records.map(|record| Ok(record?.1)).collect()
    }

    /// The records of one transaction.
    pub(crate) fn tx_records(&self, height: Height) -> Result<Vec<PrivateRecord>, LedgerError> {
        let (from, to) = rows::records_of_tx(height.block, height.tx);
        let records = self.table.range(&from, &to).map(|row| decode(row?));
        records.map(|record| Ok(record?.1)).collect()
    }

    /// One record.
    pub(crate) fn record(&self, place: &Place) -> Result<Option<PrivateRecord>, LedgerError> {
        let (block, tx, ns, coll) = place;
        self.table.get(&rows::record(*block, *tx, ns, coll), |bytes| {
            PrivateRecord::decode((*tx, ns.clone(), coll.clone()), bytes)
        })
    }

    /// Removes what belongs to blocks from `height` on, which never came.
    pub(crate) fn discard_from(&self, height: u64) -> Result<(), LedgerError> {
        let mut batch = Batch::default();
        let mut found = false;
        let (from, to) = rows::records_from(height);
        for row in self.table.range(&from, &to) {
            let ((block, ..), record) = decode(row?)?;
            remove_keys(&mut batch, block, &record);
            remove_expiry(&mut batch, block, &record);
            batch.delete(rows::record(block, record.tx, &record.namespace, &record.collection));
            found = true;
        }
        let (from, to) = rows::purges_from(height);
        for row in self.table.range(&from, &to) {
            batch.delete(row?.0);
            found = true;
        }
        if found { self.table.apply(batch) } else { Ok(()) }
    }
}

/// Puts a record with the rows that find it.
pub(crate) fn put(batch: &mut Batch, block: u64, record: &PrivateRecord) {
    let PrivateRecord { tx, namespace, collection, .. } = record;
    batch.put(rows::record(block, *tx, namespace, collection), record.encode());
    for key in key_hashes(record) {
        let height = Height::new(block, *tx);
        batch.put(rows::key_at((namespace, collection, &key), height), Vec::new());
    }
    if let Some(at) = record.expires(block) {
        batch.put(rows::expiry(at, (block, *tx, namespace, collection)), Vec::new());
    }
}

/// Removes the rows that find a record by its keys.
pub(crate) fn remove_keys(batch: &mut Batch, block: u64, record: &PrivateRecord) {
    for key in key_hashes(record) {
        let height = Height::new(block, record.tx);
        batch.delete(rows::key_at((&record.namespace, &record.collection, &key), height));
    }
}

fn remove_expiry(batch: &mut Batch, block: u64, record: &PrivateRecord) {
    if let Some(at) = record.expires(block) {
        let place = (block, record.tx, record.namespace.as_str(), record.collection.as_str());
        batch.delete(rows::expiry(at, place));
    }
}

fn key_hashes(record: &PrivateRecord) -> Vec<[u8; 32]> {
    let Some(set) = record.bytes().and_then(|bytes| KvrwSet::decode(bytes).ok()) else {
        return Vec::new();
    };
    let written = set.writes.iter().map(|write| &write.key);
    let metadata = set.metadata_writes.iter().map(|write| &write.key);
    written.chain(metadata).map(|key| sha256(key.as_bytes())).collect()
}

fn decode((row, value): crate::ledger::store::Row) -> Result<(Place, PrivateRecord), LedgerError> {
    let place = rows::record_place(&row)?;
    let (_, tx, namespace, collection) = place.clone();
    let record = PrivateRecord::decode((tx, namespace, collection), &value)?;
    Ok((place, record))
}
