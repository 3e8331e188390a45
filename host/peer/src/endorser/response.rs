//! What a client gets for a simulated proposal.

use prost::Message;

use crate::endorser::proposal::UnpackedProposal;
use crate::syscc::proposal_response_payload;
use wasmcc_types::Response;
use wasmcc_types::proto::protos;

/// The parts of a response, until it is clear which of them go out.
pub(super) struct Parts {
    hash: [u8; 32],
    id: protos::ChaincodeId,
    response: protos::Response,
    event: Vec<u8>,
    results: Vec<u8>,
}

impl Parts {
    /// Takes what the chaincode answered. An event counts only if the answer is endorsed.
    pub(super) fn new(
        proposal: &UnpackedProposal,
        version: &str,
        response: Response,
        event: Option<protos::ChaincodeEvent>,
    ) -> Self {
        let Response { status, message, payload } = response;
        let endorsable = status < Response::ERROR_THRESHOLD;
        let event = event.filter(|_| endorsable).map(|event| event.encode_to_vec());
        Self {
            hash: proposal.hash,
            id: protos::ChaincodeId {
                name: proposal.chaincode_id.name.clone(),
                version: version.to_owned(),
                path: String::new(),
            },
            response: protos::Response { status, message, payload },
            event: event.unwrap_or_default(),
            results: Vec::new(),
        }
    }

    /// The chaincode's status.
    pub(super) fn status(&self) -> i32 {
        self.response.status
    }

    /// With the serialized read-write set.
    pub(super) fn with_results(self, results: Vec<u8>) -> Self {
        Self { results, ..self }
    }

    /// Only what the chaincode answered.
    pub(super) fn bare(self) -> protos::ProposalResponse {
        protos::ProposalResponse { response: Some(self.response), ..Default::default() }
    }

    /// A failed chaincode's answer with what it read and wrote, but nobody's signature.
    pub(super) fn failed(
        self,
        results: Vec<u8>,
        interest: Option<protos::ChaincodeInterest>,
    ) -> protos::ProposalResponse {
        let payload = proposal_response_payload(
            &self.hash,
            self.response.clone(),
            results,
            self.event,
            self.id,
        );
        protos::ProposalResponse {
            response: Some(self.response),
            payload: payload.encode_to_vec(),
            interest,
            ..Default::default()
        }
    }

    /// What ESCC is called with.
    pub(super) fn escc_args(self, proposal: &protos::Proposal) -> Vec<Vec<u8>> {
        vec![
            Vec::new(),
            proposal.header.clone(),
            proposal.payload.clone(),
            self.id.encode_to_vec(),
            self.response.encode_to_vec(),
            self.results,
            self.event,
        ]
    }
}
