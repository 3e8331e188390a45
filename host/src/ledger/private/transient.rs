//! The transient store: private sets of simulations whose transactions are not in a block yet.
//! Fabric: `core/transientstore`.
//!
//! Several sets may wait for one transaction, if endorsers did not agree; the hash in the block
//! says which of them counts.
//!
//! Invariant: what is kept is on disk; it goes when its transaction is in a block, or after so many
//! blocks.

use std::sync::Mutex;
use std::sync::PoisonError;

use prost::Message;

use crate::ledger::error::LedgerError;
use crate::ledger::private::rows;
use crate::ledger::store::Batch;
use crate::ledger::store::Table;
use crate::proto::rwset::TxPvtReadWriteSet;
use crate::types::sha256;

/// The waiting sets of one channel.
pub(crate) struct TransientStore {
    table: Table,
    /// The sets that wait, in bytes. The lock keeps changes of the store apart.
    bytes: Mutex<u64>,
}

impl TransientStore {
    pub(crate) fn new(table: Table) -> Self {
        Self { table, bytes: Mutex::new(0) }
    }

    /// Counts what is there, and removes the sets of transactions that are `committed`.
    pub(crate) fn load(
        &self,
        committed: impl Fn(&str) -> Result<bool, LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::default();
        *bytes = 0;
        let (from, to) = rows::ages();
        for row in self.table.range(&from, &to) {
            let (row, length) = row?;
            let (tx_id, hash) = rows::age_parts(&row)?;
            if committed(&tx_id)? {
                batch.delete(rows::waiting(&tx_id, &hash));
                batch.delete(row);
            } else {
                *bytes = bytes.saturating_add(number(&length)?);
            }
        }
        self.table.apply(batch)
    }

    /// Keeps a set that came at a height. Nothing happens if it is there already.
    pub(crate) fn keep(
        &self,
        tx_id: &str,
        set: &TxPvtReadWriteSet,
        height: u64,
        limit: u64,
    ) -> Result<(), LedgerError> {
        let set = set.encode_to_vec();
        let hash = sha256(&set);
        {
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.table.contains(&rows::waiting(tx_id, &hash))? {
                let length = set.len() as u64;
                let sum = bytes.saturating_add(length);
                if sum > limit {
                    return Err(LedgerError::TransientStoreFull { limit });
                }
                let mut batch = Batch::default();
                batch.put(rows::age(height, tx_id, &hash), length.to_be_bytes().to_vec());
                let value = [&height.to_be_bytes()[..], &set].concat();
                batch.put(rows::waiting(tx_id, &hash), value);
                self.table.apply(batch)?;
                *bytes = sum;
            }
        }
        // Without the lock: one flush may do for many.
        self.table.flush()
    }

    /// All sets that wait for a transaction.
    pub(crate) fn sets(&self, tx_id: &str) -> Result<Vec<TxPvtReadWriteSet>, LedgerError> {
        let (from, to) = rows::waiting_for(tx_id);
        let sets = self.table.range(&from, &to).map(|row| {
            let (_, value) = row?;
            let set = value.get(8..).and_then(|set| TxPvtReadWriteSet::decode(set).ok());
            set.ok_or(LedgerError::CorruptPrivateData { what: "a waiting set does not parse" })
        });
        sets.collect()
    }

    /// Removes the sets of transactions that are in a block.
    pub(crate) fn forget<'a>(
        &self,
        tx_ids: impl Iterator<Item = &'a str>,
    ) -> Result<(), LedgerError> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if *bytes == 0 {
            return Ok(());
        }
        let mut batch = Batch::default();
        let mut gone = 0;
        for tx_id in tx_ids {
            let (from, to) = rows::waiting_for(tx_id);
            for row in self.table.range(&from, &to) {
                let (row, value) = row?;
                let (height, set) = value
                    .split_first_chunk()
                    .ok_or(LedgerError::CorruptPrivateData { what: "a waiting set has no age" })?;
                let hash = row.get(from.len()..).unwrap_or_default();
                batch.delete(rows::age(u64::from_be_bytes(*height), tx_id, hash));
                gone += set.len() as u64;
                batch.delete(row);
            }
        }
        self.table.apply(batch)?;
        *bytes = bytes.saturating_sub(gone);
        Ok(())
    }

    /// Removes the sets that came below a height.
    pub(crate) fn forget_below(&self, height: u64) -> Result<(), LedgerError> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if *bytes == 0 || height == 0 {
            return Ok(());
        }
        let mut batch = Batch::default();
        let mut gone = 0;
        let (from, to) = rows::ages_below(height);
        for row in self.table.range(&from, &to) {
            let (row, length) = row?;
            let (tx_id, hash) = rows::age_parts(&row)?;
            gone += number(&length)?;
            batch.delete(rows::waiting(&tx_id, &hash));
            batch.delete(row);
        }
        self.table.apply(batch)?;
        *bytes = bytes.saturating_sub(gone);
        Ok(())
    }

    /// The sets that wait, in bytes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(bytes: &[u8]) -> Result<u64, LedgerError> {
    let digits = bytes.try_into();
    digits
        .map(u64::from_be_bytes)
        .map_err(|_| LedgerError::CorruptPrivateData { what: "a waiting set has no length" })
}
