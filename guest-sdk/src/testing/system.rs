//! What system chaincodes answer a chaincode that calls them.
//!
//! Does not have any of them: what a peer would let a chaincode ask is refused here, too.

use crate::types::Response;

/// The response of a system chaincode to a call within a transaction of `original`; None for any
/// other name.
pub(super) fn refusal(name: &str, args: &[Vec<u8>], original: &str) -> Option<Response> {
    let function = args.first().map(|name| String::from_utf8_lossy(name)).unwrap_or_default();
    let message = match name {
        "cscc" => format!(
            "Rejecting invoke of CSCC from another chaincode, original invocation for '{original}'"
        ),
        "qscc" => format!(
            "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, \
             original invocation for '{original}'"
        ),
        "lscc" => format!("a chaincode may not call {function} of {name}"),
        "_lifecycle" => format!(
            "Failed to authorize invocation due to failed ACL check: Unmapped policy for \
             {name}/{function}"
        ),
        _ => return None,
    };
    Some(Response { status: 500, message, payload: Vec::new() })
}
