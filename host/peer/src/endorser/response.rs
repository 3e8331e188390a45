//! The response of a client's proposal that was simulated.

use prost::Message;

use crate::chaincode::ToEndorse;
use crate::endorser::proposal::UnpackedProposal;
use crate::syscc::proposal_response_payload;
use wasmcc_types::Response;
use wasmcc_types::proto::protos;

/// The parts of a response, before it is decided which of them are sent.
pub(super) struct Parts(ToEndorse);

impl Parts {
    /// Takes the chaincode's answer. An event counts only if the answer is endorsed.
    pub(super) fn new(
        proposal: &UnpackedProposal,
        version: &str,
        response: Response,
        event: Option<protos::ChaincodeEvent>,
        results: Vec<u8>,
    ) -> Self {
        let Response { status, message, payload } = response;
        let endorsable = status < Response::ERROR_THRESHOLD;
        let event = event.filter(|_| endorsable).map(|event| event.encode_to_vec());
        Self(ToEndorse {
            hash: proposal.hash,
            id: protos::ChaincodeId {
                name: proposal.chaincode_id.name.clone(),
                version: version.to_owned(),
                path: String::new(),
            },
            response: protos::Response { status, message, payload },
            event: event.unwrap_or_default(),
            results,
        })
    }

    /// Returns the chaincode's status.
    pub(super) fn status(&self) -> i32 {
        self.0.response.status
    }

    /// Returns only the chaincode's answer.
    pub(super) fn bare(self) -> protos::ProposalResponse {
        protos::ProposalResponse { response: Some(self.0.response), ..Default::default() }
    }

    /// Returns a failed chaincode's answer with its reads and writes, but without a signature.
    pub(super) fn failed(
        self,
        interest: Option<protos::ChaincodeInterest>,
    ) -> protos::ProposalResponse {
        let ToEndorse { hash, id, response, results, event } = self.0;
        let payload = proposal_response_payload(&hash, response.clone(), results, event, id);
        protos::ProposalResponse {
            response: Some(response),
            payload: payload.encode_to_vec(),
            interest,
            ..Default::default()
        }
    }

    /// Returns the input for ESCC.
    pub(super) fn into_wanted(self) -> ToEndorse {
        self.0
    }
}
