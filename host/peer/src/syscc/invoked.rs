//! The chaincode that the client called (fabric `protoutil/proputils.go`,
//! `InvokedChaincodeName`).

use wasmcc_types::ProposalContext;

/// Refuses a call from another chaincode. `rejecting` begins the text.
pub(super) fn refuse_chaincodes(
    name: &str,
    proposal: &ProposalContext,
    rejecting: &str,
) -> Result<(), String> {
    match &proposal.called {
        None => Err("Failed to identify the called chaincode: chaincode id is nil".to_owned()),
        Some(called) if called == name => Ok(()),
        Some(called) => Err(format!("{rejecting}, original invocation for '{called}'")),
    }
}
