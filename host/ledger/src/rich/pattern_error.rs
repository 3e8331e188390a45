//! Errors of regular expressions in queries.
//!
//! Invariant: these are errors of the query, never of the ledger.

/// The reason why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("it has {bytes} bytes, more than {limit}")]
    TooLong { bytes: usize, limit: usize },
    #[error("the expressions of a selector take more than {limit} bytes when compiled")]
    TooLarge { limit: usize },
    /// The syntax needs backtracking.
    #[error("{what} are not supported: they need a backtracking engine")]
    Unsupported { what: String },
    #[error("it ends with \\")]
    EndsWithBackslash,
    #[error("it ends within a group")]
    OpenGroup,
    #[error("the name of a group has no end")]
    OpenGroupName,
    #[error("unknown flag {flag:?} of a group")]
    UnknownFlag { flag: char },
    #[error("a class has no end")]
    OpenClass,
    #[error("there is no class [:{name}:]")]
    UnknownClass { name: String },
    #[error("the range {low:?} to {high:?} is the wrong way round")]
    ReversedRange { low: char, high: char },
    #[error("\\{letter} in a class")]
    NotInClass { letter: char },
    #[error("a property has no end")]
    OpenProperty,
    #[error("unknown escape \\{letter}")]
    UnknownEscape { letter: char },
    #[error("\\c is not followed by a letter")]
    NoControlLetter,
    #[error("the number of a character has no end")]
    OpenNumber,
    #[error("there is no character with the number {digits}")]
    NoCharacter { digits: String },
    /// The engine refused the translated expression; its text.
    #[error("{reason}")]
    Engine { reason: String },
}
