//! Derives the kind of a refusal from the peer's text.
//!
//! ERROR carries only a text, but a component also gets a kind and may act on it. Only here does a
//! text decide. The rules are the same on every endorser. They return the kind that
//! `wasmcc_peer::chaincode` gives to a component in the peer's own process; the conformance tests
//! compare the two. An unknown text means a failure of the ledger.
//!
//! If the peer refuses a call of another chaincode before it runs one, the kind is that of a call
//! that the creator may not make.
//!
//! Invariant: keys and values never decide, since no text begins with one.

use TextPart::{Around, Begins, Ends, Holds};

use wasmcc_runtime::ErrorKind;

/// The texts by which causes are recognized, and their kinds. The first match counts. Rules about
/// the beginning of a text come first, since the rest may quote a chaincode's input.
const CAUSES: [(TextPart, ErrorKind); 34] = [
    // fabric `core/ledger/kvledger/txmgmt/txmgr`, after "txid [...]: ".
    (Begins("unsuppored transaction. "), ErrorKind::NotPermitted),
    // fabric `core/chaincode/handler.go`.
    (Begins("tx creator does not have read access"), ErrorKind::NotPermitted),
    (Begins("tx creator does not have write access"), ErrorKind::NotPermitted),
    (Begins("private data APIs are not allowed"), ErrorKind::NotPermitted),
    (Begins("ExecuteQuery not supported for leveldb"), ErrorKind::Unsupported),
    (Begins("ExecuteQueryWithPagination not supported for leveldb"), ErrorKind::Unsupported),
    (Begins("history database is not enabled"), ErrorKind::Unsupported),
    // fabric `core/common/privdata/store.go` and `txmgr/collection_val.go`.
    (Around("collection ", " could not be found"), ErrorKind::InvalidArgument),
    (Begins("error setting up collection "), ErrorKind::InvalidArgument),
    (Around("collection [", "]"), ErrorKind::InvalidArgument),
    (Begins("collection config not defined for chaincode ["), ErrorKind::InvalidArgument),
    // fabric `statecouchdb`: refusals of CouchDB, and of the peer before it asked CouchDB.
    (Begins("invalid key"), ErrorKind::InvalidArgument),
    (Begins("field ["), ErrorKind::InvalidArgument),
    (Holds(COUCHDB, ",  Status Code:400,"), ErrorKind::InvalidArgument),
    (Begins(COUCHDB), ErrorKind::LedgerFailure),
    (Begins("fields definition must be an array"), ErrorKind::InvalidArgument),
    // Texts of the embedded peer.
    (Begins("a rich query must be a JSON object: "), ErrorKind::InvalidArgument),
    (Begins("a rich query may examine at most "), ErrorKind::LimitExceeded),
    (Begins("a rich query may have at most "), ErrorKind::LimitExceeded),
    (Begins("a transaction may "), ErrorKind::LimitExceeded),
    (Holds("a page of ", " may hold keys and values of at most "), ErrorKind::LimitExceeded),
    (Holds("a batch of ", " may hold keys and values of at most "), ErrorKind::LimitExceeded),
    (Holds("a ", " bytes is longer than the limit of "), ErrorKind::LimitExceeded),
    (Begins("metadata of a key, such as its endorsement policy, of "), ErrorKind::LimitExceeded),
    (Begins("more than "), ErrorKind::LimitExceeded),
    (Begins("chaincodes call each other more than "), ErrorKind::LimitExceeded),
    (Begins("the definition of chaincode "), ErrorKind::InvalidArgument),
    (Around("channel '", "' not found"), ErrorKind::InvalidArgument),
    (Begins("application config does not exist for "), ErrorKind::Unsupported),
    // A failure of a called chaincode.
    (Begins("execute failed: "), ErrorKind::LedgerFailure),
    // The channel lacks a capability.
    (Ends("capability of V1_3 or later is required"), ErrorKind::Unsupported),
    (Ends("capability of V2_5 or later is required"), ErrorKind::Unsupported),
    (Ends(" is not supported by this peer yet"), ErrorKind::Unsupported),
    (Ends(" is not supported by this ledger"), ErrorKind::Unsupported),
];
const CALL: &str = "INVOKE_CHAINCODE failed: ";
const COUCHDB: &str = "error handling CouchDB request. ";

