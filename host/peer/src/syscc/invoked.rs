//! The chaincode that the client called (fabric `protoutil/proputils.go`,
//! `InvokedChaincodeName`).

use prost::{DecodeError, Message};

use wasmcc_types::proto::protos;

/// Why a system chaincode that only clients may call refuses a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallerError {
    /// The proposal does not name the chaincode that the client called.
    #[error("Failed to identify the called chaincode: {0}")]
    Unidentified(#[from] InvokedError),
    /// The client called another chaincode.
    #[error("{rejecting}, original invocation for '{invoked}'")]
    Chaincode {
        /// Begins the text.
        rejecting: &'static str,
        /// The chaincode that the client called.
        invoked: String,
    },
}

/// Why the chaincode that the client called is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvokedError {
    /// A part of the proposal cannot be read.
    #[error("could not unmarshal {part}: {error}")]
    Unreadable {
        /// Which part.
        part: &'static str,
        /// Why.
        error: DecodeError,
    },
    /// The specification is missing.
    #[error("chaincode spec is nil")]
    NoSpec,
    /// The specification has no name.
    #[error("chaincode id is nil")]
    NoId,
}

/// Refuses a call of the system chaincode `name` from another chaincode. `rejecting` begins the
/// text.
pub(super) fn refuse_chaincodes(
    name: &str,
    signed: &protos::SignedProposal,
    rejecting: &'static str,
) -> Result<(), CallerError> {
    let invoked = invoked_chaincode(signed)?;
    if invoked == name { Ok(()) } else { Err(CallerError::Chaincode { rejecting, invoked }) }
}

/// The name in the invocation's specification. The header may have another one.
fn invoked_chaincode(signed: &protos::SignedProposal) -> Result<String, InvokedError> {
    let unreadable = |part, error| InvokedError::Unreadable { part, error };
    let proposal = protos::Proposal::decode(signed.proposal_bytes.as_slice())
        .map_err(|error| unreadable("proposal", error))?;
    let payload = protos::ChaincodeProposalPayload::decode(proposal.payload.as_slice())
        .map_err(|error| unreadable("chaincode proposal payload", error))?;
    let invocation = protos::ChaincodeInvocationSpec::decode(payload.input.as_slice())
        .map_err(|error| unreadable("chaincode invocation spec", error))?;
    let spec = invocation.chaincode_spec.ok_or(InvokedError::NoSpec)?;
    Ok(spec.chaincode_id.ok_or(InvokedError::NoId)?.name)
}
