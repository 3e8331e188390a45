//! Runs a transaction on one height of the state and records what it reads and writes. Fabric:
//! `txmgr/tx_simulator.go`, `txmgr/query_executor.go`.
//!
//! A simulation does not see its own writes. Chaincodes that call each other on one channel share
//! one simulator, so the namespace is an argument everywhere.
//!
//! Invariant: nothing reaches the ledger from here; `finish` gives the sets and that is all.

use crate::ledger::config::LedgerConfig;
use crate::ledger::error::LedgerError;
use crate::ledger::history::HistoryIterator;
use crate::ledger::range_reads::MAX_DEGREE;
use crate::ledger::range_reads::RangeReads;
use crate::ledger::rwset::TxRwSet;
use crate::ledger::rwset_builder::PrivateWrite;
use crate::ledger::rwset_builder::RwSetBuilder;
use crate::ledger::rwset_builder::kv_read;
use crate::ledger::rwset_builder::metadata_bytes;
use crate::ledger::snapshot::Snapshot;
use crate::ledger::snapshot::StateRange;
use crate::ledger::state::Metadata;
use crate::ledger::state::VersionedValue;
use crate::proto::kvrwset::RangeQueryInfo;
use crate::proto::rwset::TxPvtReadWriteSet;

/// One simulation. Its results come out of `finish`, once; dropping it discards them.
pub struct Simulator {
    snapshot: Snapshot,
    tx_id: String,
    builder: RwSetBuilder,
    ranges: Vec<RangeScan>,
    wrote: bool,
    paginated: bool,
}

/// A range query of one simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RangeId(usize);

/// A row of a range query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key, without its namespace.
    pub key: String,
    /// The value, never empty.
    pub value: Vec<u8>,
}

/// A page of a range query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most as many as were asked for.
    pub rows: Vec<KeyValue>,
    /// The key with which the next page begins; empty if nothing is left.
    pub bookmark: String,
}

/// What a simulation read and wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationResults {
    /// Goes into the transaction. `TxRwSet::encode` gives the bytes.
    pub public: TxRwSet,
    /// Private data in the clear, for the members of its collections only.
    pub private: Option<TxPvtReadWriteSet>,
}

/// A range query with what it has recorded so far.
struct RangeScan {
    namespace: String,
    end: String,
    info: RangeQueryInfo,
    reads: RangeReads,
    /// None: closed, or at its end.
    rows: Option<StateRange>,
    closed: bool,
    left: usize,
    /// Rows whose keys were counted.
    kept: u32,
}

impl Simulator {
    pub(crate) fn new(snapshot: Snapshot, tx_id: &str) -> Self {
        Self {
            snapshot,
            tx_id: tx_id.to_owned(),
            builder: RwSetBuilder::default(),
            ranges: Vec::new(),
            wrote: false,
            paginated: false,
        }
    }

