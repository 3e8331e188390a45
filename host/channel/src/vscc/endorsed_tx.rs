//! A chaincode's transaction, as VSCC looks at it.
//!
//! Invariant: opens and nothing else; the committer has checked the form before.

use prost::Message;

use wasmcc_types::proto::protos::ChaincodeHeaderExtension;
use wasmcc_types::{Endorsed, LSCC, NotEndorsed, NotOpened, Opened};

/// What VSCC looks at.
#[derive(Clone, Copy)]
pub(crate) struct EndorsedTx<'a> {
    /// Headers, and what the creator signed.
    pub(crate) opened: &'a Opened,
    /// What was endorsed, and the endorsements.
    pub(crate) endorsed: &'a Endorsed,
}

/// Opens a serialized `common.Envelope`.
pub(crate) fn open(envelope: &[u8]) -> Result<Opened, String> {
    let envelope = prost::bytes::Bytes::copy_from_slice(envelope);
    Opened::open(envelope).map_err(|error| match error {
        NotOpened::Envelope(e) => unreadable("Envelope", &e),
        NotOpened::Payload(e) => unreadable("Payload", &e),
        NotOpened::NoHeader => "VSCC error: the payload has no header".to_owned(),
        NotOpened::ChannelHeader(e) => unreadable("ChannelHeader", &e),
    })
}

impl<'a> EndorsedTx<'a> {
    /// Looks at an opened transaction.
    pub(crate) fn of(opened: &'a Opened) -> Result<Self, String> {
        if !opened.is_endorser_tx() {
            let kind = opened.channel_header.r#type;
            return Err(format!("Only Endorser Transactions are supported, provided type {kind}"));
        }
        let actions = opened.actions().map_err(|e| unreadable("Transaction", e))?.len();
        if actions != 1 {
            return Err(format!("VSCC error: the transaction has {actions} actions"));
        }
        let endorsed = opened.endorsed().map_err(|error| match error {
            NotEndorsed::Transaction(e) => unreadable("Transaction", e),
            NotEndorsed::Payload(e) => unreadable("ChaincodeActionPayload", e),
            NotEndorsed::NoAction | NotEndorsed::NoEndorsedAction => {
                "VSCC error: the transaction has no endorsed action".to_owned()
            }
        })?;
        Ok(Self { opened, endorsed })
    }

    /// Whether LSCC was invoked.
    pub(crate) fn is_of_lscc(&self) -> Result<bool, String> {
        let extension: ChaincodeHeaderExtension =
            decode(&self.opened.channel_header.extension, "ChaincodeHeaderExtension")?;
        Ok(extension.chaincode_id.is_some_and(|id| id.name == LSCC))
    }
}

pub(crate) fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, String> {
    M::decode(bytes).map_err(|e| unreadable(what, &e))
}

pub(crate) fn unreadable(what: &str, error: &prost::DecodeError) -> String {
    format!("VSCC error: {what} does not parse: {error}")
}
