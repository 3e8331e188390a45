//! A live Fabric peer's answers to generated programs, and the resulting blocks, in one compressed
//! file.
//!
//! A transaction is not stored again in its block: client and endorser have produced all its parts
//! before, so only the client's signature is new. The block's data hash proves that the parts were
//! combined correctly.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use prost::{Message, Oneof};
use wasmcc_client as client;
use wasmcc_peer::endorser::UnpackedProposal;
use wasmcc_types::compute_tx_id;
use wasmcc_types::proto::common::{Block, BlockData, BlockHeader, Envelope};
use wasmcc_types::proto::protos::{
    ChaincodeAction, Endorsement, ProposalResponse, ProposalResponsePayload, Response,
    SignedProposal,
};

type TxIdText = [u8; 64];

/// Replaces the id of a call's own transaction in a file.
const NO_TX_ID: TxIdText = [b'T'; 64];

/// A channel from its beginning.
#[derive(Clone, PartialEq, Message)]
pub struct Recording {
    /// The serialized blocks before the programs ran: the genesis block, and those that define the
    /// chaincodes.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub setup: Vec<Vec<u8>>,
    /// The endorsing peer, an `msp.SerializedIdentity`.
    #[prost(bytes = "vec", tag = "2")]
    pub endorser: Vec<u8>,
    /// The following events, in order.
    #[prost(message, repeated, tag = "3")]
    pub steps: Vec<Step>,
    /// In a file: all signatures, in order. They are separate because they do not compress.
    #[prost(bytes = "vec", repeated, tag = "4")]
    signatures: Vec<Vec<u8>>,
    /// In a file: all payloads of answers, which compress best together.
    #[prost(bytes = "vec", repeated, tag = "5")]
    payloads: Vec<Vec<u8>>,
}

/// An event.
#[derive(Clone, PartialEq, Message)]
pub struct Step {
    /// The kind of event.
    #[prost(oneof = "Event", tags = "1, 2")]
    pub event: Option<Event>,
}

/// A call or a block.
#[derive(Clone, PartialEq, Oneof)]
pub enum Event {
    /// A client called the peer.
    #[prost(message, tag = "1")]
    Call(Call),
    /// The peer committed a block.
    #[prost(message, tag = "2")]
    Commit(Commit),
}

/// A proposal and its result.
#[derive(Clone, PartialEq, Message)]
pub struct Call {
    /// A serialized `protos.Proposal`.
    #[prost(bytes = "vec", tag = "1")]
    proposal: Vec<u8>,
    /// The peer's answer.
    #[prost(message, optional, tag = "2")]
    pub answer: Option<Answer>,
    /// The endorsement's signature; empty if no block contains the transaction.
    #[prost(bytes = "vec", tag = "3")]
    pub endorsement: Vec<u8>,
    /// The client's signature.
    #[prost(bytes = "vec", tag = "4")]
    signature: Vec<u8>,
}

/// An answer: the part on which all endorsers must agree.
#[derive(Clone, PartialEq, Message)]
pub struct Answer {
    /// The text of a gRPC error; all other fields are then empty.
    #[prost(string, tag = "1")]
    pub refused: String,
    /// The chaincode's response, or the peer's own.
    #[prost(message, optional, tag = "2")]
    pub response: Option<Response>,
    /// The endorsed bytes: read-write set, response, event.
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
    /// True if it was endorsed.
    #[prost(bool, tag = "4")]
    pub endorsed: bool,
}

/// A block: the part that its transactions do not contain.
#[derive(Clone, PartialEq, Message)]
pub struct Commit {
    /// The header.
    #[prost(message, optional, tag = "1")]
    pub header: Option<BlockHeader>,
    /// The transactions.
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<Entry>,
    /// A verdict for each transaction.
    #[prost(bytes = "vec", tag = "3")]
    pub codes: Vec<u8>,
    /// The commit hash.
    #[prost(bytes = "vec", tag = "4")]
    pub commit_hash: Vec<u8>,
}

