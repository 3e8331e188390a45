//! What a client gets for a simulated proposal.

use prost::Message;

use crate::chaincode::ToEndorse;
use crate::endorser::proposal::UnpackedProposal;
use crate::syscc::proposal_response_payload;
use wasmcc_types::Response;
use wasmcc_types::proto::protos;

/// The parts of a response, until it is clear which of them go out.
pub(super) struct Parts(ToEndorse);

impl Parts {
    /// Takes what the chaincode answered. An event counts only if the answer is endorsed.
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

    /// The chaincode's status.
    pub(super) fn status(&self) -> i32 {
        self.0.response.status
    }

    /// Only what the chaincode answered.
    pub(super) fn bare(self) -> protos::ProposalResponse {
        protos::ProposalResponse { response: Some(self.0.response), ..Default::default() }
    }

    /// A failed chaincode's answer with what it read and wrote, but nobody's signature.
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

    /// What ESCC gets.
    pub(super) fn into_wanted(self) -> ToEndorse {
        self.0
    }
}
