//! The chaincode's own namespace in the world state.
//!
//! Invariant: a read gives the committed value; a transaction does not see its own writes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Context;
use crate::Error;
use crate::Result;
use crate::types::MetadataEntry;

impl Context {
    /// The committed value; none: the key does not exist.
    ///
    /// # Errors
    /// What the peer refuses.
    pub fn get_state(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.peer.get_state(key)
    }

    /// The committed value, read as JSON; none: the key does not exist.
    ///
    /// # Errors
    /// What the peer refuses, and a value that is not the JSON of a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.get_state(key)? else { return Ok(None) };
        serde_json::from_slice(&value)
            .map(Some)
            .map_err(|error| Error::internal(format!("value of {key}: {error}")))
    }

    /// The values of `keys`, in their order; none where a key does not exist.
    ///
    /// # Errors
    /// What the peer refuses.
    pub fn get_multiple_states(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<Vec<u8>>>> {
        let keys: Vec<String> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        self.peer.get_multiple_states(&keys)
    }

    /// Writes at commit; an empty value deletes the key.
    ///
    /// # Errors
    /// An empty key, and what else the peer refuses: one with CouchDB takes no key that begins with
    /// `_`, and no JSON object with such a field, or with `~version`, at its top level.
    pub fn put_state(&self, key: &str, value: &[u8]) -> Result<()> {
        self.peer.put_state(key, value)
    }

    /// Writes the JSON of `value` at commit.
    ///
    /// Endorsers compare bytes: a struct is written in the order of its fields; take a `BTreeMap`
    /// where you need a map, since the order of a `HashMap` is not fixed.
    ///
    /// # Errors
    /// An empty key, a value that has no JSON, and what else the peer refuses.
    pub fn put<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<()> {
        self.put_state(key, &serde_json::to_vec(value)?)
    }

    /// Deletes at commit; a key that does not exist is no error.
    ///
    /// # Errors
    /// What the peer refuses.
    pub fn del_state(&self, key: &str) -> Result<()> {
        self.peer.del_state(key)
    }

    /// All metadata of a key, in the order of the names; empty if it has none.
    ///
    /// # Errors
    /// What the peer refuses.
    pub fn get_state_metadata(&self, key: &str) -> Result<Vec<MetadataEntry>> {
        self.peer.get_state_metadata(key)
    }

    /// Replaces all metadata of the key at commit: this piece is the only one then.
    ///
    /// # Errors
    /// What the peer refuses.
    pub fn put_state_metadata(&self, key: &str, entry: &MetadataEntry) -> Result<()> {
        self.peer.put_state_metadata(key, entry)
    }

    /// The key's own endorsement policy, a serialized `common.SignaturePolicyEnvelope` that
    /// [`crate::Policy::from_bytes`] reads; none: the chaincode's policy applies.
    ///
    /// # Errors
    /// What the peer refuses.
    pub fn get_state_validation_parameter(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.peer.get_state_validation_parameter(key)
    }

    /// Gives the key its own endorsement policy, which [`crate::Policy::to_bytes`] makes; an empty
    /// one removes it.
    ///
    /// # Errors
    /// What the peer refuses.
    pub fn set_state_validation_parameter(&self, key: &str, policy: &[u8]) -> Result<()> {
        self.peer.set_state_validation_parameter(key, policy)
    }

    /// From here on writes may be held back and sent together, where the peer can take them so.
    pub fn start_write_batch(&self) {
        self.peer.start_write_batch();
    }

    /// Sends the writes that were held back.
    ///
    /// # Errors
    /// What the peer refuses of them.
    pub fn finish_write_batch(&self) -> Result<()> {
        self.peer.finish_write_batch()
    }
}
