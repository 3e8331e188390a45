//! An entry of a block, decoded once and shared by all code that needs a part of it.
//!
//! Does not check signatures, ids, hashes or types: callers do, each with its own texts and codes.
//!
//! Invariant: the parts share the bytes of the entry; only small headers are copied.

use std::sync::OnceLock;

use bytes::Bytes;
use prost::{DecodeError, Message};

use crate::hex::compute_tx_id;
use crate::proto::common::{ChannelHeader, HeaderType, SignatureHeader};
use crate::proto::protos::{ChaincodeId, Endorsement, Response};
use crate::sha256::{sha256, sha256_all};

/// A `common.Envelope` whose headers are decoded; other parts are decoded on first use.
#[derive(Debug)]
pub struct Opened {
    /// Serialized `common.Payload`, which the creator signed.
    pub payload: Bytes,
    /// The creator's signature.
    pub signature: Bytes,
    /// Serialized `common.ChannelHeader`, unchanged.
    pub channel_header_bytes: Bytes,
    /// Type, channel, transaction id and the client's timestamp.
    pub channel_header: ChannelHeader,
    /// Serialized `common.SignatureHeader`.
    pub signature_header: Bytes,
    /// The body, whose type the header tells: a serialized `protos.Transaction`,
    /// `common.ConfigEnvelope` and so on.
    pub data: Bytes,
    payload_hash: OnceLock<[u8; 32]>,
    actions: OnceLock<Result<Vec<TransactionAction>, DecodeError>>,
    endorsed: OnceLock<Result<Endorsed, NotEndorsed>>,
}

/// The reason why an entry cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// The envelope does not parse.
    Envelope(DecodeError),
    /// Its payload does not parse.
    Payload(DecodeError),
    /// The payload has no header.
    NoHeader,
    /// The channel header does not parse.
    ChannelHeader(DecodeError),
}

/// The reason why an entry has no endorsed action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotEndorsed {
    /// The transaction does not parse.
    Transaction(DecodeError),
    /// The transaction has no action.
    NoAction,
    /// The `protos.ChaincodeActionPayload` does not parse.
    Payload(DecodeError),
    /// The payload has no endorsed action.
    NoEndorsedAction,
}

/// An action of a transaction: its proposal, and the result that its endorsers signed.
#[derive(Debug)]
pub struct Endorsed {
    /// Serialized `protos.ChaincodeProposalPayload`, without transient data.
    pub proposal_payload: Bytes,
    /// Serialized `protos.ProposalResponsePayload`, which the endorsers signed.
    pub response_payload: Bytes,
    /// The endorsements.
    pub endorsements: Vec<Endorsement>,
    /// `response_payload`, decoded.
    pub response: Result<ResponsePayload, DecodeError>,
    /// The digests, by the index of the endorsement.
    digests: Box<[OnceLock<[u8; 32]>]>,
}

/// `protos.ProposalResponsePayload`.
#[derive(Debug)]
pub struct ResponsePayload {
    /// The hash of the proposal.
    pub proposal_hash: Bytes,
    /// Serialized `protos.ChaincodeAction`.
    pub extension: Bytes,
    action: OnceLock<Result<ChaincodeAction, DecodeError>>,
}

impl Opened {
    /// Decodes an entry of a block, a serialized `common.Envelope`.
    pub fn open(entry: Bytes) -> Result<Self, NotOpened> {
        let Envelope { payload, signature } =
            Envelope::decode(entry).map_err(NotOpened::Envelope)?;
        let opened = Payload::decode(payload.clone()).map_err(NotOpened::Payload)?;
        let header = opened.header.ok_or(NotOpened::NoHeader)?;
        let channel_header = ChannelHeader::decode(header.channel_header.clone());
        Ok(Self {
            payload,
            signature,
            channel_header: channel_header.map_err(NotOpened::ChannelHeader)?,
            channel_header_bytes: header.channel_header,
            signature_header: header.signature_header,
            data: opened.data,
            payload_hash: OnceLock::new(),
            actions: OnceLock::new(),
            endorsed: OnceLock::new(),
        })
    }

    /// Returns the SHA-256 of the payload, which the creator signed.
    pub fn payload_hash(&self) -> &[u8; 32] {
        self.payload_hash.get_or_init(|| sha256(&self.payload))
    }

    /// Returns whether it is the transaction of a chaincode.
    pub fn is_endorser_tx(&self) -> bool {
        self.channel_header.r#type == i32::from(HeaderType::EndorserTransaction)
    }

    /// Returns the actions of a chaincode's transaction.
    pub fn actions(&self) -> Result<&[TransactionAction], &DecodeError> {
        let opened = self.actions.get_or_init(|| {
            Transaction::decode(self.data.clone()).map(|transaction| transaction.actions)
        });
        opened.as_deref()
    }

    /// Returns the endorsed part of the first action.
    pub fn endorsed(&self) -> Result<&Endorsed, &NotEndorsed> {
        let opened = self.endorsed.get_or_init(|| {
            let actions = self.actions().map_err(|e| NotEndorsed::Transaction(e.clone()))?;
            actions.first().ok_or(NotEndorsed::NoAction)?.endorsed()
        });
        opened.as_ref()
    }

