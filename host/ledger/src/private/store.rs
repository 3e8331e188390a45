//! The private data store: the private sets of committed transactions. The private state can be
//! rebuilt from them. Fabric: `core/ledger/pvtdatastorage`.
//!
//! ```text
//! record(block, tx, namespace, collection)         the set, its holders, its lifetime
//! key(namespace, collection, key hash, block, tx)  the record contains the key
//! missing(record)                                  the record has no set
//! late(block, record)                              the record's set is applied with that block
//! holder(block, namespace, collection, org)        the org gets existing data with that block
//! expiry(block, record)                            the record expires with that block
//! purge(block, tx, key)                            the purge of the key is pending
//! purged(key)                                      the height of the last purge
//! chain                                            the hash of the genesis block
//! ```
//! A block's rows are written before the block, so there may be rows of a block that was not
//! stored.
//!
//! Invariant: rows of blocks at or above the height are ignored. The next block of that number
//! replaces them.

use std::collections::BTreeSet;

use prost::Message;

use crate::error::LedgerError;
use crate::private::record::{PrivateBlock, PrivateRecord, PrivateSet};
use crate::private::rows::{self, HashedKey, RecordPlace};
use crate::private::rules::NewHolder;
use crate::store::{Batch, Table, key};
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::{ChannelId, Height, sha256};

/// Rows in one batch of `add_all`. They are small: records without sets.
const ROWS_AT_ONCE: usize = 1000;

/// The private data of one channel, of all organizations of this process.
pub(crate) struct PrivateStore {
    pub(crate) table: Table,
}

impl PrivateStore {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    /// The chain of the store: the hash of its genesis block's header. None for a channel with
    /// blocks: the store is not the one that they were committed with.
    pub(crate) fn chain(&self) -> Result<Option<Vec<u8>>, LedgerError> {
        self.table.get(rows::CHAIN, |hash| Ok(hash.to_vec()))
    }

    /// Starts the store for a chain. Removes data of another chain of the same name.
    pub(crate) fn begin(&self, genesis: &[u8]) -> Result<(), LedgerError> {
        if self.chain()?.as_deref() == Some(genesis) {
            return Ok(());
        }
        self.table.clear()?;
        let mut batch = Batch::default();
        batch.put(rows::CHAIN.to_vec(), genesis.to_vec());
        self.table.apply(batch)?;
        self.table.flush()
    }

    /// Returns the error for a store whose private data would be replaced by those of `wanted`, the
    /// hash of another genesis block.
    pub(crate) fn of_another_chain(&self, channel: &ChannelId, wanted: &[u8]) -> LedgerError {
        let stored = match self.chain() {
            Ok(stored) => stored.unwrap_or_default(),
            Err(error) => return error,
        };
        let (channel, wanted) = (channel.clone(), wanted.to_vec());
        LedgerError::PrivateDataOfAnotherChain { channel, stored, wanted }
    }

    /// True if it has private sets, which cannot be restored.
    pub(crate) fn holds_sets(&self) -> Result<bool, LedgerError> {
        self.holds_sets_from(0)
    }