    /// The height that this simulation reads, and unrecorded reads of it.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The value of a key; None if it does not exist.
    pub fn get_state(&mut self, ns: &str, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.read(ns, key)?.map(|value| value.value))
    }

    /// The values of several keys, in the order of the keys.
    pub fn get_multiple(
        &mut self,
        ns: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>, LedgerError> {
        keys.iter().map(|key| self.get_state(ns, key)).collect()
    }

    /// The metadata of a key; empty if it has none. Counts as a read of the key.
    pub fn get_state_metadata(&mut self, ns: &str, key: &str) -> Result<Metadata, LedgerError> {
        self.read(ns, key)?.map_or_else(|| Ok(Metadata::new()), |value| value.metadata())
    }

    /// Puts a key; an empty value deletes it. The last write of a key counts.
    pub fn put_state(&mut self, ns: &str, key: &str, value: Vec<u8>) -> Result<(), LedgerError> {
        self.before_write(key, value.len())?;
        self.check_room(self.builder.growth(ns, key, value.len()))?;
        self.builder.add_write(ns, key, value);
        Ok(())
    }

    /// Deletes a key.
    pub fn delete_state(&mut self, ns: &str, key: &str) -> Result<(), LedgerError> {
        self.put_state(ns, key, Vec::new())
    }

    /// Replaces the metadata of a key, or deletes it if it is empty.
    pub fn put_state_metadata(
        &mut self,
        ns: &str,
        key: &str,
        metadata: Metadata,
    ) -> Result<(), LedgerError> {
        let bytes = metadata_bytes(&metadata);
        self.before_write(key, bytes)?;
        self.check_room(key.len() + bytes)?;
        self.builder.add_metadata_write(ns, key, metadata);
        Ok(())
    }

    /// Starts a query of the keys from `start` up to but without `end`; empty means open. Rows come
    /// from `next_row`. Every row read is recorded, whether the chaincode gets to see it or not.
    pub fn range(&mut self, ns: &str, start: &str, end: &str) -> Result<RangeId, LedgerError> {
        let limits = self.limits();
        if self.ranges.len() >= limits.max_ranges {
            return Err(LedgerError::TooManyRanges { limit: limits.max_ranges });
        }
        let left = limits.total_query_limit;
        self.check_room(start.len() + end.len())?;
        self.ranges.push(RangeScan {
            namespace: ns.to_owned(),
            end: end.to_owned(),
            info: RangeQueryInfo { start_key: start.to_owned(), ..Default::default() },
            reads: RangeReads::new(MAX_DEGREE),
            rows: Some(self.snapshot.range(ns, start, end)),
            closed: false,
            left,
            kept: 0,
        });
        self.builder.count(start.len() + end.len());
        Ok(RangeId(self.ranges.len() - 1))
    }

    /// The next row of a query; None at the end of the range, and after `total_query_limit` rows.
    ///
    /// Errors: `UnknownRange` if the query was closed.
    pub fn next_row(&mut self, id: RangeId) -> Result<Option<KeyValue>, LedgerError> {
        self.check_room(0)?;
        let scan = self.ranges.get_mut(id.0).filter(|scan| !scan.closed);
        let scan = scan.ok_or(LedgerError::UnknownRange)?;
        let row = scan.next_row()?;
        // Of more rows than this only a hash is kept.
        if let Some(row) = &row
            && scan.kept <= MAX_DEGREE
        {
            scan.kept += 1;
            self.builder.count(row.key.len());
        }
        Ok(row)
    }

    /// Ends a query. What it has read stays recorded. Closing twice does nothing.
    pub fn close_range(&mut self, id: RangeId) {
        if let Some(scan) = self.ranges.get_mut(id.0) {
            scan.closed = true;
            scan.rows = None;
        }
    }

    /// One page of a range. It begins at the bookmark, if there is one, else at `start`, and has at
    /// most `page_size` rows, or `total_query_limit` if that is less or `page_size` is 0. A
    /// transaction that reads pages may not write.
    ///
    /// Fabric: `GetStateRangeScanIteratorWithPagination`, `query_response_generator.go`.
    pub fn range_page(
        &mut self,
        ns: &str,
        start: &str,
        end: &str,
        page_size: usize,
        bookmark: &str,
    ) -> Result<Page, LedgerError> {
        if self.wrote {
            let tx_id = self.tx_id.clone();
            return Err(LedgerError::PaginatedQueryAfterWrite { tx_id });
        }
        self.paginated = true;
        let start = if bookmark.is_empty() { start } else { bookmark };
        let limit = self.limits().total_query_limit;
        let size = if page_size == 0 { limit } else { page_size.min(limit) };
        let id = self.range(ns, start, end)?;
        let mut rows = Vec::new();
        while rows.len() < size
            && let Some(row) = self.next_row(id)?
        {
            rows.push(row);
        }
        let rest = self.ranges.get_mut(id.0).and_then(|scan| scan.rows.as_mut());
        let next = rest.and_then(Iterator::next).transpose()?;
        self.close_range(id);
        Ok(Page { rows, bookmark: next.map(|(key, _)| key).unwrap_or_default() })
    }

    /// Everything that was written to a key up to the height of this simulation, newest first. Not
    /// recorded: history takes no part in validation.
    pub fn history(&self, ns: &str, key: &str) -> Result<HistoryIterator, LedgerError> {
        HistoryIterator::new(&self.snapshot, ns, key)
    }

    /// The hash of the value of a private key; None if it does not exist. Whoever is on the channel
    /// may ask.
    pub fn get_private_data_hash(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.read_hash(ns, collection, key)?.map(|value| value.value))
    }

    /// The metadata of a private key; empty if it has none. Counts as a read of its hash.
    pub fn get_private_data_metadata(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<Metadata, LedgerError> {
        let value = self.read_hash(ns, collection, key)?;
        value.map_or_else(|| Ok(Metadata::new()), |value| value.metadata())
    }

    /// Private data in the clear: not kept by this ledger yet.
    pub fn get_private_data(
        &mut self,
        _ns: &str,
        _collection: &str,
        _key: &str,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        Err(LedgerError::Unsupported("reading private data"))
    }

    /// Puts a private key; an empty value deletes it.
    pub fn put_private_data(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
        value: Vec<u8>,
    ) -> Result<(), LedgerError> {
        self.before_write(key, value.len())?;
        self.check_room(key.len() + value.len())?;
        self.builder.add_private_write(ns, collection, key, PrivateWrite::Put(value));
        Ok(())
    }

    /// Deletes a private key.
    pub fn delete_private_data(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<(), LedgerError> {
        self.put_private_data(ns, collection, key, Vec::new())
    }

    /// Deletes a private key and asks all peers to forget what it ever held.
    pub fn purge_private_data(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<(), LedgerError> {
        self.before_write(key, 0)?;
        self.check_room(key.len())?;
        self.builder.add_private_write(ns, collection, key, PrivateWrite::Purge);
        Ok(())
    }

    /// Replaces the metadata of a private key, or deletes it if it is empty.
    pub fn put_private_data_metadata(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
        metadata: Metadata,
    ) -> Result<(), LedgerError> {
        let bytes = metadata_bytes(&metadata);
        self.before_write(key, bytes)?;
        self.check_room(key.len() + bytes)?;
        self.builder.add_private_metadata_write(ns, collection, key, metadata);
        Ok(())
    }

    /// What was read and written.
    pub fn finish(self) -> SimulationResults {
        let mut builder = self.builder;
        for scan in self.ranges {
            let mut info = scan.info;
            info.reads_info = scan.reads.finish();
            builder.add_range(&scan.namespace, info);
        }
        let (public, private) = builder.build();
        SimulationResults { public, private }
    }

    fn limits(&self) -> &LedgerConfig {
        &self.snapshot.ledger().config
    }

    fn read(&mut self, ns: &str, key: &str) -> Result<Option<VersionedValue>, LedgerError> {
        self.check_room(key.len())?;
        let value = self.snapshot.get(ns, key)?;
        self.builder.add_read(ns, key, value.as_ref().map(|value| value.version));
        Ok(value)
    }

    fn read_hash(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<Option<VersionedValue>, LedgerError> {
        self.check_room(key.len())?;
        let value = self.snapshot.get_private_hash(ns, collection, key)?;
        let version = value.as_ref().map(|value| value.version);
        self.builder.add_hashed_read(ns, collection, key, version);
        Ok(value)
    }

    /// Fabric: `checkWritePrecondition`.
    fn before_write(&mut self, key: &str, value_bytes: usize) -> Result<(), LedgerError> {
        if self.paginated {
            return Err(LedgerError::WriteAfterPaginatedQuery { tx_id: self.tx_id.clone() });
        }
        self.wrote = true;
        let limits = self.limits();
        if key.len() > limits.max_key_bytes {
            return Err(LedgerError::KeyTooLong { bytes: key.len(), limit: limits.max_key_bytes });
        }
        if value_bytes > limits.max_value_bytes {
            let limit = limits.max_value_bytes;
            return Err(LedgerError::ValueTooLong { bytes: value_bytes, limit });
        }
        Ok(())
    }

    /// Whether this much more may be recorded.
    fn check_room(&self, bytes: usize) -> Result<(), LedgerError> {
        let limit = self.limits().max_rwset_bytes;
        match self.builder.bytes().checked_add(bytes) {
            Some(sum) if sum <= limit => Ok(()),
            _ => Err(LedgerError::TooMuchRecorded { limit }),
        }
    }
}

impl RangeScan {
    /// Until the end of the range was seen, the range that counts ends with the last row read.
    /// Fabric: `resultsItr.updateRangeQueryInfo`.
    fn next_row(&mut self) -> Result<Option<KeyValue>, LedgerError> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(rows) = self.rows.as_mut() else { return Ok(None) };
        let Some((key, value)) = rows.next().transpose()? else {
            self.info.itr_exhausted = true;
            self.info.end_key.clone_from(&self.end);
            self.rows = None;
            return Ok(None);
        };
        self.left -= 1;
        self.reads.add(kv_read(key.clone(), Some(value.version)));
        self.info.end_key.clone_from(&key);
        Ok(Some(KeyValue { key, value: value.value }))
    }
}
