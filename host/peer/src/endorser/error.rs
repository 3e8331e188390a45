//! Errors for proposals that get no response at all.

use wasmcc_types::ShareFull;

/// A proposal that is refused before it is simulated. gRPC carries the text with code 2 (UNKNOWN),
/// as Fabric's peer does, unless the peer is busy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Rejected {
    text: String,
    is_busy: bool,
    cause: Option<String>,
}

impl Rejected {
    /// Makes a refusal with an unchanged text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_busy: false, cause: None }
    }

    /// Makes the refusal for a failed check of the proposal itself, with Fabric's prefix.
    pub fn invalid(text: impl std::fmt::Display) -> Self {
        Self::new(format!("error validating proposal: {text}"))
    }

    /// Makes the refusal for an expired certificate of the creator. Fabric:
    /// `core/handlers/auth/filter/expiration.go`.
    pub(super) fn expired() -> Self {
        Self::new("proposal client identity expired")
    }

    /// Adds a cause that only the peer's log may contain.
    pub fn because(self, cause: impl std::fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// Returns the cause, which clients must not read.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Returns true if the proposal is not at fault: the client has its maximum of calls in
    /// progress.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }
}

impl From<ShareFull> for Rejected {
    fn from(full: ShareFull) -> Self {
        Self { text: full.to_string(), is_busy: true, cause: None }
    }
}
