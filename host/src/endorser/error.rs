//! Why a proposal gets no response at all.

/// A proposal that is refused before it is simulated. gRPC carries the text with code 2 (UNKNOWN),
/// as Fabric's peer does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rejected(String);

impl Rejected {
    /// With the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A failed check of the proposal itself, with Fabric's prefix.
    pub fn invalid(text: impl std::fmt::Display) -> Self {
        Self(format!("error validating proposal: {text}"))
    }
}