    /// Returns the id under which the ledger stores the transaction. If the header has none, as for
    /// configurations, it is computed from creator and nonce. Fabric:
    /// `protoutil.GetOrComputeTxIDFromEnvelope`.
    pub fn tx_id(&self) -> String {
        let given = &self.channel_header.tx_id;
        if !given.is_empty() {
            return given.clone();
        }
        match SignatureHeader::decode(self.signature_header.clone()) {
            Ok(header) => compute_tx_id(&header.nonce, &header.creator),
            Err(_) => String::new(),
        }
    }
}

impl TransactionAction {
    /// Decodes the action.
    pub fn endorsed(&self) -> Result<Endorsed, NotEndorsed> {
        let ChaincodeActionPayload { chaincode_proposal_payload, action } =
            ChaincodeActionPayload::decode(self.payload.clone()).map_err(NotEndorsed::Payload)?;
        let action = action.ok_or(NotEndorsed::NoEndorsedAction)?;
        let response_payload = action.proposal_response_payload;
        let response = ProposalResponsePayload::decode(response_payload.clone());
        let response = response.map(|ProposalResponsePayload { proposal_hash, extension }| {
            ResponsePayload { proposal_hash, extension, action: OnceLock::new() }
        });
        Ok(Endorsed {
            proposal_payload: chaincode_proposal_payload,
            response_payload,
            digests: action.endorsements.iter().map(|_| OnceLock::new()).collect(),
            endorsements: action.endorsements,
            response,
        })
    }
}

impl Endorsed {
    /// Returns the SHA-256 of the data that an endorser signs: the response and its own identity.
    /// It is computed on first use. None if there is no endorsement with this index.
    pub fn digest(&self, place: usize) -> Option<[u8; 32]> {
        let (endorsement, digest) = self.endorsements.get(place).zip(self.digests.get(place))?;
        let signed = || sha256_all([&*self.response_payload, &*endorsement.endorser]);
        Some(*digest.get_or_init(signed))
    }
}

impl ResponsePayload {
    /// Decodes a `protos.ProposalResponsePayload` that is not part of a transaction yet.
    pub fn open(bytes: Bytes) -> Result<Self, DecodeError> {
        let ProposalResponsePayload { proposal_hash, extension } =
            ProposalResponsePayload::decode(bytes)?;
        Ok(Self { proposal_hash, extension, action: OnceLock::new() })
    }

    /// Returns the action of the chaincode.
    pub fn action(&self) -> Result<&ChaincodeAction, &DecodeError> {
        let opened = self.action.get_or_init(|| ChaincodeAction::decode(self.extension.clone()));
        opened.as_ref()
    }
}

// Fabric's messages, with fields that share the bytes of the entry. Errors of the decoder contain
// the names.

#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(bytes = "bytes", tag = "1")]
    payload: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    signature: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Payload {
    #[prost(message, optional, tag = "1")]
    header: Option<Header>,
    #[prost(bytes = "bytes", tag = "2")]
    data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(bytes = "bytes", tag = "1")]
    channel_header: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    signature_header: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Transaction {
    #[prost(message, repeated, tag = "1")]
    actions: Vec<TransactionAction>,
}

/// `protos.TransactionAction`.
#[derive(Clone, PartialEq, Message)]
pub struct TransactionAction {
    /// Serialized `common.SignatureHeader`.
    #[prost(bytes = "bytes", tag = "1")]
    pub header: Bytes,
    /// Serialized `protos.ChaincodeActionPayload`.
    #[prost(bytes = "bytes", tag = "2")]
    pub payload: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct ChaincodeActionPayload {
    #[prost(bytes = "bytes", tag = "1")]
    chaincode_proposal_payload: Bytes,
    #[prost(message, optional, tag = "2")]
    action: Option<ChaincodeEndorsedAction>,
}

#[derive(Clone, PartialEq, Message)]
struct ChaincodeEndorsedAction {
    #[prost(bytes = "bytes", tag = "1")]
    proposal_response_payload: Bytes,
    #[prost(message, repeated, tag = "2")]
    endorsements: Vec<Endorsement>,
}

#[derive(Clone, PartialEq, Message)]
struct ProposalResponsePayload {
    #[prost(bytes = "bytes", tag = "1")]
    proposal_hash: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    extension: Bytes,
}

/// `protos.ChaincodeAction`.
#[derive(Clone, PartialEq, Message)]
pub struct ChaincodeAction {
    /// The serialized read-write set.
    #[prost(bytes = "bytes", tag = "1")]
    pub results: Bytes,
    /// Serialized `protos.ChaincodeEvent`; may be empty.
    #[prost(bytes = "bytes", tag = "2")]
    pub events: Bytes,
    /// The chaincode's response.
    #[prost(message, optional, tag = "3")]
    pub response: Option<Response>,
    /// The name and the version of the chaincode.
    #[prost(message, optional, tag = "4")]
    pub chaincode_id: Option<ChaincodeId>,
}
