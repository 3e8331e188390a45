//! Wrong arguments that a verb finds by itself, because they depend on each other.

use anyhow::Error;

/// What is wrong with the arguments.
///
/// The program ends with the exit code of arguments that cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongArguments(String);

/// The arguments are wrong, as `text` says.
pub(crate) fn wrong(text: impl Into<String>) -> Error {
    WrongArguments(text.into()).into()
}
