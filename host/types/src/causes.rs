//! Errors as one line of text.

use std::error::Error;

/// An error and its causes. For errors that keep their causes out of their own texts.
pub fn with_causes(error: &dyn Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