/// A transaction of a block.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// The index of its call among all calls.
    #[prost(uint64, tag = "1")]
    pub call: u64,
    /// The client's signature.
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
    /// The whole envelope, if it cannot be rebuilt from the call.
    #[prost(bytes = "vec", tag = "3")]
    pub envelope: Vec<u8>,
    /// The endorsement's signature, if it is not the peer's.
    #[prost(bytes = "vec", tag = "4")]
    pub endorsement: Vec<u8>,
}

impl Answer {
    /// Converts a peer's answer.
    pub fn of(answer: Result<ProposalResponse, String>) -> Self {
        match answer {
            Err(refused) => Self { refused, ..Self::default() },
            Ok(ProposalResponse { response, payload, endorsement, .. }) => {
                let endorsed = endorsement.is_some();
                Self { refused: String::new(), response, payload, endorsed }
            }
        }
    }
}

impl Call {
    /// Makes a call of a proposal and its answer.
    pub fn new(signed: SignedProposal, answer: Answer) -> Self {
        let SignedProposal { proposal_bytes: proposal, signature } = signed;
        Self { proposal, signature, answer: Some(answer), endorsement: Vec::new() }
    }

    /// Returns the proposal as the client sent it.
    pub fn signed(&self) -> SignedProposal {
        let (proposal_bytes, signature) = (self.proposal.clone(), self.signature.clone());
        SignedProposal { proposal_bytes, signature }
    }

    /// Removes redundant parts: the transaction's id, which follows from the proposal's nonce; and
    /// the proposal's hash and the response in the answer.
    fn pack(&mut self) {
        let unpacked = self.clone();
        let Some(tx_id) = self.tx_id() else { return };
        self.replace(&tx_id, &NO_TX_ID);
        if let Some(answer) = &mut self.answer
            && let Ok(mut payload) = ProposalResponsePayload::decode(answer.payload.as_slice())
            && !answer.payload.is_empty()
        {
            payload.proposal_hash = Vec::new();
            answer.payload = payload.encode_to_vec();
            answer.response = None;
        }
        let mut again = self.clone();
        again.unpack();
        if again != unpacked {
            *self = unpacked;
        }
    }

    /// Restores the parts that [`pack`](Self::pack) removed.
    fn unpack(&mut self) {
        let Some(tx_id) = self.tx_id() else { return };
        self.replace(&NO_TX_ID, &tx_id);
        let Some(proposal) = self.unpacked() else { return };
        let Some(answer) = &mut self.answer else { return };
        if answer.response.is_some() || answer.payload.is_empty() {
            return;
        }
        if let Ok(mut payload) = ProposalResponsePayload::decode(answer.payload.as_slice()) {
            let action = ChaincodeAction::decode(payload.extension.as_slice());
            answer.response = action.unwrap_or_default().response;
            payload.proposal_hash = proposal.hash.to_vec();
            answer.payload = payload.encode_to_vec();
        }
    }

    fn unpacked(&self) -> Option<Arc<UnpackedProposal>> {
        UnpackedProposal::unpack(self.signed()).ok()
    }

    /// Returns the id that follows from nonce and creator.
    fn tx_id(&self) -> Option<TxIdText> {
        let proposal = self.unpacked()?;
        let header = &proposal.signature_header;
        compute_tx_id(&header.nonce, &header.creator).into_bytes().try_into().ok()
    }