    /// True if it has private sets of this block or later ones.
    pub(crate) fn holds_sets_from(&self, block: u64) -> Result<bool, LedgerError> {
        let (from, to) = rows::records_from(block);
        for row in self.table.range(&from, &to) {
            if decode(row?)?.1.bytes().is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds all rows of a store that was filled by `add` only.
    pub(crate) fn add_all(&self, added: &Self) -> Result<(), LedgerError> {
        let mut rows = added.table.rows().peekable();
        while rows.peek().is_some() {
            let mut batch = Batch::default();
            for row in rows.by_ref().take(ROWS_AT_ONCE) {
                let (key, value) = row?;
                batch.put(key, value);
            }
            self.table.apply(batch)?;
        }
        Ok(())
    }

    /// Stores the records and new holders of a block and the keys that each of its transactions
    /// purges. Replaces rows of an earlier block of this number. The rows are on disk when this
    /// returns.
    pub(crate) fn put_block(
        &self,
        block: u64,
        PrivateBlock { records, new_holders, .. }: &PrivateBlock,
        purges: &[(u64, HashedKey)],
    ) -> Result<(), LedgerError> {
        let mut batch = Batch::default();
        let replaced = self.remove_block(&mut batch, block)?;
        if !replaced && records.is_empty() && new_holders.is_empty() && purges.is_empty() {
            return Ok(());
        }
        for new in new_holders {
            batch.put(rows::holder(block, new), Vec::new());
        }
        for record in records {
            put(&mut batch, block, record);
        }
        for (tx, HashedKey { namespace, collection, key_hash }) in purges {
            let at = Height::new(block, *tx);
            batch.put(rows::purge(at, namespace, collection, key_hash), Vec::new());
        }
        self.table.apply(batch)?;
        self.table.flush()
    }

    /// Adds records of a stored block.
    pub(crate) fn add(&self, block: u64, records: &[PrivateRecord]) -> Result<(), LedgerError> {
        let mut batch = Batch::default();
        for record in records {
            put(&mut batch, block, record);
        }
        self.table.apply(batch)
    }

    /// Removes the rows of a block that was not stored. Returns true if there were any.
    fn remove_block(&self, batch: &mut Batch, block: u64) -> Result<bool, LedgerError> {
        let mut found = false;
        for record in self.records(block)? {
            remove_keys(batch, block, &record);
            let PrivateRecord { tx, namespace, collection, .. } = &record;
            if let Some(at) = record.expires(block) {
                batch.delete(rows::expiry(at, block, *tx, namespace, collection));
            }
            batch.delete(rows::missing(block, *tx, namespace, collection));
            batch.delete(rows::record(block, *tx, namespace, collection));
            found = true;
        }
        for (from, to) in [rows::purges_of(block), rows::holders_of(block)] {
            for row in self.table.range(&from, &to) {
                batch.delete(row?.0);
                found = true;
            }
        }
        Ok(found)
    }

    /// Removes the rows of this block and later ones. Purges that were done stay done.
    pub(crate) fn remove_from(&self, block: u64) -> Result<(), LedgerError> {
        let (mut blocks, mut batch) = (BTreeSet::new(), Batch::default());
        let (from, to) = rows::records_from(block);
        for row in self.table.range(&from, &to) {
            let (place, record) = decode(row?)?;
            let RecordPlace { block, tx, namespace, collection } = &place;
            batch.delete(rows::late(record.since, *block, *tx, namespace, collection));
            blocks.insert(*block);
        }
        for (from, to) in [rows::purges_from(block), rows::holders_from(block)] {
            for row in self.table.range(&from, &to) {
                blocks.extend(rows::block_of(&row?.0));
            }
        }
        for block in blocks {
            self.remove_block(&mut batch, block)?;
        }
        self.table.apply(batch)?;
        self.table.flush()
    }

    /// Returns the data to apply with a stored block.
    pub(crate) fn block(&self, number: u64) -> Result<PrivateBlock, LedgerError> {
        let mut records = self.records(number)?;
        for record in records.iter_mut().filter(|record| record.since > number) {
            record.set = PrivateSet::Missing;
        }
        Ok(PrivateBlock { records, late: self.late(number)?, new_holders: self.holders(number)? })
    }

    /// Returns the organizations that a block makes holders.
    fn holders(&self, block: u64) -> Result<Vec<NewHolder>, LedgerError> {
        let (from, to) = rows::holders_of(block);
        self.table.range(&from, &to).map(|row| rows::new_holder(&row?.0)).collect()
    }

    /// Returns the late sets that are applied with a block.
    pub(crate) fn late(&self, block: u64) -> Result<Vec<(u64, PrivateRecord)>, LedgerError> {
        let (from, to) = rows::late_with(block);
        let mut late = Vec::new();
        for row in self.table.range(&from, &to) {
            let place = rows::dated_place(&row?.0)?;
            late.extend(self.record(&place)?.map(|record| (place.block, record)));
        }
        Ok(late)
    }

    /// Returns all records of a block, in the order of its transactions.
    pub(crate) fn records(&self, block: u64) -> Result<Vec<PrivateRecord>, LedgerError> {
        let (from, to) = rows::records_of(block);
        let records = self.table.range(&from, &to).map(|row| decode(row?));
        records.map(|record| Ok(record?.1)).collect()
    }

    /// Returns the records of one transaction.
    pub(crate) fn tx_records(&self, height: Height) -> Result<Vec<PrivateRecord>, LedgerError> {
        let (from, to) = rows::records_of_tx(height.block, height.tx);
        let records = self.table.range(&from, &to).map(|row| decode(row?));
        records.map(|record| Ok(record?.1)).collect()
    }

    /// Returns one record.
    pub(crate) fn record(&self, place: &RecordPlace) -> Result<Option<PrivateRecord>, LedgerError> {
        let RecordPlace { block, tx, namespace, collection } = place;
        let row = rows::record(*block, *tx, namespace, collection);
        self.table.get(&row, |bytes| PrivateRecord::decode(place.clone(), bytes))
    }
}

/// True if a state has private values. False if it cannot be read: then nothing can be lost.
pub(crate) fn holds_private_values(state: &Table) -> bool {
    state.range(&[key::PRIVATE], &[key::PRIVATE + 1]).next().is_some_and(|row| row.is_ok())
}

/// Adds a record and the rows that refer to it.
pub(crate) fn put(batch: &mut Batch, block: u64, record: &PrivateRecord) {
    let PrivateRecord { tx, namespace, collection, .. } = record;
    batch.put(rows::record(block, *tx, namespace, collection), record.encode());
    put_keys(batch, block, record);
    if let Some(at) = record.expires(block) {
        batch.put(rows::expiry(at, block, *tx, namespace, collection), Vec::new());
    }
    if record.is_missing() {
        batch.put(rows::missing(block, *tx, namespace, collection), Vec::new());
    }
}

/// Adds the rows that find a record by its keys.
pub(crate) fn put_keys(batch: &mut Batch, block: u64, record: &PrivateRecord) {
    for key in key_hashes(record) {
        let height = Height::new(block, record.tx);
        let row = rows::key_at(&record.namespace, &record.collection, &key, height);
        batch.put(row, Vec::new());
    }
}

/// Removes the rows that find a record by its keys.
pub(crate) fn remove_keys(batch: &mut Batch, block: u64, record: &PrivateRecord) {
    for key in key_hashes(record) {
        let height = Height::new(block, record.tx);
        batch.delete(rows::key_at(&record.namespace, &record.collection, &key, height));
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

pub(crate) fn decode(
    (row, value): crate::store::TableRow,
) -> Result<(RecordPlace, PrivateRecord), LedgerError> {
    let place = rows::record_place(&row)?;
    let record = PrivateRecord::decode(place.clone(), &value)?;
    Ok((place, record))
}
