//! ESCC: signs what a chaincode's simulation gave (fabric 1.0 `core/scc/escc`).

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use crate::chaincode::{Endorsing, Lent, NativeChaincode, Stub, ToEndorse};
use wasmcc_msp::SigningIdentity;
use wasmcc_types::proto::common;
use wasmcc_types::proto::protos;
use wasmcc_types::{Response, sha256_all};

/// Arguments: "", header, payload, chaincode id, response, results, and optionally event and
/// payload visibility. Answers a serialized `protos.ProposalResponse`. The peer's own endorser
/// lends what the arguments hold ([`Lent::Endorsement`]) and gets the response in the same way.
pub struct Escc {
    signers: BTreeMap<String, Arc<SigningIdentity>>,
}

impl Escc {
    /// Endorses as the peer that simulates: one of these, by MSP id.
    pub fn new(signers: BTreeMap<String, Arc<SigningIdentity>>) -> Self {
        Self { signers }
    }

    /// Signs as the peer of `org`.
    fn endorse(&self, wanted: ToEndorse, org: &str) -> Result<protos::ProposalResponse, String> {
        let signer = self.signers.get(org).ok_or_else(|| format!("{org} has no peer here"))?;
        let ToEndorse { hash, id, response, results, event } = wanted;
        if response.status >= Response::ERROR_THRESHOLD {
            return Err(format!(
                "Status code less than {} will be endorsed, received status code: {}",
                Response::ERROR_THRESHOLD,
                response.status
            ));
        }
        let payload =
            proposal_response_payload(&hash, response.clone(), results, event, id).encode_to_vec();
        let endorser = signer.serialized().to_vec();
        let signature = signer.sign(&[payload.as_slice(), &endorser].concat());
        Ok(protos::ProposalResponse {
            version: 1,
            response: Some(response),
            payload,
            endorsement: Some(protos::Endorsement { endorser, signature }),
            ..Default::default()
        })
    }
}

/// Reads ESCC's arguments.
fn opened(args: &[Vec<u8>]) -> Result<ToEndorse, String> {
    let required = |index: usize, missing: &str| match args.get(index) {
        Some(arg) if !arg.is_empty() => Ok(arg.as_slice()),
        _ => Err(missing.to_owned()),
    };
    match args.len() {
        n @ 0..6 => {
            return Err(format!(
                "Incorrect number of arguments (expected a minimum of 5, provided {n})"
            ));
        }
        6..=8 => {}
        n => {
            return Err(format!(
                "Incorrect number of arguments (expected a maximum of 7, provided {n})"
            ));
        }
    }
    let header = required(1, "serialized Header object is null")?;
    let payload = required(2, "serialized ChaincodeProposalPayload object is null")?;
    let id = required(3, "ChaincodeID is null")?;
    // A response without status, text and payload has no bytes, and is endorsed all the same.
    let response = args.get(4).map(Vec::as_slice).unwrap_or_default();
    Ok(ToEndorse {
        id: protos::ChaincodeId::decode(id).map_err(|e| e.to_string())?,
        response: protos::Response::decode(response)
            .map_err(|e| format!("Failed to get Response of executing chaincode: {e}"))?,
        results: args.get(5).cloned().unwrap_or_default(),
        event: args.get(6).cloned().unwrap_or_default(),
        hash: proposal_hash(header, payload)?,
    })
}

impl NativeChaincode for Escc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        let org = stub.peer_msp_id;
        if let Lent::Endorsement(endorsing) = &mut stub.lent
            && let Some(wanted) = endorsing.take()
        {
            return match self.endorse(wanted, org) {
                Ok(endorsed) => {
                    **endorsing = Endorsing::Endorsed(endorsed);
                    Response::success("")
                }
                Err(text) => Response::error(text),
            };
        }
        match opened(stub.args).and_then(|wanted| self.endorse(wanted, org)) {
            Ok(endorsed) => Response::success(endorsed.encode_to_vec()),
            Err(text) => Response::error(text),
        }
    }

    fn is_built_in(&self) -> bool {
        false
    }
}

/// SHA-256 of both headers as received and the payload without its transient part.
fn proposal_hash(header: &[u8], payload: &[u8]) -> Result<[u8; 32], String> {
    let header = common::Header::decode(header).map_err(|e| e.to_string())?;
    let payload = protos::ChaincodeProposalPayload::decode(payload).map_err(|e| e.to_string())?;
    let visible = protos::ChaincodeProposalPayload {
        input: payload.input,
        transient_map: Default::default(),
    };
    Ok(sha256_all([
        header.channel_header.as_slice(),
        header.signature_header.as_slice(),
        visible.encode_to_vec().as_slice(),
    ]))
}

/// What endorsers sign: the proposal's hash and what its simulation gave.
pub fn proposal_response_payload(
    hash: &[u8],
    response: protos::Response,
    results: Vec<u8>,
    events: Vec<u8>,
    chaincode_id: protos::ChaincodeId,
) -> protos::ProposalResponsePayload {
    let action = protos::ChaincodeAction {
        results,
        events,
        response: Some(response),
        chaincode_id: Some(chaincode_id),
    };
    protos::ProposalResponsePayload {
        proposal_hash: hash.to_vec(),
        extension: action.encode_to_vec(),
    }
}
