//! Lets the committer call the chaincode `vscc` through its handler.

use std::sync::Arc;

use wasmcc_committer::{EndorsementValidator, ValidationFailure, ValidationRequest};
use wasmcc_peer::chaincode::{ChaincodeSupport, Lent, TxParams};
use wasmcc_peer::syscc::{APPLICATION_POLICY, Vscc};
use wasmcc_types::Response;
use wasmcc_types::proto::protos;

/// Executes VSCC for the committer.
pub(crate) struct VsccPort {
    support: Arc<ChaincodeSupport>,
}

impl VsccPort {
    /// Makes a port that executes with `support`.
    pub(crate) fn new(support: Arc<ChaincodeSupport>) -> Self {
        Self { support }
    }
}

impl EndorsementValidator for VsccPort {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        let tx = TxParams {
            channel_id: request.channel_id.as_str().into(),
            tx_id: request.tx_id.clone(),
            proposal: Arc::default(),
            org: Arc::default(),
            simulator: None,
            meter: Arc::new(self.support.meter()),
            share: Arc::default(),
            depth: 0,
        };
        let kind = APPLICATION_POLICY.as_bytes().to_vec();
        let args = vec![kind, Vec::new(), request.policy.to_vec()];
        let lent = Lent::Transaction(request.transaction);
        let input = protos::ChaincodeInput { args, ..Default::default() };
        let answer = self
            .support
            .execute_lending(&tx, request.validator.name(), input, lent)
            .map_err(|error| ValidationFailure::Infrastructure(error.to_string()))?
            .response;
        match answer.status {
            Vscc::UNAVAILABLE => Err(ValidationFailure::Infrastructure(answer.message)),
            Response::ERROR_THRESHOLD.. => Err(ValidationFailure::Policy(answer.message)),
            _ => Ok(()),
        }
    }
}
