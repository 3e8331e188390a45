//! Lets the committer reach the chaincode `vscc` through its handler.

use std::sync::Arc;

use crate::chaincode::{ChaincodeSupport, TxParams};
use crate::committer::{EndorsementValidator, ValidationFailure, ValidationRequest};
use crate::proto::protos;
use crate::syscc::{APPLICATION_POLICY, Vscc};
use crate::types::{Response, TxId};

/// The committer's questions, as executions of VSCC.
pub struct VsccPort {
    support: Arc<ChaincodeSupport>,
}

impl VsccPort {
    /// Asks through `support`.
    pub fn new(support: Arc<ChaincodeSupport>) -> Self {
        Self { support }
    }
}

impl EndorsementValidator for VsccPort {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        let tx_id = TxId::parse(request.tx_id)
            .map_err(|e| ValidationFailure::Infrastructure(e.to_string()))?;
        if self.support.system_chaincode(request.plugin).is_none() {
            let text = format!("there is no validation system chaincode {}", request.plugin);
            return Err(ValidationFailure::Infrastructure(text));
        }
        let tx = TxParams {
            channel_id: request.channel_id.into(),
            tx_id,
            signed_proposal: Arc::default(),
            proposal: Arc::default(),
            org: Arc::default(),
            simulator: None,
            meter: Arc::new(self.support.meter()),
            share: Arc::default(),
            depth: 0,
        };
        let args = vec![
            APPLICATION_POLICY.as_bytes().to_vec(),
            request.envelope.to_vec(),
            request.policy.to_vec(),
        ];
        let input = protos::ChaincodeInput { args, ..Default::default() };
        let answer = self
            .support
            .execute_system(&tx, request.plugin, input)
            .map_err(|error| ValidationFailure::Infrastructure(error.to_string()))?
            .response;
        match answer.status {
            Vscc::UNAVAILABLE => Err(ValidationFailure::Infrastructure(answer.message)),
            Response::ERROR_THRESHOLD.. => Err(ValidationFailure::Policy(answer.message)),
            _ => Ok(()),
        }
    }
}
