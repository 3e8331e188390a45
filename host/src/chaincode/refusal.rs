//! What a chaincode is refused, and of which kind that is.
//!
//! Invariant: whatever is a failure of this peer alone ends the transaction.

use crate::ledger::{LedgerError, QueryError};
use crate::runtime::ErrorKind;

/// A refusal without its beginning.
pub struct Refusal(pub ErrorKind, pub String);

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        let kind = match error {
            LedgerError::RichQueriesOff => ErrorKind::Unsupported,
            LedgerError::Query(QueryError::TooManyExamined { .. } | QueryError::TooLong { .. }) => {
                ErrorKind::LimitExceeded
            }
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
