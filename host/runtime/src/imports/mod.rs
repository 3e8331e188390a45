//! The imports of guests, one file per WIT interface: each function converts its arguments, checks
//! the limits and calls the [`Backend`](crate::Backend).
//!
//! Does not make decisions: the shim's rules are in `rules`, the peer's behind the port.

#[allow(unreachable_pub, reason = "the bindings re-export its iterators")]
mod cursor;
mod event;
mod invocation;
mod log;
mod pages;
mod private_data;
mod query;
mod rows;
mod state;
mod transaction;
mod v0_1;

#[allow(unreachable_pub, reason = "the bindings re-export them")]
pub use cursor::{HistoryIterator, StateIterator};

use std::fmt;

use crate::backend::{BackendError, ErrorKind};
use crate::bindings::fabric::chaincode::types::{Entry, Error, Host};
use crate::cost::Received;
use crate::failure::{Failure, Stop};
use crate::rules::RuleError;
use crate::tx_state::TxState;

/// The result of a host function: an outer error ends the guest, an inner error is an answer to it.
pub(crate) type ImportResult<T> = wasmtime::Result<Result<T, Error>>;

impl Host for TxState {}

/// Converts named bytes for the guest.
fn entry((name, value): (String, Vec<u8>)) -> Entry {
    Entry { name, value }
}

/// Returns the inner error for a broken rule of the shim.
fn invalid<T>(broken: impl fmt::Display) -> ImportResult<T> {
    Ok(Err(Error::InvalidArgument(broken.to_string())))
}

impl TxState {
    /// Counts a call of `bytes` bytes and answers it with the broken rule of the shim.
    fn refuse<T>(&mut self, bytes: usize, broken: RuleError) -> ImportResult<T> {
        self.count_call(bytes)?;
        invalid(broken)
    }

    /// Charges for the port's answer and converts it to that of the WIT package. A refusal is free:
    /// its text is not longer than the request, and not part of the protocol.
    fn answer<T: Received>(&mut self, result: Result<T, BackendError>) -> ImportResult<T> {
        if let Ok(value) = &result {
            self.charge(value.cost());
        }
        answer(result)
    }
}

/// Converts the port's answer to that of the WIT package.
fn answer<T>(result: Result<T, BackendError>) -> ImportResult<T> {
    let BackendError { kind, text } = match result {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => error,
    };
    Ok(Err(match kind {
        ErrorKind::InvalidArgument => Error::InvalidArgument(text),
        ErrorKind::NotPermitted => Error::NotPermitted(text),
        ErrorKind::Unsupported => Error::Unsupported(text),
        ErrorKind::LimitExceeded => Error::LimitExceeded(text),
        ErrorKind::LedgerFailure | ErrorKind::CalleeFailed => Error::LedgerFailure(text),
        ErrorKind::TransactionOver => return Err(Stop(Failure::TransactionOver(text)).into()),
    }))
}
