//! Errors as one line of text.

use std::error::Error;

/// Returns an error and its causes, for errors whose own texts do not contain their causes.
pub fn with_causes(error: &dyn Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