enum TextPart {
    Begins(&'static str),
    Ends(&'static str),
    /// Begins with the first and ends with the second.
    Around(&'static str, &'static str),
    /// Begins with the first and contains the second after it.
    Holds(&'static str, &'static str),
}

/// Returns the kind of a refused request.
pub(crate) fn kind(text: &str) -> ErrorKind {
    let cause = cause(text);
    let found = CAUSES.iter().find(|(part, _)| match part {
        Begins(words) => cause.starts_with(words),
        Ends(words) => cause.ends_with(words),
        Around(first, last) => cause.starts_with(first) && cause.ends_with(last),
        Holds(first, then) => cause.strip_prefix(first).is_some_and(|behind| behind.contains(then)),
    });
    let is_call = text.starts_with(CALL) && !cause.starts_with("failed to find ledger ");
    let other = if is_call { ErrorKind::NotPermitted } else { ErrorKind::LedgerFailure };
    found.map_or(other, |(_, kind)| *kind)
}

/// Returns the text after "TYPE failed: transaction ID: ID: " and "txid [ID]: ".
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

    /// Refusals and their kinds.
    const TEXTS: &[(&str, ErrorKind)] = &[
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
            ErrorKind::InvalidArgument,
        ),
        (
            "GET_PRIVATE_DATA_HASH failed: transaction ID: ab: collection [c] not defined in \
             the collection config for chaincode [cc]",
            ErrorKind::InvalidArgument,
        ),
        (
            "GET_STATE failed: transaction ID: ab: private data matching public hash version \
             is not available. Public hash version = {BlockNum: 2, TxNum: 0}, Private data \
             version = <nil>",
            ErrorKind::LedgerFailure,
        ),
        (
            "GET_QUERY_RESULT failed: transaction ID: ab: error handling CouchDB request. \
             Error:bad_arg,  Status Code:400,  Reason:9 bytes is longer than the limit of 8",
            ErrorKind::InvalidArgument,
        ),
        (
            "GET_QUERY_RESULT failed: transaction ID: ab: error handling CouchDB request. \
             Error:unknown_error,  Status Code:500,  Reason:is not supported by this ledger",
            ErrorKind::LedgerFailure,
        ),
        (
            "GET_STATE_BY_RANGE failed: transaction ID: ab: a page of a query may hold keys \
             and values of at most 9 bytes",
            ErrorKind::LimitExceeded,
        ),
        (
            "PUT_STATE_METADATA failed: transaction ID: ab: key level endorsement is not \
             enabled, channel application capability of V1_3 or later is required",
            ErrorKind::Unsupported,
        ),
        (
            "PUT_STATE failed: transaction ID: ab: invalid key [_a: b], cannot begin with \
             \"_\"",
            ErrorKind::InvalidArgument,
        ),
        (
            "GET_STATE failed: transaction ID: ab: invalid key. Empty string is not supported \
             as a key by couchdb",
            ErrorKind::InvalidArgument,
        ),
        (
            "PUT_STATE failed: transaction ID: ab: field [_a is not supported by this ledger] \
             is not valid for the CouchDB state database",
            ErrorKind::InvalidArgument,
        ),
        (
            "PUT_STATE_METADATA failed: transaction ID: ab: metadata of a key, such as its \
             endorsement policy, of 9 bytes are longer than the limit of 8 bytes",
            ErrorKind::LimitExceeded,
        ),
        ("GET_STATE failed: transaction ID: ab: channel 'x' not found", ErrorKind::InvalidArgument),
        (
            "INVOKE_CHAINCODE failed: transaction ID: ab: Failed to get policy manager for \
             channel [nochan]",
            ErrorKind::NotPermitted,
        ),
        (
            "INVOKE_CHAINCODE failed: transaction ID: ab: chaincodes call each other more than 8 \
             deep",
            ErrorKind::LimitExceeded,
        ),
        (
            "INVOKE_CHAINCODE failed: transaction ID: ab: failed to find ledger for channel: x",
            ErrorKind::LedgerFailure,
        ),
        (
            "INVOKE_CHAINCODE failed: transaction ID: ab: execute failed: error sending: gone",
            ErrorKind::LedgerFailure,
        ),
        ("the disk is gone", ErrorKind::LedgerFailure),
        ("", ErrorKind::LedgerFailure),
    ];

    #[test]
    fn texts_of_peers_are_recognized() {
        for (text, expected) in TEXTS {
            assert_eq!(kind(text), *expected, "{text}");
        }
    }
}
