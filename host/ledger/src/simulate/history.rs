//! The writes of a public key. Fabric: `kvledger/history/query_executer.go`.
//!
//! The index only has the transactions that wrote the key. Value, transaction id and the client's
//! timestamp come from the stored transaction. The heights of the newest writes are stored with the
//! value in the state. If there are many, or the key is deleted, they move to a row of their own. A
//! row for each write would be simpler, but new rows are the most expensive part of a commit.
//!
//! Invariant: contains writes and deletes of valid chaincode transactions only, neither private
//! data nor changes of metadata alone.

use std::sync::Arc;

use crate::block::envelope::TxEnvelope;
use crate::block::key_ops::{Effect, key_ops};
use crate::block::rwset::{NsRwSet, is_delete};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::simulate::cost;
use crate::simulate::snapshot::Snapshot;
use crate::store::{TableRows, key};
use wasmcc_types::proto::common::ChannelHeader;
use wasmcc_types::{Height, Meter, Timestamp};

/// One write of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyModification {
    /// The transaction that wrote the key.
    pub tx_id: String,
    /// The written value; empty for a delete.
    pub value: Vec<u8>,
    /// The client's timestamp, from the channel header.
    pub timestamp: Option<Timestamp>,
    /// True for a delete.
    pub is_delete: bool,
}

/// The writes of one key, newest first.
pub struct HistoryIterator {
    ledger: Arc<Ledger>,
    namespace: String,
    key: String,
    /// Heights read from the index and not returned yet, oldest first.
    ready: Vec<Height>,
    rows: TableRows,
    /// Only writes older than this are returned.
    before: Height,
    /// The transaction's meter, which is charged for each write.
    meter: Option<Arc<Meter>>,
    /// The number of writes that may still be returned.
    left: usize,
}

impl Ledger {
    /// Returns all writes of valid transactions to a public key, newest first.
    pub fn history(
        self: &Arc<Self>,
        namespace: &str,
        key: &str,
    ) -> Result<HistoryIterator, LedgerError> {
        HistoryIterator::new(&self.snapshot(), namespace, key)
    }
}

impl HistoryIterator {
    /// Opens the history at the height of a snapshot.
    pub(crate) fn new(
        snapshot: &Snapshot,
        namespace: &str,
        key: &str,
    ) -> Result<Self, LedgerError> {
        // The value is read before the rows. If a commit moves heights from the value to a row in
        // between, they appear in both, and `before` filters the repetition.
        let recent = match snapshot.get(namespace, key)? {
            Some(value) => heights(&value.recent_writes)?,
            None => Vec::new(),
        };
        let ledger = Arc::clone(snapshot.ledger());
        let (from, to) = key::history_range(namespace, key);
        let rows = ledger.table.range(&from, &to);
        Ok(Self {
            ledger,
            namespace: namespace.to_owned(),
            key: key.to_owned(),
            ready: recent,
            rows,
            before: Height::new(snapshot.height(), 0),
            meter: None,
            left: usize::MAX,
        })
    }

    /// Sets the meter of a transaction and the limit of its queries, at which the iterator ends
    /// (Fabric: `core/chaincode/handler.go`, `calculateTotalReturnLimit`).
    pub(crate) fn of_transaction(self, meter: Option<Arc<Meter>>, limit: usize) -> Self {
        Self { meter, left: limit, ..self }
    }

    fn next_height(&mut self) -> Result<Option<Height>, LedgerError> {
        loop {
            while let Some(height) = self.ready.pop() {
                if height < self.before {
                    self.before = height;
                    return Ok(Some(height));
                }
            }
            match self.rows.next_back().transpose()? {
                Some((_, bytes)) => self.ready = heights(&bytes)?,
                None => return Ok(None),
            }
        }
    }

    /// Returns the header of a transaction, and its reads and writes in the key's namespace.
    fn transaction(&self, height: Height) -> Result<(ChannelHeader, NsRwSet), LedgerError> {
        let envelope = self.ledger.envelope(height)?;
        if let Some(meter) = &self.meter {
            meter.charge(cost::history_row(envelope.len()))?;
        }
        let envelope = TxEnvelope::parse(&envelope)?;
        let mut rwset = envelope.rwset()?.unwrap_or_default();
        let ns = rwset.namespaces.remove(&self.namespace);
        Ok((envelope.into_channel_header(), ns.unwrap_or_default()))
    }

    fn read(&self, height: Height) -> Result<KeyModification, LedgerError> {
        let (header, ns) = self.transaction(height)?;
        // If a set names the key twice, Fabric returns the first write.
        let write = ns.writes.iter().find(|write| write.key == self.key);
        let write = write
            .ok_or_else(|| self.ledger.corrupt(height.block, "an indexed write is not in it"))?;
        Ok(KeyModification {
            tx_id: header.tx_id,
            value: write.value.clone(),
            timestamp: header.timestamp.map(Timestamp::from),
            is_delete: is_delete(write),
        })
    }
}

impl Snapshot {
    /// Returns the value that a public key had before a block; None if it did not exist then. The
    /// channel's configuration has no history.
    pub fn value_before(
        &self,
        namespace: &str,
        key: &str,
        block: u64,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        if let Some(now) = self.get(namespace, key)?.filter(|now| now.version.block < block) {
            return Ok(Some(now.value));
        }
        let mut history = HistoryIterator::new(self, namespace, key)?;
        history.before = history.before.min(Height::new(block, 0));
        while let Some(height) = history.next_height()? {
            let (_, ns) = history.transaction(height)?;
            match key_ops(&ns, key).effect() {
                Effect::Put(value, _) => return Ok(Some(value.to_vec())),
                Effect::Delete => return Ok(None),
                Effect::SetMetadata(_) | Effect::Keep => {}
            }
        }
        Ok(None)
    }
}

impl Snapshot {
    /// Returns the blocks in which valid transactions wrote a public key, newest first.
    pub fn blocks_that_wrote(&self, namespace: &str, key: &str) -> Result<Vec<u64>, LedgerError> {
        let mut history = HistoryIterator::new(self, namespace, key)?;
        let mut blocks = Vec::new();
        while let Some(height) = history.next_height()? {
            blocks.push(height.block);
        }
        blocks.dedup();
        Ok(blocks)
    }
}

impl Iterator for HistoryIterator {
    type Item = Result<KeyModification, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let height = self.next_height().transpose()?;
        Some(height.and_then(|height| self.read(height)))
    }
}

fn heights(bytes: &[u8]) -> Result<Vec<Height>, LedgerError> {
    key::heights(bytes).ok_or(LedgerError::CorruptState { what: "a history has no heights" })
}
