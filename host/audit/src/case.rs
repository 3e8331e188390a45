//! A transaction of a block, unpacked for running it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use wasmcc_ledger::{TxEnvelope, TxRwSet};
use wasmcc_peer::endorser::UnpackedProposal;
use wasmcc_types::proto::common::{Envelope, Payload};
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ChaincodeHeaderExtension, ChaincodeProposalPayload,
    Proposal, ProposalResponsePayload, SignedProposal, Transaction,
};

/// A transaction that chaincodes can run again, with the results that were endorsed.
pub struct Case {
    /// The proposal, rebuilt from the parts that the transaction contains. It has no signature, and
    /// no transient data unless the caller supplied them.
    pub proposal: Arc<UnpackedProposal>,
    /// The endorsed action.
    pub action: ChaincodeAction,
    /// The endorsed read-write set.
    pub rwset: TxRwSet,
    /// The MSP ids of the endorsers.
    pub endorsers: Vec<String>,
    /// False if the endorsement is for another proposal.
    pub is_of_proposal: bool,
}

/// The reason why an entry of a block cannot be run again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotEndorsed(String);

fn open<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, NotEndorsed> {
    M::decode(bytes).map_err(|error| NotEndorsed(format!("its {what} cannot be read: {error}")))
}

fn missing(what: &str) -> NotEndorsed {
    NotEndorsed(format!("it has no {what}"))
}

/// Returns the chaincode that an entry of a block called, by its header; None if the entry is not a
/// transaction of a chaincode. Checks nothing.
pub fn chaincode_of(entry: &[u8]) -> Option<String> {
    let envelope = TxEnvelope::parse(entry).ok()?;
    if !envelope.is_endorser_tx() {
        return None;
    }
    let extension = envelope.channel_header.extension.as_slice();
    let extension = ChaincodeHeaderExtension::decode(extension).ok()?;
    Some(extension.chaincode_id?.name)
}

impl Case {
    /// Unpacks an entry of a block. `transient` becomes the proposal's transient data.
    pub fn open(entry: &[u8], transient: &BTreeMap<String, Vec<u8>>) -> Result<Self, NotEndorsed> {
        let envelope: Envelope = open(entry, "envelope")?;
        let payload: Payload = open(&envelope.payload, "payload")?;
        let header = payload.header.ok_or_else(|| missing("header"))?;
        let tx: Transaction = open(&payload.data, "transaction")?;
        let [action] = tx.actions.as_slice() else {
            return Err(NotEndorsed(format!("it has {} actions, not one", tx.actions.len())));
        };
        let action: ChaincodeActionPayload = open(&action.payload, "action")?;
        let endorsed = action.action.ok_or_else(|| missing("endorsed action"))?;
        let response: ProposalResponsePayload =
            open(&endorsed.proposal_response_payload, "proposal response")?;
        let mut visible: ChaincodeProposalPayload =
            open(&action.chaincode_proposal_payload, "proposal payload")?;
        visible.transient_map.clone_from(transient);
        let proposal = Proposal {
            header: header.encode_to_vec(),
            payload: visible.encode_to_vec(),
            extension: Vec::new(),
        };
        let signed =
            SignedProposal { proposal_bytes: proposal.encode_to_vec(), ..Default::default() };
        let proposal = UnpackedProposal::unpack(signed)
            .map_err(|error| NotEndorsed(format!("its proposal cannot be read: {error}")))?;
        let action: ChaincodeAction = open(&response.extension, "chaincode action")?;
        let rwset = TxRwSet::decode(&action.results)
            .map_err(|error| NotEndorsed(format!("its read-write set cannot be read: {error}")))?;
        let endorsers = endorsed.endorsements.iter().filter_map(|endorsement| {
            let identity = SerializedIdentity::decode(endorsement.endorser.as_slice());
            identity.ok().map(|identity| identity.mspid)
        });
        let is_of_proposal = proposal.hash[..] == response.proposal_hash[..];
        let endorsers = endorsers.collect();
        Ok(Self { proposal, action, rwset, endorsers, is_of_proposal })
    }

    /// The chaincode that was called.
    pub fn chaincode(&self) -> &str {
        &self.proposal.chaincode_id.name
    }

    /// The function that was called; invalid UTF-8 is replaced.
    pub fn function(&self) -> String {
        let function = self.proposal.input.args.first().map_or(&[][..], Vec::as_slice);
        String::from_utf8_lossy(function).chars().take(100).collect()
    }
}
