//! Errors of a client: responses that cannot be used.

use prost::DecodeError;

/// An error of a proposal or of the responses to it. Texts follow Fabric's `protoutil/txutils.go`
/// where it has one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A message does not parse.
    #[error("cannot read the {what}: {source}")]
    Decode {
        /// The name of the message.
        what: &'static str,
        /// The decoder's error.
        #[source]
        source: DecodeError,
    },
    /// A message lacks a part.
    #[error("the {what} has no {part}")]
    Missing {
        /// The name of the message.
        what: &'static str,
        /// The name of the part.
        part: &'static str,
    },
    /// No peer answered.
    #[error("at least one proposal response is required")]
    NoResponses,
    /// The chaincode or the peer refused the proposal.
    #[error("proposal response was not successful, error code {status}, msg {message}")]
    Unsuccessful {
        /// The response's status, at least 400.
        status: i32,
        /// The response's message.
        message: String,
    },
    /// The endorsers returned different results.
    #[error("ProposalResponsePayloads do not match")]
    Mismatch,
    /// All endorsers agree, but none has signed.
    #[error("no endorsements")]
    NoEndorsements,
}
