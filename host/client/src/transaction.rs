//! Assembles a transaction from a proposal and its endorsements.

use std::collections::HashSet;

use prost::Message;

use crate::ClientError;
use wasmcc_msp::SigningIdentity;
use wasmcc_types::Response;
use wasmcc_types::proto::{common, protos};

fn decode<M: Message + Default>(bytes: &[u8], what: &'static str) -> Result<M, ClientError> {
    M::decode(bytes).map_err(|source| ClientError::Decode { what, source })
}

/// Returns the unsigned transaction for `proposal`, with the endorsements of all `responses`
/// (Fabric: `protoutil/txutils.go`, `CreateTx`). All endorsers must have endorsed the same result.
pub fn transaction(
    proposal: &protos::SignedProposal,
    responses: &[protos::ProposalResponse],
) -> Result<common::Envelope, ClientError> {
    let proposal: protos::Proposal = decode(&proposal.proposal_bytes, "proposal")?;
    let header: common::Header = decode(&proposal.header, "proposal's header")?;
    let payload: protos::ChaincodeProposalPayload =
        decode(&proposal.payload, "proposal's payload")?;
    // Transient data is not part of a transaction.
    let visible = protos::ChaincodeProposalPayload { input: payload.input, ..Default::default() };
    transaction_of(header, visible.encode_to_vec(), responses)
}

/// As [`transaction`], for a proposal that is decoded already: `visible` is its serialized
/// `protos.ChaincodeProposalPayload` without transient data.
pub fn transaction_of(
    header: common::Header,
    visible: Vec<u8>,
    responses: &[protos::ProposalResponse],
) -> Result<common::Envelope, ClientError> {
    let endorsements = endorsements(responses)?;
    let first = responses.first().ok_or(ClientError::NoResponses)?;
    let action = protos::ChaincodeEndorsedAction {
        proposal_response_payload: first.payload.clone(),
        endorsements,
    };
    let action_payload = protos::ChaincodeActionPayload {
        chaincode_proposal_payload: visible,
        action: Some(action),
    };
    let action = protos::TransactionAction {
        header: header.signature_header.clone(),
        payload: action_payload.encode_to_vec(),
    };
    let data = protos::Transaction { actions: vec![action] }.encode_to_vec();
    let payload = common::Payload { header: Some(header), data }.encode_to_vec();
    Ok(common::Envelope { payload, signature: Vec::new() })
}

/// Returns the endorsements of the responses, each endorser once. All responses must be successful
/// and equal.
fn endorsements(
    responses: &[protos::ProposalResponse],
) -> Result<Vec<protos::Endorsement>, ClientError> {
    let first = responses.first().ok_or(ClientError::NoResponses)?;
    let mut endorsements = Vec::with_capacity(responses.len());
    let mut endorsers = HashSet::new();
    for response in responses {
        let part = "response";
        let missing = ClientError::Missing { what: "proposal response", part };
        let said = response.response.as_ref().ok_or(missing)?;
        if !(Response::OK..Response::ERROR_THRESHOLD).contains(&said.status) {
            let message = said.message.clone();
            return Err(ClientError::Unsuccessful { status: said.status, message });
        }
        if response.payload != first.payload {
            return Err(ClientError::Mismatch);
        }
        if let Some(endorsement) = &response.endorsement
            && endorsers.insert(endorsement.endorser.as_slice())
        {
            endorsements.push(endorsement.clone());
        }
    }
    match endorsements.is_empty() {
        true => Err(ClientError::NoEndorsements),
        false => Ok(endorsements),
    }
}

/// Signs the payload of an envelope.
pub fn sign_envelope(envelope: common::Envelope, signer: &SigningIdentity) -> common::Envelope {
    let signature = signer.sign(&envelope.payload);
    common::Envelope { signature, ..envelope }
}

/// Returns the chaincode's action of a transaction, as [`transaction`] or a gateway assembled it.
pub fn endorsed_action(
    envelope: &common::Envelope,
) -> Result<protos::ChaincodeAction, ClientError> {
    let missing = |what, part| ClientError::Missing { what, part };
    let payload: common::Payload = decode(&envelope.payload, "payload")?;
    let transaction: protos::Transaction = decode(&payload.data, "transaction")?;
    let action = transaction.actions.first().ok_or_else(|| missing("transaction", "action"))?;
    let action: protos::ChaincodeActionPayload = decode(&action.payload, "action's payload")?;
    let endorsed = action.action.ok_or_else(|| missing("action's payload", "action"))?;
    chaincode_action(&endorsed.proposal_response_payload)
}

