//! Runs a transaction on one height of the state and records its reads and writes. Fabric:
//! `txmgr/tx_simulator.go`, `txmgr/query_executor.go`.
//!
//! A simulation does not see its own writes. Chaincodes that call each other on one channel share a
//! simulator, so the namespace is always an argument.
//!
//! Invariant: nothing is written to the ledger here; `finish` returns the sets.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::block::couchdb;
use crate::block::rwset::{NsRwSet, TxRwSet};
use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::simulate::cost;
use crate::simulate::history::HistoryIterator;
use crate::simulate::open_query::OpenQuery;
use crate::simulate::range_scan::RangeScan;
use crate::simulate::rows::{KeyValue, Page, RangeId};
use crate::simulate::rwset_builder::{OwnRead, RwSetBuilder};
use crate::simulate::snapshot::Snapshot;
use crate::store::state::{Metadata, VersionedValue};
use wasmcc_types::Meter;
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;

/// A simulation. `finish` returns its results once; dropping it discards them.
pub struct Simulator {
    pub(crate) snapshot: Snapshot,
    pub(crate) tx_id: String,
    pub(crate) builder: RwSetBuilder,
    pub(crate) scans: Vec<OpenQuery>,
    pub(crate) wrote: bool,
    paginated: bool,
    pub(crate) queried_private: bool,
    pub(crate) private_reads: BTreeSet<(String, String)>,
    /// Namespaces and public keys that were read one by one and have metadata.
    described: BTreeSet<(String, String)>,
    /// The meter that is charged; None: unlimited work.
    pub(crate) meter: Option<Arc<Meter>>,
    /// The organization whose private data are read; None: no private data.
    pub(crate) org: Option<String>,
}

/// The reads and writes of a simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationResults {
    /// The public part, which becomes part of the transaction.
    pub public: TxRwSet,
    /// Plain private data, for the members of its collections only.
    pub private: Option<TxPvtReadWriteSet>,
    /// Namespaces and collections from which plain values were read. Reads of hashes and ranges are
    /// not included.
    pub private_reads: BTreeSet<(String, String)>,
    /// The public keys that were read after they were written, which is most likely a bug of the
    /// chaincode.
    pub own_reads: Vec<OwnRead>,
    /// Namespaces and public keys that were read one by one and have metadata.
    described: BTreeSet<(String, String)>,
}

impl SimulationResults {
    /// True if the simulation read a public key and saw that it has no metadata. Reads within
    /// ranges do not count.
    pub fn has_seen_plain(&self, namespace: &str, key: &str) -> bool {
        let set = self.public.namespaces.get(namespace);
        // The reads are sorted by key.
        let find = |set: &NsRwSet| set.reads.binary_search_by(|read| read.key.as_str().cmp(key));
        let is_read = set.is_some_and(|set| find(set).is_ok());
        let is_plain = self.described.is_empty()
            || !self.described.contains(&(namespace.to_owned(), key.to_owned()));
        is_read && is_plain
    }
}

impl Ledger {
    /// Starts a simulation on the current state. `tx_id` only appears in error texts. The
    /// simulation does not see plain private data.
    pub fn simulator(self: &Arc<Self>, tx_id: &str) -> Simulator {
        Simulator::new(self.snapshot(), tx_id)
    }

    /// Starts a simulation that reads private data as a peer of `org` (MSP id) holds them.
    pub fn simulator_for(self: &Arc<Self>, tx_id: &str, org: &str) -> Simulator {
        Simulator::new(self.snapshot(), tx_id).reading_as(org)
    }
}

impl Snapshot {
    /// Starts a simulation on the height of this snapshot. It reads private data as a peer of `org`
    /// (MSP id) holds them. `tx_id` only appears in error texts.
    pub fn simulator(&self, tx_id: &str, org: &str) -> Simulator {
        Simulator::new(self.clone(), tx_id).reading_as(org)
    }
}

impl Simulator {
    pub(crate) fn new(snapshot: Snapshot, tx_id: &str) -> Self {
        Self {
            snapshot,
            tx_id: tx_id.to_owned(),
            builder: RwSetBuilder::default(),
            scans: Vec::new(),
            wrote: false,
            paginated: false,
            queried_private: false,
            private_reads: BTreeSet::new(),
            described: BTreeSet::new(),
            meter: None,
            org: None,
        }
    }

    /// Reads private data as a peer of `org` (MSP id) holds them.
    pub(crate) fn reading_as(self, org: &str) -> Self {
        Self { org: Some(org.to_owned()), ..self }
    }

    /// Charges the work to this meter.
    pub fn metered(self, meter: Arc<Meter>) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// Charges work.
    pub(crate) fn charge(&self, units: u64) -> Result<(), LedgerError> {
        match &self.meter {
            Some(meter) => Ok(meter.charge(units)?),
            None => Ok(()),
        }
    }

    /// Charges for a finished read.
    pub(crate) fn charge_read(
        &self,
        key: &str,
        value: Option<&VersionedValue>,
    ) -> Result<(), LedgerError> {
        self.charge(cost::read(key.len() + value.map_or(0, |value| value.value.len())))
    }

