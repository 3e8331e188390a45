//! The interface `private-data` of the mock ledger.
//!
//! Invariant: an empty collection name is refused everywhere.

use crate::collection::IMPLICIT;
use crate::error::Refusal;
use crate::identity::ClientIdentity;
use crate::testing::batches::StateCursor;
use crate::testing::definition::Use;
use crate::testing::peer::query::{composite_range, simple_range};
use crate::testing::peer::{Peer, non_empty, readable};
use crate::testing::simulation::{POLICY, sha256};
use crate::testing::world::{Place, Version};
use crate::types::KeyValue;
use crate::{Error, Result};

const RANGE: &str = "GET_STATE_BY_RANGE";

impl Peer {
    /// Returns a collection if the transaction may use it like this.
    fn collection(&self, call: &str, name: &str, wanted: Use) -> Result<Place> {
        non_empty(name, "collection must not be an empty string")?;
        self.may_use(call, name, wanted)?;
        Ok(Place::private(&self.chaincode, name))
    }

    fn may_use(&self, call: &str, name: &str, wanted: Use) -> Result<()> {
        // A chaincode that `init` calls runs as in any other transaction.
        if self.simulation.is_init && self.simulation.running.borrow().len() == 1 {
            let cause = "private data APIs are not allowed in chaincode Init()";
            return Err(self.refused(call, Refusal::NotPermitted, cause));
        }
        let definition = self.simulation.definitions.get(&self.chaincode);
        let Some(collections) = definition.and_then(|found| found.collections.as_ref()) else {
            return Ok(());
        };
        let chaincode = &self.chaincode;
        let Some(collection) = collections.get(name) else {
            if name.starts_with(IMPLICIT) {
                return Ok(());
            }
            let channel = &self.simulation.proposal.channel;
            let cause = match wanted {
                Use::Hash => format!(
                    "collection [{name}] not defined in the collection config for chaincode \
                     [{chaincode}]"
                ),
                _ => format!("collection {channel}/{chaincode}/{name} could not be found"),
            };
            return Err(self.refused(call, Refusal::InvalidArgument, &cause));
        };
        let client = ClientIdentity::parse(&self.simulation.proposal.creator)?;
        if collection.permits(wanted, &client) {
            return Ok(());
        }
        let denied = if wanted == Use::Read { "read" } else { "write" };
        let cause = format!(
            "tx creator does not have {denied} access permission on privatedata in \
             chaincodeName:{chaincode} collectionName: {name}"
        );
        Err::<(), Error>(self.refused(call, Refusal::NotPermitted, &cause))
    }

    /// Returns true if this organization's peer has the values of a collection. It has all hashes.
    fn holds(&self, collection: &str) -> bool {
        let msp_id = &self.simulation.proposal.peer_msp_id;
        match collection.strip_prefix(IMPLICIT) {
            Some(owner) => owner == msp_id,
            None => {
                let definition = self.simulation.definitions.get(&self.chaincode);
                definition.is_none_or(|it| it.is_held_by(collection, msp_id))
            }
        }
    }

    pub(crate) fn get_private_data(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>> {
        let place = self.collection("GET_STATE", collection, Use::Read)?;
        let written = self.simulation.world.version(&(place.clone(), key.to_owned()));
        if let Some(Version { block, tx }) = written
            && !self.holds(collection)
        {
            let cause = format!(
                "private data matching public hash version is not available. Public hash version = \
                 {{BlockNum: {block}, TxNum: {tx}}}, Private data version = <nil>"
            );
            return Err(self.refused("GET_STATE", Refusal::LedgerFailure, &cause));
        }
        self.get("GET_STATE", &place, key)
    }

    pub(crate) fn get_multiple_private_data(
        &self,
        collection: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        non_empty(collection, "collection must not be an empty string")?;
        keys.iter().map(|key| self.get_private_data(collection, key)).collect()
    }

    pub(crate) fn get_private_data_hash(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        let place = self.collection("GET_PRIVATE_DATA_HASH", collection, Use::Hash)?;
        self.record(&place, key);
        Ok(self.simulation.world.get(&place, key).map(|value| sha256(&[value])))
    }

    pub(crate) fn put_private_data(&self, collection: &str, key: &str, value: &[u8]) -> Result<()> {
        non_empty(collection, "collection must not be an empty string")?;
        non_empty(key, "key must not be an empty string")?;
        let place = self.collection("PUT_STATE", collection, Use::Write)?;
        self.write("PUT_STATE", place, key, value)
    }

    pub(crate) fn del_private_data(&self, collection: &str, key: &str) -> Result<()> {
        let place = self.collection("DEL_STATE", collection, Use::Write)?;
        self.write("DEL_STATE", place, key, b"")
    }

    /// Deletes: this ledger keeps no history of private data.
    pub(crate) fn purge_private_data(&self, collection: &str, key: &str) -> Result<()> {
        let place = self.collection("PURGE_PRIVATE_DATA", collection, Use::Write)?;
        self.write("PURGE_PRIVATE_DATA", place, key, b"")
    }

    pub(crate) fn get_private_data_by_range(
        &self,
        collection: &str,
        start: &str,
        end: &str,
    ) -> Result<StateCursor> {
        non_empty(collection, "collection must not be an empty string")?;
        let (start, end) = simple_range(start, end)?;
        self.private_rows(collection, &start, &end)
    }

    pub(crate) fn get_private_data_by_partial_composite_key(
        &self,
        collection: &str,
        object_type: &str,
        attributes: &[String],
    ) -> Result<StateCursor> {
        non_empty(collection, "collection must not be an empty string")?;
        let (start, end) = composite_range(object_type, attributes)?;
        self.private_rows(collection, &start, &end)
    }

    fn private_rows(&self, collection: &str, start: &str, end: &str) -> Result<StateCursor> {
        let place = self.collection(RANGE, collection, Use::Read)?;
        self.simulation.begin_private_query(RANGE)?;
        Ok(self.held(collection, self.simulation.world.range(&place, start, end)))
    }

    /// Returns the rows if this peer has the values of the collection, otherwise none.
    fn held(&self, collection: &str, rows: Vec<KeyValue>) -> StateCursor {
        StateCursor::new(if self.holds(collection) { rows } else { Vec::new() })
    }

    pub(crate) fn get_private_data_query_result(
        &self,
        collection: &str,
        query: &str,
    ) -> Result<StateCursor> {
        let place = self.collection("GET_QUERY_RESULT", collection, Use::Read)?;
        self.simulation.begin_private_query("GET_QUERY_RESULT")?;
        Ok(self.held(collection, self.rich(&place, query, None, "")?.rows))
    }

    pub(crate) fn get_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        let place = self.collection("GET_STATE_METADATA", collection, Use::Read)?;
        Ok(self.metadata(&place, key)?.remove(POLICY))
    }

    pub(crate) fn set_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
        policy: &[u8],
    ) -> Result<()> {
        readable(policy)?;
        let place = self.collection("PUT_STATE_METADATA", collection, Use::Write)?;
        self.write_metadata(place, key, POLICY, policy)
    }
}
