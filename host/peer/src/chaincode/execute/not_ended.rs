//! Whether other peers come to the same end of a call.
//!
//! A chaincode may go on with what every peer answers. An end that only this peer comes to stops
//! every chaincode that waits for it, and nothing is endorsed.

use wasmcc_runtime::ErrorKind;

/// Why a call has no response, and who agrees on that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEnded<E> {
    /// Every peer with the same ledger comes to this end.
    #[error("{0}")]
    Everywhere(E),
    /// Another peer may get further: this one failed, was too slow, or is not ready.
    #[error("{0}")]
    OnThisPeer(E),
}

impl<E> NotEnded<E> {
    /// With the end that depends on who comes to it.
    pub(super) fn new(is_of_this_peer: bool, cause: E) -> Self {
        if is_of_this_peer { Self::OnThisPeer(cause) } else { Self::Everywhere(cause) }
    }

    /// What happened.
    pub fn cause(&self) -> &E {
        match self {
            Self::Everywhere(cause) | Self::OnThisPeer(cause) => cause,
        }
    }

    /// The same end with another cause.
    pub(super) fn map<T>(self, change: impl FnOnce(E) -> T) -> NotEnded<T> {
        match self {
            Self::Everywhere(cause) => NotEnded::Everywhere(change(cause)),
            Self::OnThisPeer(cause) => NotEnded::OnThisPeer(change(cause)),
        }
    }

    /// What it is for a chaincode whose call ended so.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Everywhere(_) => ErrorKind::LedgerFailure,
            Self::OnThisPeer(_) => ErrorKind::TransactionOver,
        }
    }
}
