//! A chaincode's transaction, as VSCC reads it.
//!
//! Invariant: only unpacks; the committer has checked the form before.

use prost::{DecodeError, Message};

use wasmcc_types::proto::protos::ChaincodeHeaderExtension;
use wasmcc_types::{Endorsed, LSCC, NotEndorsed, NotOpened, Opened};

/// The parts of a transaction that VSCC reads.
#[derive(Clone, Copy)]
pub(crate) struct EndorsedTx<'a> {
    /// Headers, and what the creator signed.
    pub(crate) opened: &'a Opened,
    /// The endorsed response and its endorsements.
    pub(crate) endorsed: &'a Endorsed,
}

/// Why VSCC cannot read a transaction.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndorsedTxError {
    #[error("VSCC error: {what} does not parse: {error}")]
    Unreadable { what: &'static str, error: DecodeError },
    #[error("VSCC error: the payload has no header")]
    NoHeader,
    #[error("Only Endorser Transactions are supported, provided type {kind}")]
    OtherType { kind: i32 },
    #[error("VSCC error: the transaction has {count} actions")]
    Actions { count: usize },
    #[error("VSCC error: the transaction has no endorsed action")]
    NoEndorsedAction,
}

/// Opens a serialized `common.Envelope`.
pub(crate) fn open(envelope: &[u8]) -> Result<Opened, EndorsedTxError> {
    let envelope = prost::bytes::Bytes::copy_from_slice(envelope);
    Opened::open(envelope).map_err(|error| match error {
        NotOpened::Envelope(e) => unreadable("Envelope", &e),
        NotOpened::Payload(e) => unreadable("Payload", &e),
        NotOpened::NoHeader => EndorsedTxError::NoHeader,
        NotOpened::ChannelHeader(e) => unreadable("ChannelHeader", &e),
    })
}

impl<'a> EndorsedTx<'a> {
    /// Extracts the parts of an opened transaction.
    pub(crate) fn of(opened: &'a Opened) -> Result<Self, EndorsedTxError> {
        if !opened.is_endorser_tx() {
            let kind = opened.channel_header.r#type;
            return Err(EndorsedTxError::OtherType { kind });
        }
        let count = opened.actions().map_err(|e| unreadable("Transaction", e))?.len();
        if count != 1 {
            return Err(EndorsedTxError::Actions { count });
        }
        let endorsed = opened.endorsed().map_err(|error| match error {
            NotEndorsed::Transaction(e) => unreadable("Transaction", e),
            NotEndorsed::Payload(e) => unreadable("ChaincodeActionPayload", e),
            NotEndorsed::NoAction | NotEndorsed::NoEndorsedAction => {
                EndorsedTxError::NoEndorsedAction
            }
        })?;
        Ok(Self { opened, endorsed })
    }

    /// True if the transaction invokes LSCC.
    pub(crate) fn is_of_lscc(&self) -> Result<bool, EndorsedTxError> {
        let extension: ChaincodeHeaderExtension =
            decode(&self.opened.channel_header.extension, "ChaincodeHeaderExtension")?;
        Ok(extension.chaincode_id.is_some_and(|id| id.name == LSCC))
    }
}

pub(crate) fn decode<M: Message + Default>(
    bytes: &[u8],
    what: &'static str,
) -> Result<M, EndorsedTxError> {
    M::decode(bytes).map_err(|e| unreadable(what, &e))
}

pub(crate) fn unreadable(what: &'static str, error: &DecodeError) -> EndorsedTxError {
    EndorsedTxError::Unreadable { what, error: error.clone() }
}
