//! The interface `private-data` of the mock ledger.
//!
//! Invariant: an empty name of a collection is refused everywhere.

use crate::Result;
use crate::testing::batches::StateCursor;
use crate::testing::peer::query::{composite_range, no_rich_queries, simple_range};
use crate::testing::peer::{POLICY, Peer, non_empty, readable};
use crate::testing::simulation::sha256;

impl Peer {
    pub(crate) fn get_private_data(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get(&self.collection(collection)?, key))
    }

    pub(crate) fn get_multiple_private_data(
        &self,
        collection: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let place = self.collection(collection)?;
        Ok(keys.iter().map(|key| self.get(&place, key)).collect())
    }

    pub(crate) fn get_private_data_hash(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        Ok(self.get_private_data(collection, key)?.map(|value| sha256(&[&value])))
    }

    pub(crate) fn put_private_data(&self, collection: &str, key: &str, value: &[u8]) -> Result<()> {
        let place = self.collection(collection)?;
        non_empty(key, "key must not be an empty string")?;
        self.write(place, key, value)
    }

    pub(crate) fn del_private_data(&self, collection: &str, key: &str) -> Result<()> {
        self.write(self.collection(collection)?, key, b"")
    }

    /// There is no past of private data here, so it is a deletion.
    pub(crate) fn purge_private_data(&self, collection: &str, key: &str) -> Result<()> {
        self.del_private_data(collection, key)
    }

    pub(crate) fn get_private_data_by_range(
        &self,
        collection: &str,
        start: &str,
        end: &str,
    ) -> Result<StateCursor> {
        let (place, range) = (self.collection(collection)?, simple_range(start, end)?);
        self.simulation.begin_private_query()?;
        Ok(self.range(&place, range))
    }

    pub(crate) fn get_private_data_by_partial_composite_key(
        &self,
        collection: &str,
        object_type: &str,
        attributes: &[String],
    ) -> Result<StateCursor> {
        let place = self.collection(collection)?;
        let range = composite_range(object_type, attributes)?;
        self.simulation.begin_private_query()?;
        Ok(self.range(&place, range))
    }

    pub(crate) fn get_private_data_query_result(
        &self,
        collection: &str,
        _query: &str,
    ) -> Result<StateCursor> {
        self.collection(collection)?;
        Err(no_rich_queries())
    }

    pub(crate) fn get_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        Ok(self.policy(&self.collection(collection)?, key))
    }

    pub(crate) fn set_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
        policy: &[u8],
    ) -> Result<()> {
        let place = self.collection(collection)?;
        readable(policy)?;
        self.write_metadata(place, key, POLICY, policy)
    }
}
