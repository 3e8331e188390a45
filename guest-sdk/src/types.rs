//! Values that a chaincode and its peer exchange.
//!
//! They are the types of the WIT package `fabric:chaincode`. The generated bindings use these
//! definitions, so no conversion is needed.
//!
//! Does not call the peer.

use crate::timestamp::Timestamp;
use crate::{Error, Result, read_json};

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key, without the chaincode's namespace.
    pub key: String,
    /// Never empty: an empty value is a deletion.
    pub value: Vec<u8>,
}

impl KeyValue {
    /// Reads the value as JSON.
    ///
    /// # Errors
    /// Status 500 if the value is not the JSON of a `T`; the message names the key.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        read_json::from_slice(&self.value)
            .map_err(|error| Error::internal(format!("value of {}: {error}", self.key)))
    }
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyModification {
    /// The transaction that made the change.
    pub tx_id: String,
    /// Empty for a deletion.
    pub value: Vec<u8>,
    /// The client's time in that transaction.
    pub timestamp: Timestamp,
    /// The key was removed.
    pub is_delete: bool,
}

/// One page of a query and where the next one starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order of the query.
    pub rows: Vec<KeyValue>,
    /// The number of rows; 0 in a result of a peer without page size and bookmark.
    pub fetched_records_count: u32,
    /// The bookmark of the next page; empty if the peer has no more rows.
    pub bookmark: String,
}

/// A named piece of metadata of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataEntry {
    /// Such as `VALIDATION_PARAMETER`.
    pub name: String,
    /// Its meaning depends on the name.
    pub value: Vec<u8>,
}

/// The proposal with the client's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedProposal {
    /// A serialized `protos.Proposal`.
    pub proposal_bytes: Vec<u8>,
    /// The creator's signature over `proposal_bytes`.
    pub signature: Vec<u8>,
}

/// The level of a line of [`crate::Context::log`], in the order of the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Steps of a computation, for the contract's author.
    Trace,
    /// Details for the contract's author.
    Debug,
    /// Normal operation, for the operator.
    Info,
    /// Something is unusual, but the transaction continues.
    Warn,
    /// The transaction cannot continue.
    Error,
}

/// A chaincode's answer. With a status below 400 the transaction is endorsed, otherwise it is
/// refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// 200, or a refusal as an HTTP-like number.
    pub status: i32,
    /// The reason of a refusal; empty on success.
    pub message: String,
    /// The result, part of what the endorsers sign.
    pub payload: Vec<u8>,
}

impl Response {
    /// The lowest status with which a transaction is refused.
    pub const ERROR_THRESHOLD: i32 = 400;

    /// Returns status 200 with a result.
    pub fn success(payload: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, message: String::new(), payload: payload.into() }
    }

    /// Returns status 500 with a reason.
    pub fn error(message: impl Into<String>) -> Self {
        Self { status: 500, message: message.into(), payload: Vec::new() }
    }

    /// Returns the payload of a success, for calls of other chaincodes.
    ///
    /// # Errors
    /// The status and text of a refusal. If the peer could not make the call, the message is the
    /// payload's text, where Fabric puts it.
    pub fn ok(self) -> Result<Vec<u8>> {
        if self.status < Self::ERROR_THRESHOLD {
            return Ok(self.payload);
        }
        let message = match self.message.as_str() {
            "" => String::from_utf8_lossy(&self.payload).into_owned(),
            _ => self.message,
        };
        Err(Error::new(self.status, message))
    }
}

impl From<Result<Vec<u8>>> for Response {
    fn from(result: Result<Vec<u8>>) -> Self {
        match result {
            Ok(payload) => Self::success(payload),
            Err(error) => error.into(),
        }
    }
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        Self { status: error.status(), message: error.into_message(), payload: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_call_gives_its_words_wherever_they_stand() {
        let said = Response { status: 404, message: "no such asset".into(), payload: vec![] };
        assert_eq!(said.ok().unwrap_err(), Error::new(404, "no such asset"));
        let failed = Response { status: 500, message: String::new(), payload: b"txid".to_vec() };
        assert_eq!(failed.ok().unwrap_err(), Error::new(500, "txid"));
        let endorsed = Response { status: 399, message: String::new(), payload: b"p".to_vec() };
        assert_eq!(endorsed.ok().unwrap(), b"p");
    }
}
