//! Says whether other peers come to the same end of a call.
//!
//! If every peer comes to it, a calling chaincode gets it as an answer and may continue. If only
//! this peer does, every chaincode that waits for it is stopped, and nothing is endorsed.

use wasmcc_runtime::ErrorKind;

/// Why a call has no response, and whether other peers come to the same.
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
    /// Chooses the variant.
    pub(super) fn new(is_of_this_peer: bool, cause: E) -> Self {
        if is_of_this_peer { Self::OnThisPeer(cause) } else { Self::Everywhere(cause) }
    }

    /// What happened.
    pub fn cause(&self) -> &E {
        match self {
            Self::Everywhere(cause) | Self::OnThisPeer(cause) => cause,
        }
    }

    /// Whether another peer may get further.
    pub fn is_of_this_peer(&self) -> bool {
        matches!(self, Self::OnThisPeer(_))
    }

    /// The same end with another cause.
    pub(super) fn map<T>(self, change: impl FnOnce(E) -> T) -> NotEnded<T> {
        match self {
            Self::Everywhere(cause) => NotEnded::Everywhere(change(cause)),
            Self::OnThisPeer(cause) => NotEnded::OnThisPeer(change(cause)),
        }
    }

    /// The kind of refusal for the calling chaincode.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Everywhere(_) => ErrorKind::LedgerFailure,
            Self::OnThisPeer(_) => ErrorKind::TransactionOver,
        }
    }
}