    fn replace(&mut self, from: &TxIdText, to: &TxIdText) {
        replace(&mut self.proposal, from, to);
        let Some(answer) = &mut self.answer else { return };
        replace(&mut answer.payload, from, to);
        let mut texts = vec![&mut answer.refused];
        if let Some(response) = &mut answer.response {
            replace(&mut response.payload, from, to);
            texts.push(&mut response.message);
        }
        for text in texts {
            let mut bytes = std::mem::take(text).into_bytes();
            replace(&mut bytes, from, to);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
    }

    /// Returns its signatures.
    fn signatures(&mut self) -> [&mut Vec<u8>; 2] {
        [&mut self.signature, &mut self.endorsement]
    }

    /// Rebuilds the client's transaction without its signature; `other` is an endorsement other
    /// than the peer's, if there is one.
    fn envelope(&self, endorser: &[u8], other: &[u8]) -> Option<Envelope> {
        let signed = self.signed();
        let answer = self.answer.clone()?;
        let signature = if other.is_empty() { &self.endorsement } else { other };
        let endorsement =
            Endorsement { endorser: endorser.to_vec(), signature: signature.to_vec() };
        let response = ProposalResponse {
            response: answer.response,
            payload: answer.payload,
            endorsement: Some(endorsement),
            ..Default::default()
        };
        client::transaction(&signed, &[response]).ok()
    }
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read or is not a recording.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        GzDecoder::new(File::open(path)?).read_to_end(&mut bytes)?;
        let mut recording = Self::decode(bytes.as_slice()).map_err(io::Error::other)?;
        let mut signatures = std::mem::take(&mut recording.signatures).into_iter();
        for place in recording.signature_places() {
            *place = signatures.next().unwrap_or_default();
        }
        let mut payloads = std::mem::take(&mut recording.payloads).into_iter();
        for answer in recording.calls_mut().filter_map(|call| call.answer.as_mut()) {
            answer.payload = payloads.next().unwrap_or_default();
        }
        recording.calls_mut().for_each(Call::unpack);
        Ok(recording)
    }

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut packed = self.clone();
        packed.calls_mut().for_each(Call::pack);
        let signatures = packed.signature_places().map(std::mem::take).collect();
        packed.signatures = signatures;
        let answers = packed.calls_mut().filter_map(|call| call.answer.as_mut());
        packed.payloads = answers.map(|answer| std::mem::take(&mut answer.payload)).collect();
        let mut file = GzEncoder::new(File::create(path)?, Compression::best());
        file.write_all(&packed.encode_to_vec())?;
        file.finish().map(drop)
    }

    /// Returns all signatures.
    fn signature_places(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        self.steps.iter_mut().flat_map(|step| match &mut step.event {
            Some(Event::Call(call)) => Vec::from(call.signatures()),
            Some(Event::Commit(commit)) => {
                let entries = commit.entries.iter_mut();
                entries.flat_map(|entry| [&mut entry.signature, &mut entry.endorsement]).collect()
            }
            None => Vec::new(),
        })
    }

    /// Starts an empty recording.
    pub fn new(setup: Vec<Vec<u8>>, endorser: Vec<u8>) -> Self {
        Self { setup, endorser, ..Self::default() }
    }

    /// Returns all calls, in order.
    pub fn calls_mut(&mut self) -> impl Iterator<Item = &mut Call> {
        self.steps.iter_mut().filter_map(|step| match &mut step.event {
            Some(Event::Call(call)) => Some(call),
            _ => None,
        })
    }

    /// Returns all calls, in order.
    pub fn calls(&self) -> Vec<&Call> {
        let events = self.steps.iter().filter_map(|step| step.event.as_ref());
        let calls = events.filter_map(|event| match event {
            Event::Call(call) => Some(call),
            Event::Commit(_) => None,
        });
        calls.collect()
    }

    /// Rebuilds a block with all of its transactions and without metadata; None if a part is
    /// missing.
    pub fn block(&self, calls: &[&Call], commit: &Commit) -> Option<Block> {
        let entry = |entry: &Entry| {
            if !entry.envelope.is_empty() {
                return Some(entry.envelope.clone().into());
            }
            let call = calls.get(usize::try_from(entry.call).ok()?)?;
            let signature = entry.signature.clone();
            let envelope = call.envelope(&self.endorser, &entry.endorsement)?;
            let envelope = Envelope { signature, ..envelope };
            Some(envelope.encode_to_vec().into())
        };
        let data = commit.entries.iter().map(entry).collect::<Option<_>>()?;
        let (header, data) = (commit.header.clone(), Some(BlockData { data }));
        Some(Block { header, data, metadata: None })
    }
}

fn replace(bytes: &mut [u8], from: &TxIdText, to: &TxIdText) {
    let mut at = 0;
    while let Some(found) = bytes.get_mut(at..at + from.len()) {
        if found == from {
            found.copy_from_slice(to);
        }
        at += 1;
    }
}
