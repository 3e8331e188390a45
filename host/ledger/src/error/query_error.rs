//! Errors of rich queries and index definitions.
//!
//! Invariant: these are errors of the client or the chaincode, never of the ledger.

/// The reason why a query is refused. The texts begin like those that Fabric's peer forwards from
/// CouchDB.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// CouchDB would refuse the query.
    #[error("error handling CouchDB request. Error:{error},  Status Code:400,  Reason:{reason}")]
    Refused {
        /// CouchDB's name of the error, such as `no_usable_index`.
        error: &'static str,
        /// The reason, and the part of the query.
        reason: String,
    },
    /// Fabric's peer would refuse the query.
    #[error("fields definition must be an array")]
    Fields,
    /// The query is not a JSON object.
    #[error("a rich query must be a JSON object: {reason}")]
    NotJson {
        /// The parser's text.
        reason: String,
    },
    /// The query has more of something than a limit allows.
    #[error("a rich query may have at most {limit} {what}, not {count}")]
    TooMany {
        /// The number, as far as it was counted.
        count: usize,
        /// The limit.
        limit: usize,
        /// The counted things, and the part of the query.
        what: String,
    },
    /// The query is longer than the limit.
    #[error("a rich query of {bytes} bytes is longer than the limit of {limit} bytes")]
    TooLong {
        /// The query's length.
        bytes: usize,
        /// `LedgerConfig::max_query_bytes`.
        limit: usize,
    },
    /// The query would examine too many values.
    #[error("a rich query may examine at most {limit} values; an index reduces their number")]
    TooManyExamined {
        /// `LedgerConfig::max_examined_values`.
        limit: usize,
    },
    /// The index was replaced while the query read it.
    #[error("index {name} was replaced while a query read it")]
    IndexReplaced {
        /// The index.
        name: String,
    },
    /// The text is not an index definition.
    #[error("not an index definition: {reason}")]
    Definition {
        /// The reason.
        reason: String,
    },
    /// A chaincode has too many indexes.
    #[error("chaincode {namespace} may have at most {limit} indexes")]
    TooManyIndexes {
        /// The chaincode.
        namespace: String,
        /// `LedgerConfig::max_indexes`.
        limit: usize,
    },
}

impl QueryError {
    /// Makes an error; `error` is CouchDB's name for it.
    pub(crate) fn refused(error: &'static str, reason: impl Into<String>) -> Self {
        Self::Refused { error, reason: reason.into() }
    }

    pub(crate) fn too_many(count: usize, limit: usize, what: impl Into<String>) -> Self {
        Self::TooMany { count, limit, what: what.into() }
    }

    pub(crate) fn definition(reason: impl Into<String>) -> Self {
        Self::Definition { reason: reason.into() }
    }
}
