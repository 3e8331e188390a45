//! ESCC: signs the result of a chaincode's simulation (fabric 1.0 `core/scc/escc`).

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::{DecodeError, Message};

use crate::chaincode::{Endorsing, Lent, NativeChaincode, NativeError, Stub, ToEndorse};
use wasmcc_msp::SigningIdentity;
use wasmcc_types::proto::{common, protos};
use wasmcc_types::{Response, sha256_all};

/// Arguments: "", header, payload, chaincode id, response, results, and optionally event and
/// payload visibility. Returns a serialized `protos.ProposalResponse`. The peer's own endorser
/// passes the contents of the arguments ([`Lent::Endorsement`]) and gets the response in the same
/// way.
pub struct Escc {
    signers: BTreeMap<String, Arc<SigningIdentity>>,
}

/// The reason why ESCC does not endorse. The texts are Fabric's.
#[derive(Debug, thiserror::Error)]
enum EsccError {
    #[error("{0} has no peer here")]
    NoPeer(String),
    #[error("Incorrect number of arguments (expected a minimum of 5, provided {0})")]
    TooFewArguments(usize),
    #[error("Incorrect number of arguments (expected a maximum of 7, provided {0})")]
    TooManyArguments(usize),
    #[error("{0} is null")]
    Null(&'static str),
    #[error(transparent)]
    Argument(#[from] DecodeError),
    #[error("Failed to get Response of executing chaincode: {0}")]
    Response(DecodeError),
    #[error(
        "Status code less than {} will be endorsed, received status code: {status}",
        Response::ERROR_THRESHOLD
    )]
    Status { status: i32 },
}

impl Escc {
    /// Signs with the key of the simulating peer. `signers` has the keys by MSP id.
    pub fn new(signers: BTreeMap<String, Arc<SigningIdentity>>) -> Self {
        Self { signers }
    }

    /// Signs as the peer of `org`.
    fn endorse(&self, wanted: ToEndorse, org: &str) -> Result<protos::ProposalResponse, EsccError> {
        let signer = self.signers.get(org).ok_or_else(|| EsccError::NoPeer(org.to_owned()))?;
        let ToEndorse { hash, id, response, results, event } = wanted;
        if response.status >= Response::ERROR_THRESHOLD {
            return Err(EsccError::Status { status: response.status });
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

/// Decodes ESCC's arguments.
fn opened(args: &[Vec<u8>]) -> Result<ToEndorse, EsccError> {
    let required = |index: usize, name: &'static str| match args.get(index) {
        Some(arg) if !arg.is_empty() => Ok(arg.as_slice()),
        _ => Err(EsccError::Null(name)),
    };
    match args.len() {
        provided @ 0..6 => return Err(EsccError::TooFewArguments(provided)),
        6..=8 => {}
        provided => return Err(EsccError::TooManyArguments(provided)),
    }
    let header = required(1, "serialized Header object")?;
    let payload = required(2, "serialized ChaincodeProposalPayload object")?;
    let id = required(3, "ChaincodeID")?;
    // A response without status, text and payload has no bytes, but is endorsed.
    let response = args.get(4).map(Vec::as_slice).unwrap_or_default();
    Ok(ToEndorse {
        id: protos::ChaincodeId::decode(id)?,
        response: protos::Response::decode(response).map_err(EsccError::Response)?,
        results: args.get(5).cloned().unwrap_or_default(),
        event: args.get(6).cloned().unwrap_or_default(),
        hash: proposal_hash(header, payload)?,
    })
}

impl NativeChaincode for Escc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Result<Vec<u8>, NativeError> {
        let org = stub.peer_msp_id;
        if let Lent::Endorsement(endorsing) = &mut stub.lent
            && let Some(wanted) = endorsing.take()
        {
            let endorsed = self.endorse(wanted, org).map_err(NativeError::failed)?;
            **endorsing = Endorsing::Endorsed(endorsed);
            return Ok(Vec::new());
        }
        let endorsed = opened(stub.args).and_then(|wanted| self.endorse(wanted, org));
        Ok(endorsed.map_err(NativeError::failed)?.encode_to_vec())
    }

    fn is_built_in(&self) -> bool {
        false
    }
}

/// Returns the SHA-256 of both headers as received and the payload without its transient part.
fn proposal_hash(header: &[u8], payload: &[u8]) -> Result<[u8; 32], DecodeError> {
    let header = common::Header::decode(header)?;
    let payload = protos::ChaincodeProposalPayload::decode(payload)?;
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

/// Makes the message that endorsers sign: the proposal's hash and the result of its simulation.
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
