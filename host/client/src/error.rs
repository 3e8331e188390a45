//! Errors of a client: answers that cannot be used.

use prost::DecodeError;

/// What is wrong with a proposal or with the answers to it. Texts follow Fabric's
/// `protoutil/txutils.go` where it has one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A message does not parse.
    #[error("cannot read the {what}: {source}")]
    Decode {
        /// Which message.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// A message lacks a part.
    #[error("the {what} has no {part}")]
    Missing {
        /// Which message.
        what: &'static str,
        /// Which part.
        part: &'static str,
    },
    /// No peer answered.
    #[error("at least one proposal response is required")]
    NoResponses,
    /// The chaincode or the peer refused.
    #[error("proposal response was not successful, error code {status}, msg {message}")]
    Unsuccessful {
        /// At least 400.
        status: i32,
        /// The peer's text.
        message: String,
    },
    /// Endorsers disagree.
    #[error("ProposalResponsePayloads do not match")]
    Mismatch,
    /// All endorsers agree, none has signed.
    #[error("no endorsements")]
    NoEndorsements,
}
