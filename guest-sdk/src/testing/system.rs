//! Answers of system chaincodes to a chaincode that calls them.
//!
//! Does not implement system chaincodes: calls that a peer would permit are refused here, too.

use crate::types::Response;

/// Returns the response of a system chaincode to a call within a transaction of `original`; None
/// for all other names.
pub(super) fn refusal(name: &str, args: &[Vec<u8>], original: &str) -> Option<Response> {
    let function = args.first().map(|name| String::from_utf8_lossy(name)).unwrap_or_default();
    let is_alone = matches!(function.as_ref(), "GetChannels" | "JoinBySnapshotStatus");
    let message = match (name, args.len()) {
        ("cscc", 0 | 1) if args.is_empty() || !is_alone => too_few(args),
        ("cscc", _) => format!(
            "Rejecting invoke of CSCC from another chaincode, original invocation for '{original}'"
        ),
        ("qscc", 0 | 1) => too_few(args),
        ("qscc", _) => format!(
            "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, \
             original invocation for '{original}'"
        ),
        ("lscc", _) => format!("a chaincode may not call {function} of {name}"),
        ("_lifecycle", 0) => "lifecycle scc must be invoked with arguments".to_owned(),
        ("_lifecycle", count) if count != 2 => {
            format!("lifecycle scc operations require exactly two arguments but received {count}")
        }
        ("_lifecycle", _) => format!(
            "Failed to authorize invocation due to failed ACL check: Unmapped policy for \
             {name}/{function}"
        ),
        _ => return None,
    };
    Some(Response { status: 500, message, payload: Vec::new() })
}

fn too_few(args: &[Vec<u8>]) -> String {
    format!("Incorrect number of arguments, {}", args.len())
}
