//! VSCC without launch and handler.

use wasmcc_committer::{EndorsementValidator, ValidationFailure, ValidationRequest};
use wasmcc_peer::syscc::{APPLICATION_POLICY, Vscc, VsccError};

/// Validates endorsements by plain calls.
pub(crate) struct DirectVscc(pub(crate) Vscc);

impl EndorsementValidator for DirectVscc {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        let kind = APPLICATION_POLICY.as_bytes().to_vec();
        let args = [kind, Vec::new(), request.policy.to_vec()];
        self.0.validate_lent(request.transaction, &args).map_err(|error| match error {
            VsccError::Invalid(reason) => ValidationFailure::Policy(reason),
            VsccError::Unavailable(reason) => ValidationFailure::Infrastructure(reason),
        })
    }
}
