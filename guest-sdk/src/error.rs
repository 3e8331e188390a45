//! Refusals of a transaction.
//!
//! Invariant: an error has exactly what the client receives: a status and a text, no internals.

use std::fmt;

/// The result of a function that may refuse a transaction.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal: the status and the message of the chaincode's response.
///
/// Every error type converts into it with `?` and status 500, as in Fabric's contract API. To let a
/// client distinguish refusals, give them a status of their own:
///
/// ```
/// use wasmcc_sdk::Error;
/// let error = Error::new(404, "the asset a1 does not exist");
/// assert_eq!((error.status(), error.message()), (404, "the asset a1 does not exist"));
/// let parsed: Result<u32, Error> = "five".parse::<u32>().map_err(Error::from);
/// assert_eq!(parsed.unwrap_err().status(), 500);
/// ```
// `std::error::Error` is deliberately not implemented: the conversion from every error would
// conflict with the conversion from `Error` itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    status: i32,
    message: String,
    refusal: Option<RefusalKind>,
}

impl Error {
    /// Returns a refusal with a status of at least 400. A lower status would be endorsed, so it
    /// becomes 500.
    pub fn new(status: i32, message: impl Into<String>) -> Self {
        let status = if status < 400 { 500 } else { status };
        Self { status, message: message.into(), refusal: None }
    }

    /// Returns status 500, the status of every error in Fabric's contract API.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, message)
    }

    /// Returns status 400: the client's arguments are wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// Returns status 403: the client may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    /// Returns status 404: the requested item does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// Returns status 409: the ledger is not in the state that the client expects.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// Returns the same refusal with `what: ` before its message.
    ///
    /// ```
    /// use wasmcc_sdk::Error;
    /// let error = Error::not_found("no asset a1").context("failed to transfer");
    /// assert_eq!((error.status(), error.message()), (404, "failed to transfer: no asset a1"));
    /// ```
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Returns the status of the response, 400 or more.
    pub fn status(&self) -> i32 {
        self.status
    }

    /// Returns the message of the response.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the kind of refusal, if the peer refused a call.
    pub fn refusal(&self) -> Option<RefusalKind> {
        self.refusal
    }

    pub(crate) fn into_message(self) -> String {
        self.message
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let (kind, message) = match refusal {
            Refusal::InvalidArgument(text) => (RefusalKind::InvalidArgument, text),
            Refusal::NotPermitted(text) => (RefusalKind::NotPermitted, text),
            Refusal::Unsupported(text) => (RefusalKind::Unsupported, text),
            Refusal::LimitExceeded(text) => (RefusalKind::LimitExceeded, text),
            Refusal::LedgerFailure(text) => (RefusalKind::LedgerFailure, text),
        };
        Self { refusal: Some(kind), ..Self::internal(message) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.status)
    }
}

/// A refusal of a call by the peer: the WIT's `types.error`. The text is Fabric's if Fabric has
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "the mock ledger has no limits and does not fail")
)]
pub(crate) enum Refusal {
    InvalidArgument(String),
    NotPermitted(String),
    Unsupported(String),
    LimitExceeded(String),
    LedgerFailure(String),
}

/// The kind of a refused call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The arguments break a rule of the interface. Nothing was recorded.
    InvalidArgument,
    /// The creator of the transaction, or this kind of transaction, may not do this.
    NotPermitted,
    /// This peer does not support the call, for example a rich query on a plain key/value store.
    Unsupported,
    /// A limit of the peer was reached; the message names it.
    LimitExceeded,
    /// The peer tried and failed.
    LedgerFailure,
}

/// Refuses the transaction unless a condition holds.
///
/// ```
/// use wasmcc_sdk::{Error, Result, ensure};
/// fn pay(balance: u64, amount: u64) -> Result<u64> {
///     ensure!(amount <= balance, 409, "only {balance} left");
///     Ok(balance - amount)
/// }
/// assert_eq!(pay(5, 6).unwrap_err(), Error::new(409, "only 5 left"));
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $status:literal, $($text:tt)+) => {
        if !$condition {
            return Err($crate::Error::new($status, format!($($text)+)).into());
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_peer_keeps_its_kind_and_its_words() {
        let error = Error::from(Refusal::Unsupported("ExecuteQuery not supported".into()));
        assert_eq!(error.refusal(), Some(RefusalKind::Unsupported));
        assert_eq!((error.status(), error.message()), (500, "ExecuteQuery not supported"));
    }

    #[test]
    fn an_error_is_never_endorsed() {
        assert_eq!(Error::new(200, "").status(), 500);
        assert_eq!(Error::new(399, "").status(), 500);
        assert_eq!(Error::new(400, "").status(), 400);
    }
}
