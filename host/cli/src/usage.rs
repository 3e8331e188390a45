//! Errors of arguments that a verb itself detects, because they depend on each other.

use anyhow::Error;

/// The arguments are wrong.
///
/// The program then ends with the same exit code as for arguments that cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongArguments(String);

/// Returns an error of wrong arguments.
pub(crate) fn wrong(text: impl Into<String>) -> Error {
    WrongArguments(text.into()).into()
}
