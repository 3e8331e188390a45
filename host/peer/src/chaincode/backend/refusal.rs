//! What a chaincode is refused, and of which kind that is.
//!
//! Invariant: whatever is a failure of this peer alone ends the transaction.

use crate::chaincode::backend::access::CollectionError;
use wasmcc_ledger::{LedgerError, QueryError};
use wasmcc_runtime::ErrorKind;

/// A refusal without its beginning.
pub(crate) struct Refusal(pub ErrorKind, pub String);

impl From<LedgerError> for Refusal {
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
            | LedgerError::TooMuchRecorded { .. }
            | LedgerError::PageTooLarge { .. }
            | LedgerError::TooManyRanges { .. } => ErrorKind::LimitExceeded,
            LedgerError::PaginatedQueryAfterWrite { .. }
            | LedgerError::WriteAfterPaginatedQuery { .. }
            | LedgerError::PrivateQueryAfterWrite { .. }
            | LedgerError::WriteAfterPrivateQuery { .. } => ErrorKind::NotPermitted,
            // A chaincode that went on after this would not do so on another peer.
            _ if error.is_of_this_peer() => ErrorKind::TransactionOver,
            _ => ErrorKind::LedgerFailure,
        };
        Self(kind, error.to_string())
    }
}

impl From<CollectionError> for Refusal {
    fn from(error: CollectionError) -> Self {
        match error {
            CollectionError::State(error) => error.into(),
            CollectionError::Refused(why) => Self(ErrorKind::InvalidArgument, why),
            CollectionError::Damaged(why) => Self(ErrorKind::TransactionOver, why),
        }
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
        for (error, expected) in [
            (CollectionError::State(disk), ErrorKind::TransactionOver),
            (CollectionError::Damaged("damaged".into()), ErrorKind::TransactionOver),
            // Every peer has these.
            (CollectionError::Refused("none".into()), ErrorKind::InvalidArgument),
            (LedgerError::TooMuchRecorded { limit: 1 }.into(), ErrorKind::LimitExceeded),
        ] {
            let text = error.to_string();
            let Refusal(kind, why) = error.into();
            assert_eq!((kind, why), (expected, text));
        }
    }
}
