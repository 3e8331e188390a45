//! Results of the validation of one transaction other than VALID.
//!
//! Invariant: every peer finds the same `Invalid`; a `Trouble::Fatal` concerns only this machine.
//! An error of the ledger that is not a failure of this machine lies in the data that were read.

use std::fmt::{self, Display};

use crate::fatal::Fatal;
use wasmcc_ledger::LedgerError;
use wasmcc_types::proto::protos::TxValidationCode;

/// An invalid transaction.
#[derive(Debug, PartialEq)]
pub(crate) struct Invalid {
    /// The verdict, which goes into the block.
    pub(crate) code: TxValidationCode,
    /// The reason, human-readable.
    pub(crate) reason: String,
}

impl Invalid {
    pub(crate) fn new(code: TxValidationCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// Puts a name in front of the reason.
    pub(crate) fn about(self, name: impl Display) -> Self {
        Self { reason: format!("{name}: {}", self.reason), ..self }
    }

    /// For `map_err`: makes the verdict on something that does not parse.
    pub(crate) fn cause<E: Display>(
        code: TxValidationCode,
        what: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |error| Self { code, reason: format!("{what}: {error}") }
    }
}

/// Why the validation of a transaction ends early.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The transaction is invalid.
    Invalid(Invalid),
    /// The transaction cannot be judged now.
    Fatal(Fatal),
}

impl Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(invalid) => f.write_str(&invalid.reason),
            Self::Fatal(error) => error.fmt(f),
        }
    }
}

impl From<Invalid> for Trouble {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Fatal> for Trouble {
    fn from(error: Fatal) -> Self {
        Self::Fatal(error)
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        match error.into_machine_failure() {
            Ok(failure) => Self::Fatal(failure.into()),
            Err(error) => {
                Invalid::new(TxValidationCode::InvalidOtherReason, error.to_string()).into()
            }
        }
    }
}
