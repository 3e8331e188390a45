//! Why a proposal gets no response at all.

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
    /// With the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_busy: false, cause: None }
    }

    /// A failed check of the proposal itself, with Fabric's prefix.
    pub fn invalid(text: impl std::fmt::Display) -> Self {
        Self::new(format!("error validating proposal: {text}"))
    }

    /// The creator's certificate has expired. Fabric: `core/handlers/auth/filter/expiration.go`.
    pub(super) fn expired() -> Self {
        Self::new("proposal client identity expired")
    }

    /// With what only the peer's log may say.
    pub fn because(self, cause: impl std::fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// What clients do not get to read.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Whether nothing is wrong with the proposal: the client has as many calls in progress as it
    /// may have.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }
}

impl From<ShareFull> for Rejected {
    fn from(full: ShareFull) -> Self {
        Self { text: full.to_string(), is_busy: true, cause: None }
    }
}
