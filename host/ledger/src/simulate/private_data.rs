//! Private data in a simulation. Fabric: `txmgr/tx_simulator.go`, `txmgr/query_executor.go`.
//!
//! Does not check which collections exist and who may use them: callers do.
//!
//! Invariant: plain values come from one organization's private state, or from none. A read records
//! the version of the public hash.

use crate::error::LedgerError;
use crate::rich::Space;
use crate::simulate::cost;
use crate::simulate::open_query::OpenQuery;
use crate::simulate::range_scan::RangeScan;
use crate::simulate::rows::RangeId;
use crate::simulate::rwset_builder::{PrivateWrite, metadata_bytes};
use crate::simulate::simulator::Simulator;
use crate::simulate::snapshot::Snapshot;
use crate::store::state::{Metadata, VersionedValue};

impl Simulator {
    /// Returns the hash of a private value; None if the key does not exist. Every member of the
    /// channel may read it.
    pub fn get_private_data_hash(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.read_hash(ns, collection, key)?.map(|value| value.value))
    }

    /// Returns the metadata of a private key; empty if it has none. Counts as a read of its hash.
    pub fn get_private_data_metadata(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<Metadata, LedgerError> {
        let value = self.read_hash(ns, collection, key)?;
        value.map_or_else(|| Ok(Metadata::new()), |value| value.metadata())
    }

    /// Returns a plain private value; None if the key does not exist. Fabric:
    /// `queryExecutor.GetPrivateData`.
    ///
    /// Errors: `PrivateDataNotAvailable` if the organization's value does not match the public
    /// hash: the organization is not a member, the data did not arrive, or no organization was set
    /// on this simulator.
    pub fn get_private_data(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        self.check_room(key.len())?;
        self.check_key(key)?;
        let value = match &self.org {
            Some(org) => self.snapshot.get_private(org, ns, collection, key)?,
            None => None,
        };
        self.charge_read(key, value.as_ref())?;
        let hash = self.snapshot.get_private_hash(ns, collection, key)?;
        let hash = hash.map(|hash| hash.version);
        let private = value.as_ref().map(|value| value.version);
        if hash != private {
            return Err(LedgerError::PrivateDataNotAvailable { hash, private });
        }
        self.builder.add_hashed_read(ns, collection, key, hash);
        self.private_reads.insert((ns.to_owned(), collection.to_owned()));
        Ok(value.map(|value| value.value))
    }

    /// Opens a query of the private keys that the organization holds, from `start` (included) to
    /// `end` (excluded); empty means open. `next_row` returns the rows. They are not recorded, so
    /// the transaction cannot write.
    ///
    /// Errors: `PrivateQueryAfterWrite`, `TooManyRanges`.
    pub fn private_range(
        &mut self,
        ns: &str,
        collection: &str,
        start: &str,
        end: &str,
    ) -> Result<RangeId, LedgerError> {
        self.begin_private_query()?;
        self.check_ranges()?;
        self.charge(cost::query(start.len() + end.len()))?;
        let left = self.limits().total_query_limit;
        let rows = self
            .org
            .as_ref()
            .map(|org| self.snapshot.private_range(org, ns, collection, start, end));
        Ok(self.add_scan(OpenQuery::Range(Box::new(RangeScan::unrecorded(rows, left)))))
    }

    /// Opens a rich query over the private keys that the organization holds. `next_row` returns the
    /// rows. They are not recorded, so the transaction cannot write.
    ///
    /// Errors: `PrivateQueryAfterWrite`, and those of `rich_query`.
    pub fn private_rich_query(
        &mut self,
        ns: &str,
        collection: &str,
        query: &str,
    ) -> Result<RangeId, LedgerError> {
        self.begin_private_query()?;
        // Without an organization the private state is empty: no organization has an empty MSP id.
        let org = self.org.as_deref().unwrap_or_default();
        self.rich_query_of(Space::private(org, ns, collection), query)
    }

    /// Puts a private key; an empty value deletes it.
    pub fn put_private_data(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
        value: Vec<u8>,
    ) -> Result<(), LedgerError> {
        self.before_private_write(ns, collection, key, value.len())?;
        self.charge(cost::write(key.len() + value.len()))?;
        self.check_value(&value)?;
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

    /// Deletes a private key and requests all peers to remove its earlier values.
    pub fn purge_private_data(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<(), LedgerError> {
        self.before_private_write(ns, collection, key, 0)?;
        self.charge(cost::write(key.len()))?;
        self.check_room(key.len())?;
        self.builder.add_private_write(ns, collection, key, PrivateWrite::Purge);
        Ok(())
    }

    /// Replaces the metadata of a private key; empty metadata deletes it.
    pub fn put_private_data_metadata(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
        metadata: Metadata,
    ) -> Result<(), LedgerError> {
        let bytes = self.metadata_bytes(&metadata)?;
        self.before_private_write(ns, collection, key, bytes)?;
        self.charge(cost::write(key.len() + bytes))?;
        self.check_room(key.len() + bytes)?;
        self.builder.add_private_metadata_write(ns, collection, key, metadata);
        Ok(())
    }

    /// As `before_write`. All peers have the hash, so they agree whether the key exists.
    fn before_private_write(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
        value_bytes: usize,
    ) -> Result<(), LedgerError> {
        let old = |snapshot: &Snapshot| snapshot.get_private_hash(ns, collection, key);
        self.before_write(key, value_bytes, old)
    }

    /// Returns the size of a key's new metadata; checks its limit.
    pub(crate) fn metadata_bytes(&self, metadata: &Metadata) -> Result<usize, LedgerError> {
        let (bytes, limit) = (metadata_bytes(metadata), self.limits().max_metadata_bytes);
        match bytes > limit {
            true => Err(LedgerError::MetadataTooLong { bytes, limit }),
            false => Ok(bytes),
        }
    }

    /// Forbids writes from here on. Fabric: `txSimulator.checkBeforePvtdataQueries`.
    fn begin_private_query(&mut self) -> Result<(), LedgerError> {
        if self.wrote {
            return Err(LedgerError::PrivateQueryAfterWrite { tx_id: self.tx_id.clone() });
        }
        self.queried_private = true;
        Ok(())
    }

    fn read_hash(
        &mut self,
        ns: &str,
        collection: &str,
        key: &str,
    ) -> Result<Option<VersionedValue>, LedgerError> {
        self.check_room(key.len())?;
        let value = self.snapshot.get_private_hash(ns, collection, key)?;
        self.charge_read(key, value.as_ref())?;
        let version = value.as_ref().map(|value| value.version);
        self.builder.add_hashed_read(ns, collection, key, version);
        Ok(value)
    }
}
