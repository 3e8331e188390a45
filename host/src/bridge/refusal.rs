//! What kind of refusal a peer's text is.
//!
//! The wire has only the text of ERROR; a component sees a kind too, and may act on it. So the kind
//! is read off the text, by the same rules on every endorser, and is the one that
//! [`chaincode`](crate::chaincode) gives a component in the peer's own process; the conformance
//! tests compare the two. A text that is not known is a failure of the ledger.
//!
//! Invariant: a pure function. Keys and values never decide: they do not begin a text.

use crate::runtime::ErrorKind;

/// How a cause is recognized, and what it is.
const CAUSES: [(Part, ErrorKind); 13] = [
    // fabric `core/ledger/kvledger/txmgmt/txmgr`, after "txid [...]: ".
    (Part::Begins("unsuppored transaction. "), ErrorKind::NotPermitted),
    // fabric `core/chaincode/handler.go`.
    (Part::Begins("tx creator does not have read access"), ErrorKind::NotPermitted),
    (Part::Begins("tx creator does not have write access"), ErrorKind::NotPermitted),
    (Part::Begins("private data APIs are not allowed"), ErrorKind::NotPermitted),
    (Part::Ends("capability of V2_5 or later is required"), ErrorKind::Unsupported),
    (Part::Begins("ExecuteQuery not supported for leveldb"), ErrorKind::Unsupported),
    (Part::Begins("ExecuteQueryWithPagination not supported for leveldb"), ErrorKind::Unsupported),
    (Part::Begins("history database is not enabled"), ErrorKind::Unsupported),
    // The embedded peer's own.
    (Part::Ends(" is not supported by this peer yet"), ErrorKind::Unsupported),
    (Part::Ends(" is not supported by this ledger"), ErrorKind::Unsupported),
    (Part::Begins("a transaction may "), ErrorKind::LimitExceeded),
    (Part::Begins("more than "), ErrorKind::LimitExceeded),
    (Part::Contains(" bytes is longer than the limit of "), ErrorKind::LimitExceeded),
];

enum Part {
    Begins(&'static str),
    Contains(&'static str),
    Ends(&'static str),
}

/// The kind of a refusal of a request.
pub fn kind(text: &str) -> ErrorKind {
    let cause = cause(text);
    let found = CAUSES.iter().find(|(part, _)| match part {
        Part::Begins(words) => cause.starts_with(words),
        Part::Contains(words) => cause.contains(words),
        Part::Ends(words) => cause.ends_with(words),
    });
    found.map_or(ErrorKind::LedgerFailure, |(_, kind)| *kind)
}

/// What stands behind "TYPE failed: transaction ID: ID: " and "txid [ID]: ".
fn cause(text: &str) -> &str {
    let after = |text, mark| {
        let rest: Option<&str> = str::strip_prefix(text, mark);
        rest.and_then(|rest| rest.split_once(": ")).map_or(text, |(_, cause)| cause)
    };
    let text = text.split_once(" failed: ").map_or(text, |(_, text)| text);
    after(after(text, "transaction ID: "), "txid [")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_peers_are_recognized() {
        for (text, expected) in [
            (
                "PUT_STATE failed: transaction ID: ab: txid [ab]: unsuppored transaction. \
                 Transaction has already performed a paginated query. Writes are not allowed",
                ErrorKind::NotPermitted,
            ),
            (
                "GET_STATE failed: transaction ID: ab: tx creator does not have read access \
                 permission on privatedata in chaincodeName:cc collectionName: c",
                ErrorKind::NotPermitted,
            ),
            (
                "GET_QUERY_RESULT failed: transaction ID: ab: ExecuteQuery not supported for \
                 leveldb",
                ErrorKind::Unsupported,
            ),
            (
                "GET_QUERY_RESULT failed: transaction ID: ab: a rich query is not supported by \
                 this peer yet",
                ErrorKind::Unsupported,
            ),
            (
                "GET_STATE_BY_RANGE failed: transaction ID: ab: more than 100 open queries",
                ErrorKind::LimitExceeded,
            ),
            (
                "PUT_STATE failed: transaction ID: ab: a value of 9 bytes is longer than the \
                 limit of 8 bytes",
                ErrorKind::LimitExceeded,
            ),
            (
                "GET_STATE failed: transaction ID: ab: collection unsuppored transaction. could \
                 not be found",
                ErrorKind::LedgerFailure,
            ),
            ("the disk is gone", ErrorKind::LedgerFailure),
            ("", ErrorKind::LedgerFailure),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}
