//! The chaincode's own namespace in the world state.
//!
//! Invariant: a read returns the committed value; a transaction does not see its own writes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::types::MetadataEntry;
use crate::{Context, Error, Result, data_type, read_json};

impl Context {
    /// Returns the committed value; None if the key does not exist.
    ///
    /// # Errors
    /// The peer refuses the call.
    pub fn get_state(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.peer.get_state(key)
    }

    /// Returns the committed value, read as JSON; None if the key does not exist.
    ///
    /// # Errors
    /// The peer refuses the call, or the value is not the JSON of a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.get_state(key)? else { return Ok(None) };
        read_json::from_slice(&value)
            .map(Some)
            .map_err(|error| Error::internal(format!("value of {key}: {error}")))
    }

    /// Returns the values of `keys`, in their order; None for a key that does not exist.
    ///
    /// # Errors
    /// The peer refuses the call.
    pub fn get_multiple_states(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<Vec<u8>>>> {
        let keys: Vec<String> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        self.peer.get_multiple_states(&keys)
    }

    /// Writes at commit. An empty value deletes the key.
    ///
    /// # Errors
    /// The key is empty, or the peer refuses the call. With CouchDB, a peer refuses keys that begin
    /// with `_`, and JSON objects with a top-level member that begins with `_` or is `~version`.
    pub fn put_state(&self, key: &str, value: &[u8]) -> Result<()> {
        self.peer.put_state(key, value)
    }

    /// Writes the JSON of `value` at commit.
    ///
    /// Endorsers compare bytes. A struct is written in the order of its fields. For maps use a
    /// `BTreeMap`: a `HashMap` has no fixed order.
    ///
    /// # Errors
    /// The key is empty, the value has no JSON form (a number in it is not finite, for example), or
    /// the peer refuses the call.
    pub fn put<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<()> {
        self.put_state(key, &data_type::state(value)?)
    }

    /// Deletes at commit. Deleting a missing key is not an error.
    ///
    /// # Errors
    /// The peer refuses the call.
    pub fn del_state(&self, key: &str) -> Result<()> {
        self.peer.del_state(key)
    }

    /// Returns all metadata of a key, ordered by name; empty if it has none.
    ///
    /// # Errors
    /// The peer refuses the call.
    pub fn get_state_metadata(&self, key: &str) -> Result<Vec<MetadataEntry>> {
        self.peer.get_state_metadata(key)
    }

    /// Replaces all metadata of the key at commit by this one entry.
    ///
    /// # Errors
    /// The peer refuses the call.
    pub fn put_state_metadata(&self, key: &str, entry: &MetadataEntry) -> Result<()> {
        self.peer.put_state_metadata(key, entry)
    }

    /// Returns the key's own endorsement policy, a serialized `common.SignaturePolicyEnvelope` that
    /// [`crate::Policy::from_bytes`] parses. None if the chaincode's policy applies; empty after
    /// the key's own policy was removed.
    ///
    /// # Errors
    /// The peer refuses the call.
    pub fn get_state_validation_parameter(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.peer.get_state_validation_parameter(key)
    }

    /// Sets the key's own endorsement policy, from [`crate::Policy::to_bytes`]; an empty one
    /// removes it.
    ///
    /// # Errors
    /// Peers cannot read the policy, or the peer refuses the call.
    pub fn set_state_validation_parameter(&self, key: &str, policy: &[u8]) -> Result<()> {
        self.peer.set_state_validation_parameter(key, policy)
    }

    /// Lets the peer hold back the writes that follow and send them together, if it supports
    /// batches. A refused write is then an error of
    /// [`finish_write_batch`](Self::finish_write_batch), or ends the transaction. On other peers
    /// the write itself fails. Return either error: a transaction that continues has different
    /// results on different peers.
    pub fn start_write_batch(&self) {
        self.peer.start_write_batch();
    }

    /// Sends the writes that were held back since the start of the batch.
    ///
    /// # Errors
    /// The peer refuses one of the writes.
    pub fn finish_write_batch(&self) -> Result<()> {
        self.peer.finish_write_batch()
    }
}
