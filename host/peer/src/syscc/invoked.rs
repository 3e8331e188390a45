//! The chaincode that the client called (fabric `protoutil/proputils.go`,
//! `InvokedChaincodeName`).

use wasmcc_types::ProposalContext;

/// The reason why a system chaincode that only clients may call refuses a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallerError {
    /// The proposal does not name the chaincode that the client called.
    #[error("Failed to identify the called chaincode: chaincode id is nil")]
    Unidentified,
    /// The client called another chaincode.
    #[error("{rejecting}, original invocation for '{invoked}'")]
    Chaincode {
        /// The beginning of the text.
        rejecting: &'static str,
        /// The chaincode that the client called.
        invoked: String,
    },
}

/// Refuses a call of the system chaincode `name` from another chaincode. The text begins with
/// `rejecting`.
pub(super) fn refuse_chaincodes(
    name: &str,
    proposal: &ProposalContext,
    rejecting: &'static str,
) -> Result<(), CallerError> {
    match &proposal.called {
        None => Err(CallerError::Unidentified),
        Some(called) if called == name => Ok(()),
        Some(called) => Err(CallerError::Chaincode { rejecting, invoked: called.to_string() }),
    }
}
