//! Errors of unexpected JSON, with the texts of serde and serde_json.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// An error of unexpected JSON, with its position.
#[derive(Debug)]
pub(crate) struct ReadError {
    words: String,
    /// The number of bytes that were read; None for errors that serde made.
    at: Option<usize>,
}

impl ReadError {
    pub(super) fn at(at: usize, words: &str) -> Self {
        Self { words: words.to_owned(), at: Some(at) }
    }

    /// Sets the position of an error that has none yet.
    pub(super) fn or_at(mut self, at: usize) -> Self {
        self.at.get_or_insert(at);
        self
    }

    /// Appends the position as a line and a column.
    #[inline(never)]
    pub(super) fn in_text(mut self, json: &[u8]) -> Self {
        let Some(read) = self.at.and_then(|at| json.get(..at)) else { return self };
        let line = 1 + read.iter().filter(|byte| **byte == b'\n').count();
        let column = read.iter().rev().take_while(|byte| **byte != b'\n').count();
        self.words = format!("{} at line {line} column {column}", self.words);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for ReadError {}

impl Error for ReadError {
    #[inline(never)]
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self { words: words.to_string(), at: None }
    }

    #[inline(never)]
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid type: {}, expected {expected}", Named(unexpected)))
    }

    #[inline(never)]
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid value: {}, expected {expected}", Named(unexpected)))
    }
}

/// Displays an unexpected value as serde_json does. Floating point numbers are omitted: the code
/// that prints them is 20 kB of a component.
struct Named<'a>(Unexpected<'a>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Unexpected::Bool(value) => return write!(f, "boolean `{value}`"),
            Unexpected::Unsigned(value) => return write!(f, "integer `{value}`"),
            Unexpected::Signed(value) => return write!(f, "integer `{value}`"),
            Unexpected::Char(value) => return write!(f, "character `{value}`"),
            Unexpected::Str(value) => return write!(f, "string {value:?}"),
            Unexpected::Other(words) => words,
            Unexpected::Float(_) => "floating point number",
            Unexpected::Bytes(_) => "byte array",
            Unexpected::Unit => "null",
            Unexpected::Option => "Option value",
            Unexpected::NewtypeStruct => "newtype struct",
            Unexpected::Seq => "sequence",
            Unexpected::Map => "map",
            Unexpected::Enum => "enum",
            Unexpected::UnitVariant => "unit variant",
            Unexpected::NewtypeVariant => "newtype variant",
            Unexpected::TupleVariant => "tuple variant",
            Unexpected::StructVariant => "struct variant",
        })
    }
}
