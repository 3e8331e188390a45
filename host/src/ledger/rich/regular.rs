//! Regular expressions of selectors: found anywhere in a string, in time linear in its length.
//!
//! Other than CouchDB's, they know neither back references nor looking around; such a one is
//! refused.
//!
//! Invariant: no expression takes more memory than the limits here.

use regex::Regex;
use regex::RegexBuilder;

/// Longest expression, in bytes.
const MAX_BYTES: usize = 4096;
/// Memory of a compiled one, in bytes.
const MAX_COMPILED: usize = 1 << 20;
/// Parentheses within each other.
const MAX_NESTED: u32 = 50;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Regular {
    regex: Regex,
}

impl Regular {
    /// Compiles; the error is a reason for people.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_BYTES {
            return Err(format!("it has {} bytes, more than {MAX_BYTES}", pattern.len()));
        }
        let regex = RegexBuilder::new(pattern)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .nest_limit(MAX_NESTED)
            .build();
        let regex = regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => {
                format!("it takes more than {limit} bytes when compiled")
            }
            // The parser draws the place over several lines; the last one says what is wrong.
            error => error.to_string().lines().last().unwrap_or_default().to_owned(),
        })?;
        Ok(Self { regex })
    }

    /// Whether it is found in a string.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}
