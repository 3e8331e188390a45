//! Collections: data that only some organizations store, with hashes on the channel's ledger.
//!
//! An empty collection name is an error, except for validation parameters.
//!
//! Invariant: only the hash of a private value becomes part of the transaction.

use crate::context::query::owned;
use crate::iter::{Rows, StateIterator};
use crate::{Context, Result};

impl Context {
    /// Returns the committed value; None if the key does not exist.
    ///
    /// # Errors
    /// The collection is unknown, the client may not read it, or the peer refuses the call.
    pub fn get_private_data(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>> {
        self.peer.get_private_data(collection, key)
    }

    /// Returns the values of `keys`, in their order; None for a key that does not exist.
    ///
    /// # Errors
    /// As for one value.
    pub fn get_multiple_private_data(
        &self,
        collection: &str,
        keys: &[impl AsRef<str>],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        self.peer.get_multiple_private_data(collection, &owned(keys))
    }

    /// Returns the SHA-256 of the value, which every peer of the channel has; None if the key does
    /// not exist.
    ///
    /// # Errors
    /// The collection is unknown, or the peer refuses the call.
    pub fn get_private_data_hash(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>> {
        self.peer.get_private_data_hash(collection, key)
    }

    /// Writes at commit; an empty value deletes the key.
    ///
    /// # Errors
    /// The key is empty, the collection is unknown, the client may not write it, or the peer
    /// refuses the call.
    pub fn put_private_data(&self, collection: &str, key: &str, value: &[u8]) -> Result<()> {
        self.peer.put_private_data(collection, key, value)
    }

    /// Deletes at commit.
    ///
    /// # Errors
    /// As for a write.
    pub fn del_private_data(&self, collection: &str, key: &str) -> Result<()> {
        self.peer.del_private_data(collection, key)
    }

    /// Deletes at commit, and removes all earlier values of the key.
    ///
    /// # Errors
    /// As for a write; or the channel lacks the capability.
    pub fn purge_private_data(&self, collection: &str, key: &str) -> Result<()> {
        self.peer.purge_private_data(collection, key)
    }

    /// As [`Context::get_state_by_range`], for transactions that write nothing. The rows are not
    /// checked at commit.
    ///
    /// # Errors
    /// As for a range; or this transaction has already written.
    pub fn get_private_data_by_range(
        &self,
        collection: &str,
        start: &str,
        end: &str,
    ) -> Result<StateIterator> {
        self.peer.get_private_data_by_range(collection, start, end).map(Rows::new)
    }

    /// As [`Context::get_state_by_partial_composite_key`], with the restrictions of a private
    /// range.
    ///
    /// # Errors
    /// As for a private range.
    pub fn get_private_data_by_partial_composite_key(
        &self,
        collection: &str,
        object_type: &str,
        attributes: &[impl AsRef<str>],
    ) -> Result<StateIterator> {
        let attributes = owned(attributes);
        self.peer
            .get_private_data_by_partial_composite_key(collection, object_type, &attributes)
            .map(Rows::new)
    }

    /// As [`Context::get_query_result`], with the restrictions of a private range.
    ///
    /// # Errors
    /// As for a rich query; or this transaction has already written.
    pub fn get_private_data_query_result(
        &self,
        collection: &str,
        query: &str,
    ) -> Result<StateIterator> {
        self.peer.get_private_data_query_result(collection, query).map(Rows::new)
    }

    /// Returns the key's own endorsement policy; None if the policy of the collection or chaincode
    /// applies. With the collection "" the key is a public one, as in Fabric's shim.
    ///
    /// # Errors
    /// The peer refuses the call.
    pub fn get_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        match collection {
            "" => self.get_state_validation_parameter(key),
            _ => self.peer.get_private_data_validation_parameter(collection, key),
        }
    }

    /// As [`Context::set_state_validation_parameter`], for a key of a collection. With the
    /// collection "" the key is a public one, as in Fabric's shim.
    ///
    /// # Errors
    /// Peers cannot read the policy, or the peer refuses the call.
    pub fn set_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
        policy: &[u8],
    ) -> Result<()> {
        match collection {
            "" => self.set_state_validation_parameter(key, policy),
            _ => self.peer.set_private_data_validation_parameter(collection, key, policy),
        }
    }
}
