//! Refusals of a chaincode's calls, and their kinds.
//!
//! Invariant: a failure of only this peer ends the transaction.

use crate::chaincode::backend::access::CollectionError;
use crate::chaincode::tx_params::StateError;
use wasmcc_channel::collections::LookupError;
use wasmcc_ledger::{LedgerError, QueryError};
use wasmcc_runtime::ErrorKind;

/// A refusal.
pub(crate) struct BackendRefusal {
    /// The kind.
    pub kind: ErrorKind,
    /// The text without Fabric's beginning.
    pub cause: String,
}

impl BackendRefusal {
    pub(crate) fn new(kind: ErrorKind, cause: impl Into<String>) -> Self {
        Self { kind, cause: cause.into() }
    }
}

impl From<LedgerError> for BackendRefusal {
    fn from(error: LedgerError) -> Self {
        let kind = match error {
            LedgerError::RichQueriesOff => ErrorKind::Unsupported,
            LedgerError::Query(
                QueryError::TooManyExamined { .. }
                | QueryError::TooLong { .. }
                | QueryError::TooMany { .. },
            ) => ErrorKind::LimitExceeded,
            LedgerError::Query(QueryError::IndexReplaced { .. }) => ErrorKind::LedgerFailure,
            LedgerError::Query(_) | LedgerError::NoDocument(_) => ErrorKind::InvalidArgument,
            LedgerError::KeyTooLong { .. }
            | LedgerError::ValueTooLong { .. }
            | LedgerError::MetadataTooLong { .. }
            | LedgerError::TooMuchRecorded { .. }
            | LedgerError::PageTooLarge { .. }
            | LedgerError::TooManyRanges { .. } => ErrorKind::LimitExceeded,
            LedgerError::PaginatedQueryAfterWrite { .. }
            | LedgerError::WriteAfterPaginatedQuery { .. }
            | LedgerError::PrivateQueryAfterWrite { .. }
            | LedgerError::WriteAfterPrivateQuery { .. } => ErrorKind::NotPermitted,
            // On another peer the chaincode would get an answer.
            _ if error.is_of_this_peer() => ErrorKind::TransactionOver,
            _ => ErrorKind::LedgerFailure,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<StateError> for BackendRefusal {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Ledger(error) => error.into(),
            StateError::NoSimulator => Self::new(ErrorKind::LedgerFailure, error.to_string()),
            StateError::Panicked => Self::new(ErrorKind::TransactionOver, error.to_string()),
        }
    }
}

impl From<CollectionError> for BackendRefusal {
    fn from(error: CollectionError) -> Self {
        let kind = match error {
            CollectionError::LookUp(LookupError::State(error)) => return error.into(),
            // The definition is damaged on this peer only.
            CollectionError::LookUp(LookupError::Damaged { .. }) => ErrorKind::TransactionOver,
            CollectionError::UnknownChannel(_)
            | CollectionError::NotFound(_)
            | CollectionError::Unusable { .. }
            | CollectionError::NotDefined(_) => ErrorKind::InvalidArgument,
        };
        Self::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_of_a_collection_that_fails_here_alone_ends_the_transaction() {
        let disk = LedgerError::Io {
            action: "read",
            path: "blocks".into(),
            source: std::io::Error::other("broken"),
        };
        let (namespace, reason) = ("cc".to_owned(), "damaged".to_owned());
        let damaged = LookupError::Damaged { namespace, reason };
        let full = LedgerError::TooMuchRecorded { limit: 1 };
        for (error, expected) in [
            (LookupError::State(disk).into(), ErrorKind::TransactionOver),
            (damaged.into(), ErrorKind::TransactionOver),
            // Every peer gets these errors.
            (CollectionError::NotFound("none".into()), ErrorKind::InvalidArgument),
            (LookupError::State(full).into(), ErrorKind::LimitExceeded),
        ] {
            let text = error.to_string();
            let BackendRefusal { kind, cause } = CollectionError::into(error);
            assert_eq!((kind, cause), (expected, text));
        }
    }
}
