//! Refusals of queries, with the texts of a peer.

use serde_json::Value;

use super::numbers;
use crate::data_type::begin_of;
use crate::error::Refusal;

/// Maximum length of a value or a name in a text, in characters.
const SHOWN: usize = 80;

/// A refusal without the name of the call.
pub(super) type Parsed<T> = Result<T, Refusal>;

/// Returns a refusal by CouchDB.
pub(super) fn refused(error: &str, reason: &str) -> Refusal {
    let error = format!("Error:{error},  Status Code:400,  Reason:{reason}");
    Refusal::InvalidArgument(format!("error handling CouchDB request. {error}"))
}

pub(super) fn bad_arg(operator: &str, argument: &Value, place: &str) -> Refusal {
    let argument = shown(argument);
    let reason = format!("Bad argument for operator {operator}: {argument} (at {place})");
    refused("bad_arg", &reason)
}

pub(super) fn invalid_bookmark(bookmark: &str) -> Refusal {
    let reason = format!("Invalid bookmark value: {:?}", shorten(bookmark));
    refused("invalid_bookmark", &reason)
}

/// Returns a refusal of a part that this module does not support, although a peer may.
pub(super) fn unknown(what: &str) -> Refusal {
    Refusal::Unsupported(format!("the mock ledger has no {what}: test this query in the sandbox"))
}

/// Returns the beginning of a value's text.
pub(super) fn shown(value: &Value) -> String {
    shorten(&String::from_utf8_lossy(&numbers::write(value, false)))
}

pub(super) fn shorten(text: &str) -> String {
    begin_of(text, SHOWN)
}
