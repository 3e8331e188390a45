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

    /// Writes at commit; an empty value deletes the key.
    ///
    /// # Errors
    /// The key is empty, or the peer refuses the call: with CouchDB, it accepts no key that begins
    /// with `_`, and no JSON object with a member that begins with `_` or is `~version` at its top
    /// level.
    pub fn put_state(&self, key: &str, value: &[u8]) -> Result<()> {
        self.peer.put_state(key, value)
    }

    /// Writes the JSON of `value` at commit.
    ///
    /// Endorsers compare bytes. A struct is written in the order of its fields; for maps use a
    /// `BTreeMap`, since a `HashMap` has no fixed order.
    ///
    /// # Errors
    /// The key is empty, the value has no JSON form (a number in it is not finite, for example), or
    /// the peer refuses the call.
    pub fn put<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<()> {
        self.put_state(key, &data_type::state(value)?)
    }

    /// Deletes at commit; a missing key is no error.
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

    /// Replaces all metadata of the key at commit: afterwards it has this entry only.
    ///
    /// # Errors
    /// The peer refuses the call.
    pub fn put_state_metadata(&self, key: &str, entry: &MetadataEntry) -> Result<()> {
        self.peer.put_state_metadata(key, entry)
    }

    /// Returns the key's own endorsement policy, a serialized `common.SignaturePolicyEnvelope` that
    /// [`crate::Policy::from_bytes`] parses; None if the chaincode's policy applies, empty after
    /// the key's own one was removed.
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
    /// A policy that peers cannot read, and what else the peer refuses.
    pub fn set_state_validation_parameter(&self, key: &str, policy: &[u8]) -> Result<()> {
        self.peer.set_state_validation_parameter(key, policy)
    }

    /// From here on, writes may be held back and sent together, if the peer supports it. A write
    /// that the peer refuses is then an error of
    /// [`finish_write_batch`](Self::finish_write_batch), or ends the transaction; on other peers it
    /// is an error of the write itself. Return either: whoever goes on has other results on other
    /// peers.
    pub fn start_write_batch(&self) {
        self.peer.start_write_batch();
    }

    /// Sends the writes that were held back.
    ///
    /// # Errors
    /// The peer refuses one of them.
    pub fn finish_write_batch(&self) -> Result<()> {
        self.peer.finish_write_batch()
    }
}
