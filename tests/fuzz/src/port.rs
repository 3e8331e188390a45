//! The committer's port to VSCC.
//!
//! Invariant: it forwards calls and contains no rules.

use std::sync::Arc;

use wasmcc_channel::Channels;
use wasmcc_channel::vscc::{APPLICATION_POLICY, Vscc, VsccError};
use wasmcc_committer::{EndorsementValidator, ValidationFailure, ValidationRequest};

struct Port(Vscc);

/// Returns the VSCC of a peer with these channels.
pub fn vscc(channels: &Arc<Channels>) -> Arc<dyn EndorsementValidator> {
    Arc::new(Port(Vscc::new(Arc::clone(channels))))
}

impl EndorsementValidator for Port {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        let args =
            [APPLICATION_POLICY.as_bytes(), request.envelope, request.policy].map(<[u8]>::to_vec);
        self.0.validate(&args).map_err(|error| match error {
            VsccError::Invalid(reason) => ValidationFailure::Policy(reason),
            VsccError::Unavailable(reason) => ValidationFailure::Infrastructure(reason),
        })
    }
}
