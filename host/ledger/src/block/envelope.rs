//! The parts of a transaction's envelope that a ledger needs.
//!
//! Does not check signatures, ids or hashes: callers do.

use std::ops::Deref;

use prost::bytes::Bytes;

use crate::block::config_tx::config_rwset;
use crate::block::rwset::TxRwSet;
use crate::error::LedgerError;
use wasmcc_types::proto::common::{ChannelHeader, HeaderType};
use wasmcc_types::{ChaincodeAction, NotEndorsed, NotOpened, Opened};

/// An entry of a block whose headers are decoded.
#[derive(Debug)]
pub struct TxEnvelope(Opened);

impl TxEnvelope {
    /// Decodes a serialized `common.Envelope`.
    pub fn parse(envelope: &[u8]) -> Result<Self, LedgerError> {
        Self::open(Bytes::copy_from_slice(envelope))
    }

    /// As [`parse`](Self::parse), but the parts share the bytes instead of copying them.
    pub fn open(envelope: Bytes) -> Result<Self, LedgerError> {
        let opened = Opened::open(envelope);
        opened.map(Self).map_err(|error| match error {
            NotOpened::Envelope(source) => decode("envelope")(source),
            NotOpened::Payload(source) => decode("payload")(source),
            NotOpened::NoHeader => LedgerError::Missing { what: "payload header" },
            NotOpened::ChannelHeader(source) => decode("channel header")(source),
        })
    }

    /// Returns the channel header.
    pub fn into_channel_header(self) -> ChannelHeader {
        self.0.channel_header
    }

    /// Returns the chaincode's action, from the first action of the transaction. Fabric:
    /// `protoutil.GetActionFromEnvelope`.
    pub fn action(&self) -> Result<&ChaincodeAction, LedgerError> {
        action(&self.0)
    }

    /// Returns the read-write set of a chaincode's transaction, or the writes of a configuration
    /// transaction; None for any other.
    pub fn rwset(&self) -> Result<Option<TxRwSet>, LedgerError> {
        rwset(&self.0)
    }
}

impl Deref for TxEnvelope {
    type Target = Opened;

    fn deref(&self) -> &Opened {
        &self.0
    }
}

/// As [`TxEnvelope::rwset`], for an entry that is decoded already.
pub fn rwset(opened: &Opened) -> Result<Option<TxRwSet>, LedgerError> {
    match HeaderType::try_from(opened.channel_header.r#type) {
        Ok(HeaderType::EndorserTransaction) => TxRwSet::decode(&action(opened)?.results).map(Some),
        Ok(HeaderType::Config) if !opened.data.is_empty() => {
            Ok(Some(config_rwset(opened.data.to_vec())))
        }
        _ => Ok(None),
    }
}

fn action(opened: &Opened) -> Result<&ChaincodeAction, LedgerError> {
    let endorsed = opened.endorsed().map_err(|error| match error.clone() {
        NotEndorsed::Transaction(source) => decode("transaction")(source),
        NotEndorsed::NoAction => LedgerError::Missing { what: "action" },
        NotEndorsed::Payload(source) => decode("chaincode action payload")(source),
        NotEndorsed::NoEndorsedAction => LedgerError::Missing { what: "endorsed action" },
    })?;
    let response = endorsed.response.as_ref();
    let response = response.map_err(|e| decode("proposal response payload")(e.clone()))?;
    response.action().map_err(|e| decode("chaincode action")(e.clone()))
}

fn decode(what: &'static str) -> impl FnOnce(prost::DecodeError) -> LedgerError {
    move |source| LedgerError::Decode { what, source }
}
