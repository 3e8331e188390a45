//! Distinguishes ends of a call that every peer gets from those of only this peer.
//!
//! If every peer gets it, a calling chaincode gets it as an answer and may continue. If only this
//! peer does, every chaincode that waits for the call is stopped, and nothing is endorsed.

use wasmcc_runtime::ErrorKind;

/// The reason why a call has no response, and whether other peers get the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEnded<E> {
    /// Every peer with the same ledger gets this end.
    #[error("{0}")]
    Everywhere(E),
    /// Another peer may succeed: this one failed, was too slow, or is not ready.
    #[error("{0}")]
    OnThisPeer(E),
}

impl<E> NotEnded<E> {
    /// Selects the variant.
    pub(super) fn new(is_of_this_peer: bool, cause: E) -> Self {
        if is_of_this_peer { Self::OnThisPeer(cause) } else { Self::Everywhere(cause) }
    }

    /// Returns the cause.
    pub fn cause(&self) -> &E {
        match self {
            Self::Everywhere(cause) | Self::OnThisPeer(cause) => cause,
        }
    }

    /// Returns true if another peer may succeed.
    pub fn is_of_this_peer(&self) -> bool {
        matches!(self, Self::OnThisPeer(_))
    }

    /// Returns the same end with another cause.
    pub(super) fn map<T>(self, change: impl FnOnce(E) -> T) -> NotEnded<T> {
        match self {
            Self::Everywhere(cause) => NotEnded::Everywhere(change(cause)),
            Self::OnThisPeer(cause) => NotEnded::OnThisPeer(change(cause)),
        }
    }

    /// Returns the kind of refusal for the calling chaincode.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Everywhere(_) => ErrorKind::LedgerFailure,
            Self::OnThisPeer(_) => ErrorKind::TransactionOver,
        }
    }
}