    /// The snapshot of this simulation, for reads that are not recorded.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns the value of a key; None if it does not exist.
    pub fn get_state(&mut self, ns: &str, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.read(ns, key)?.map(|value| value.value))
    }

    /// Returns the values of several keys, in their order.
    pub fn get_multiple(
        &mut self,
        ns: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>, LedgerError> {
        keys.iter().map(|key| self.get_state(ns, key)).collect()
    }

    /// Returns the metadata of a key; empty if it has none. Counts as a read of the key.
    pub fn get_state_metadata(&mut self, ns: &str, key: &str) -> Result<Metadata, LedgerError> {
        self.read(ns, key)?.map_or_else(|| Ok(Metadata::new()), |value| value.metadata())
    }

    /// Puts a key; an empty value deletes it. The last write of a key is used.
    pub fn put_state(&mut self, ns: &str, key: &str, value: Vec<u8>) -> Result<(), LedgerError> {
        self.before_write(key, value.len(), |snapshot| snapshot.get(ns, key))?;
        self.charge(cost::write(key.len() + value.len()))?;
        self.check_value(&value)?;
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
        let bytes = self.metadata_bytes(&metadata)?;
        self.before_write(key, bytes, |snapshot| snapshot.get(ns, key))?;
        self.charge(cost::write(key.len() + bytes))?;
        self.check_room(key.len() + bytes)?;
        self.builder.add_metadata_write(ns, key, metadata);
        Ok(())
    }

    /// Opens a query of the keys from `start` (included) to `end` (excluded); empty means open.
    /// `next_row` returns the rows. Every row read is recorded, even if the chaincode never gets
    /// it.
    pub fn range(&mut self, ns: &str, start: &str, end: &str) -> Result<RangeId, LedgerError> {
        self.check_ranges()?;
        self.charge(cost::query(start.len() + end.len()))?;
        let left = self.limits().total_query_limit;
        self.check_room(start.len() + end.len())?;
        self.builder.note_range(ns, start, end);
        let rows = self.snapshot.range(ns, start, end);
        self.builder.count(start.len() + end.len());
        let scan = RangeScan::recorded(rows, left, ns, start, end);
        Ok(self.add_scan(OpenQuery::Range(Box::new(scan))))
    }

    /// Returns the next row of a query; None at the end of the range, and after `total_query_limit`
    /// rows.
    ///
    /// Errors: `UnknownRange` if the query was closed.
    pub fn next_row(&mut self, id: RangeId) -> Result<Option<KeyValue>, LedgerError> {
        self.check_room(0)?;
        let scan = match self.scans.get_mut(id.0) {
            Some(OpenQuery::Range(scan)) => scan,
            Some(OpenQuery::Rich(_)) => return self.next_rich_row(id),
            _ => return Err(LedgerError::UnknownRange),
        };
        let (row, kept) = scan.next_row()?;
        self.builder.count(kept);
        self.keep(kept)?;
        let bytes = row.as_ref().map_or(0, |row| row.key.len() + row.value.len());
        self.charge(cost::row(bytes))?;
        Ok(row)
    }

    /// Closes a query. The rows read stay recorded. Closing twice does nothing.
    pub fn close_range(&mut self, id: RangeId) {
        match self.scans.get_mut(id.0) {
            Some(OpenQuery::Range(scan)) => scan.close(),
            Some(scan) => *scan = OpenQuery::Closed,
            None => {}
        }
    }

    /// Returns one page of a range. It begins at the bookmark, or else at `start`, and has at most
    /// `page_size` rows; `total_query_limit` if that is less or `page_size` is 0. A transaction
    /// that reads pages cannot write.
    ///
    /// Errors: `PageTooLarge` if the page has more than `max_bytes` of keys and values.
    ///
    /// Fabric: `GetStateRangeScanIteratorWithPagination`, `query_response_generator.go`.
    pub fn range_page(
        &mut self,
        ns: &str,
        start: &str,
        end: &str,
        page_size: usize,
        bookmark: &str,
        max_bytes: usize,
    ) -> Result<Page, LedgerError> {
        self.begin_pages()?;
        let start = if bookmark.is_empty() { start } else { bookmark };
        let limit = self.limits().total_query_limit;
        let size = if page_size == 0 { limit } else { page_size.min(limit) };
        let id = self.range(ns, start, end)?;
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        while rows.len() < size
            && let Some(row) = self.next_row(id)?
        {
            bytes = bytes.saturating_add(row.key.len() + row.value.len());
            if bytes > max_bytes {
                self.close_range(id);
                return Err(LedgerError::PageTooLarge { limit: max_bytes });
            }
            rows.push(row);
        }
        let bookmark = match self.scans.get_mut(id.0) {
            Some(OpenQuery::Range(scan)) => scan.peek_key()?.unwrap_or_default(),
            _ => String::new(),
        };
        self.close_range(id);
        Ok(Page { rows, bookmark })
    }

    /// Returns the writes of a key up to the height of this simulation, newest first, at most
    /// `total_query_limit`. Not recorded: validation does not check histories.
    pub fn history(&self, ns: &str, key: &str) -> Result<HistoryIterator, LedgerError> {
        self.charge(cost::query(key.len()))?;
        let history = HistoryIterator::new(&self.snapshot, ns, key)?;
        Ok(history.of_transaction(self.meter.clone(), self.limits().total_query_limit))
    }

    /// Returns the reads and writes.
    pub fn finish(self) -> SimulationResults {
        let mut builder = self.builder;
        for scan in self.scans {
            let OpenQuery::Range(scan) = scan else { continue };
            let Some((namespace, info)) = scan.finish() else { continue };
            builder.add_range(&namespace, info);
        }
        let own_reads = builder.take_own_reads();
        let (public, private) = builder.build();
        let (private_reads, described) = (self.private_reads, self.described);
        SimulationResults { public, private, private_reads, own_reads, described }
    }

    pub(crate) fn limits(&self) -> &LedgerConfig {
        &self.snapshot.ledger().config
    }

    /// Adds a query; `check_ranges` was called before.
    pub(crate) fn add_scan(&mut self, scan: OpenQuery) -> RangeId {
        self.scans.push(scan);
        RangeId(self.scans.len() - 1)
    }

    pub(crate) fn scan_mut(&mut self, id: RangeId) -> Option<&mut OpenQuery> {
        self.scans.get_mut(id.0)
    }

    /// Checks that another query may be opened.
    pub(crate) fn check_ranges(&self) -> Result<(), LedgerError> {
        let limit = self.limits().max_ranges;
        if self.scans.len() >= limit {
            return Err(LedgerError::TooManyRanges { limit });
        }
        Ok(())
    }

    /// Forbids writes from here on. Fabric: `checkBeforePaginatedQueries`.
    pub(crate) fn begin_pages(&mut self) -> Result<(), LedgerError> {
        if self.wrote {
            let tx_id = self.tx_id.clone();
            return Err(LedgerError::PaginatedQueryAfterWrite { tx_id });
        }
        self.paginated = true;
        Ok(())
    }

    /// Records a read of a single key; None if it does not exist.
    pub(crate) fn add_read(&mut self, ns: &str, key: &str, found: Option<&VersionedValue>) {
        if found.is_some_and(|found| !found.metadata_bytes.is_empty()) {
            self.described.insert((ns.to_owned(), key.to_owned()));
        }
        self.builder.add_read(ns, key, found.map(|found| found.version));
    }

    fn read(&mut self, ns: &str, key: &str) -> Result<Option<VersionedValue>, LedgerError> {
        self.check_room(key.len())?;
        self.check_key(key)?;
        let value = self.snapshot.get(ns, key)?;
        self.charge_read(key, value.as_ref())?;
        self.add_read(ns, key, value.as_ref());
        Ok(value)
    }

    /// Checks the size of a write; 0 for a delete. `old` reads the key: a key of an earlier version
    /// may exceed the limit, and can still be deleted. Fabric: `checkWritePrecondition`.
    pub(crate) fn before_write(
        &mut self,
        key: &str,
        value_bytes: usize,
        old: impl FnOnce(&Snapshot) -> Result<Option<VersionedValue>, LedgerError>,
    ) -> Result<(), LedgerError> {
        if self.queried_private {
            return Err(LedgerError::WriteAfterPrivateQuery { tx_id: self.tx_id.clone() });
        }
        if self.paginated {
            return Err(LedgerError::WriteAfterPaginatedQuery { tx_id: self.tx_id.clone() });
        }
        self.wrote = true;
        let limits = self.limits();
        if key.len() > limits.max_key_bytes {
            let old = if value_bytes == 0 { old(&self.snapshot)? } else { None };
            self.charge_read(key, old.as_ref())?;
            if old.is_none() {
                let limit = limits.max_key_bytes;
                return Err(LedgerError::KeyTooLong { bytes: key.len(), limit });
            }
        }
        if value_bytes > limits.max_value_bytes {
            let limit = limits.max_value_bytes;
            return Err(LedgerError::ValueTooLong { bytes: value_bytes, limit });
        }
        self.check_key(key)
    }

    /// Checks that the state database accepts a key; called before every read and write of it.
    /// Fabric: `ValidateKeyValue` before a write, `readFromDB` before a read.
    ///
    /// Errors: `NoDocument`.
    pub(super) fn check_key(&self, key: &str) -> Result<(), LedgerError> {
        if self.limits().rich_queries {
            couchdb::check_key(key)?;
        }
        Ok(())
    }

    /// Checks a value. Fabric: `ValidateKeyValue`, after the key.
    pub(crate) fn check_value(&self, value: &[u8]) -> Result<(), LedgerError> {
        if self.limits().rich_queries {
            couchdb::check_value(value)?;
        }
        Ok(())
    }
}
