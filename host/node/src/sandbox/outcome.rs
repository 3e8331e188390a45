//! Results of calls.

use std::sync::Arc;

use prost::Message;

use crate::sandbox::SandboxError;
use wasmcc_client as client;
use wasmcc_client::ClientProposal;
use wasmcc_ledger::{Conflict, OwnRead, TxRwSet};
use wasmcc_msp::SigningIdentity;
use wasmcc_peer::endorser::{Processed, UnpackedProposal};
use wasmcc_types::proto::protos::{self, TxValidationCode};
use wasmcc_types::{ChaincodeEvent, Response};

/// A proposal's answer.
#[derive(Clone, Debug)]
pub struct Endorsed {
    /// The transaction's id.
    pub tx_id: String,
    /// The chaincode's response.
    pub response: Response,
    /// Its reads and writes; None if the peer returned none (statuses from 400 to 499, and
    /// failures).
    pub rwset: Option<TxRwSet>,
    /// The event it set.
    pub event: Option<ChaincodeEvent>,
    /// Units of work that it used.
    pub fuel: u64,
    /// Namespaces and keys that were read after they had been written; the reads returned the old
    /// values.
    pub own_reads: Vec<OwnRead>,
    /// The peer's answer as on the wire.
    pub proposal_response: protos::ProposalResponse,
    /// The answers of further organizations' peers.
    pub(super) more: Vec<protos::ProposalResponse>,
    pub(super) proposal: ClientProposal,
    /// The unpacked proposal, shared by all endorsers.
    pub(super) unpacked: Arc<UnpackedProposal>,
    pub(super) signer: Arc<SigningIdentity>,
}

impl Endorsed {
    /// Reads a peer's answer to a proposal.
    pub(super) fn read(
        processed: Processed,
        (proposal, unpacked): (ClientProposal, Arc<UnpackedProposal>),
        signer: Arc<SigningIdentity>,
    ) -> Result<Self, SandboxError> {
        let proposal_response = processed.response;
        let answer = proposal_response.response.clone().unwrap_or_default();
        let protos::Response { status, message, payload } = answer;
        let (rwset, event) = results(&proposal_response)?;
        Ok(Self {
            tx_id: proposal.tx_id.to_string(),
            response: Response { status, message, payload },
            rwset,
            event,
            fuel: processed.fuel,
            own_reads: processed.own_reads,
            proposal_response,
            more: Vec::new(),
            proposal,
            unpacked,
            signer,
        })
    }

    /// Turns an error status into an error.
    pub fn accepted(self) -> Result<Self, SandboxError> {
        if self.response.status >= Response::ERROR_THRESHOLD {
            return Err(SandboxError::Refused(self.response));
        }
        Ok(self)
    }

    /// The response's payload as text, with invalid UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.response.payload).into_owned()
    }
}

/// A committed transaction.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The endorsed call.
    pub endorsed: Endorsed,
    /// The number of the block that holds it.
    pub block: u64,
    /// The verdict.
    pub code: TxValidationCode,
    /// The conflict, if it has one.
    pub conflict: Option<Conflict>,
    /// A human-readable reason why it is not valid: the conflict, or the policy that its
    /// endorsements do not satisfy.
    pub reason: Option<String>,
}

/// Reads the results of the simulation from a response's payload.
fn results(
    response: &protos::ProposalResponse,
) -> Result<(Option<TxRwSet>, Option<ChaincodeEvent>), SandboxError> {
    if response.payload.is_empty() {
        return Ok((None, None));
    }
    let action = client::chaincode_action(&response.payload)?;
    let rwset =
        TxRwSet::decode(&action.results).map_err(|error| SandboxError::Setup(error.into()))?;
    let event = protos::ChaincodeEvent::decode(action.events.as_slice()).ok();
    let event = event.filter(|event| !event.event_name.is_empty());
    let event =
        event.map(|event| ChaincodeEvent { name: event.event_name, payload: event.payload });
    Ok((Some(rwset), event))
}