/// Decodes the chaincode's response, event and read-write set from the `payload` of a proposal
/// response, which is also the `proposal_response_payload` of a transaction.
pub fn chaincode_action(payload: &[u8]) -> Result<protos::ChaincodeAction, ClientError> {
    let payload: protos::ProposalResponsePayload = decode(payload, "proposal response payload")?;
    decode(&payload.extension, "chaincode action")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn channel_file(name: &str) -> Vec<u8> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/channel");
        std::fs::read(root.join(name)).unwrap()
    }

    fn ok() -> (protos::SignedProposal, protos::ProposalResponse) {
        let proposal = channel_file("ok.signedproposal");
        let response = channel_file("ok.proposalresponse");
        (
            protos::SignedProposal::decode(proposal.as_slice()).unwrap(),
            protos::ProposalResponse::decode(response.as_slice()).unwrap(),
        )
    }

    /// Splits a transaction of a real block into the parts that its client had.
    fn parts(envelope: &common::Envelope) -> (protos::SignedProposal, protos::ProposalResponse) {
        let payload = common::Payload::decode(envelope.payload.as_slice()).unwrap();
        let transaction = protos::Transaction::decode(payload.data.as_slice()).unwrap();
        let action = &transaction.actions[0].payload;
        let action = protos::ChaincodeActionPayload::decode(action.as_slice()).unwrap();
        let proposal = protos::Proposal {
            header: payload.header.unwrap().encode_to_vec(),
            payload: action.chaincode_proposal_payload,
            ..Default::default()
        };
        let endorsed = action.action.unwrap();
        let response = protos::ProposalResponse {
            response: Some(protos::Response { status: 200, ..Default::default() }),
            payload: endorsed.proposal_response_payload,
            endorsement: endorsed.endorsements.first().cloned(),
            ..Default::default()
        };
        let proposal_bytes = proposal.encode_to_vec();
        (protos::SignedProposal { proposal_bytes, signature: Vec::new() }, response)
    }

    #[test]
    fn golden_transactions_are_assembled_byte_for_byte() {
        let mut compared = 0;
        for number in 1..46 {
            let block = channel_file(&format!("b{number:03}.block"));
            let block = common::Block::decode(block.as_slice()).unwrap();
            for envelope in block.data.unwrap().data {
                let envelope = common::Envelope::decode(envelope).unwrap();
                let payload = common::Payload::decode(envelope.payload.as_slice()).unwrap();
                let header = payload.header.unwrap().channel_header;
                let header = common::ChannelHeader::decode(header.as_slice()).unwrap();
                if header.r#type != i32::from(common::HeaderType::EndorserTransaction) {
                    continue;
                }
                let (proposal, response) = parts(&envelope);
                let again = transaction(&proposal, &[response]).unwrap();
                let original = parts(&again);
                assert_eq!(original.1.endorsement, parts(&envelope).1.endorsement);
                if endorsement_count(&envelope) == 1 {
                    assert_eq!(again.payload, envelope.payload, "block {number}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 30, "{compared}");
    }

    fn endorsement_count(envelope: &common::Envelope) -> usize {
        let payload = common::Payload::decode(envelope.payload.as_slice()).unwrap();
        let transaction = protos::Transaction::decode(payload.data.as_slice()).unwrap();
        let action = &transaction.actions[0].payload;
        let action = protos::ChaincodeActionPayload::decode(action.as_slice()).unwrap();
        action.action.unwrap().endorsements.len()
    }

    #[test]
    fn a_golden_answer_becomes_a_transaction() {
        let (proposal, response) = ok();
        let envelope = transaction(&proposal, std::slice::from_ref(&response)).unwrap();
        let (_, again) = parts(&envelope);
        assert_eq!(again.payload, response.payload);
        assert_eq!(again.endorsement, response.endorsement);
        let action = chaincode_action(&again.payload).unwrap();
        assert_eq!(action.response.unwrap().status, 200);
    }

    #[test]
    fn one_endorser_counts_once() {
        let (proposal, response) = ok();
        let envelope = transaction(&proposal, &[response.clone(), response]).unwrap();
        assert_eq!(endorsement_count(&envelope), 1);
    }

    #[test]
    fn endorsers_must_agree() {
        let (proposal, response) = ok();
        let other = protos::ProposalResponse { payload: b"other".to_vec(), ..response.clone() };
        let error = transaction(&proposal, &[response, other]).unwrap_err();
        assert_eq!(error.to_string(), "ProposalResponsePayloads do not match");
    }

    #[test]
    fn refused_and_unsigned_answers_make_no_transaction() {
        let (proposal, response) = ok();
        let error = transaction(&proposal, &[]).unwrap_err();
        assert!(matches!(error, ClientError::NoResponses), "{error}");

        let unsigned = protos::ProposalResponse { endorsement: None, ..response.clone() };
        let error = transaction(&proposal, &[unsigned]).unwrap_err();
        assert!(matches!(error, ClientError::NoEndorsements), "{error}");

        for name in ["s450", "s500"] {
            let refused = channel_file(&format!("{name}.proposalresponse"));
            let refused = protos::ProposalResponse::decode(refused.as_slice()).unwrap();
            let error = transaction(&proposal, &[refused]).unwrap_err();
            assert!(matches!(error, ClientError::Unsuccessful { .. }), "{error}");
        }
        let empty = protos::ProposalResponse { response: None, ..response };
        let error = transaction(&proposal, &[empty]).unwrap_err();
        assert_eq!(error.to_string(), "the proposal response has no response");
    }

    #[test]
    fn garbage_is_an_error() {
        let garbage =
            protos::SignedProposal { proposal_bytes: vec![0xff; 9], ..Default::default() };
        let error = transaction(&garbage, &[ok().1]).unwrap_err();
        assert!(error.to_string().starts_with("cannot read the proposal: "), "{error}");
        assert!(chaincode_action(&[0xff]).is_err());
    }
}
