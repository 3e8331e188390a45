//! Keys and values that CouchDB does not accept. The rules are in `block::couchdb`.
//!
//! Invariant: these are errors of the client or the chaincode, never of the ledger.

/// The reason why CouchDB does not accept a key or a value. The texts are Fabric's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDocument {
    /// The empty key.
    #[error("invalid key. Empty string is not supported as a key by couchdb")]
    EmptyKey,
    /// A key that begins like those of CouchDB's own documents.
    #[error("invalid key [{key}], cannot begin with \"_\"")]
    ReservedKey {
        /// The key.
        key: String,
    },
    /// A JSON object with a field that CouchDB or Fabric reserves.
    #[error("field [{field}] is not valid for the CouchDB state database")]
    ReservedField {
        /// The first such field of the value; Fabric reports an arbitrary one.
        field: String,
    },
}
