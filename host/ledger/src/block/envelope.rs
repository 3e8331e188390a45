//! The parts of a transaction's envelope that a ledger needs.
//!
//! Does not check signatures, ids or hashes: callers do.

use prost::Message;

use crate::block::config_tx::config_rwset;
use crate::block::rwset::TxRwSet;
use crate::error::LedgerError;
use wasmcc_types::compute_tx_id;
use wasmcc_types::proto::common::{ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader};
use wasmcc_types::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ProposalResponsePayload, Transaction,
};

/// An entry of a block, opened as far as its headers.
#[derive(Clone, Debug, PartialEq)]
pub struct TxEnvelope {
    /// Type, channel, transaction id and the client's timestamp.
    pub channel_header: ChannelHeader,
    /// Serialized `common.SignatureHeader`.
    pub signature_header: Vec<u8>,
    /// The body, as the type says: a serialized `protos.Transaction`, `common.ConfigEnvelope` and
    /// so on.
    pub data: Vec<u8>,
}

impl TxEnvelope {
    /// Opens a serialized `common.Envelope`.
    pub fn parse(envelope: &[u8]) -> Result<Self, LedgerError> {
        let envelope = Envelope::decode(envelope).map_err(decode("envelope"))?;
        let payload = Payload::decode(envelope.payload.as_slice()).map_err(decode("payload"))?;
        let header = payload.header.ok_or(LedgerError::Missing { what: "payload header" })?;
        let channel_header = ChannelHeader::decode(header.channel_header.as_slice())
            .map_err(decode("channel header"))?;
        let signature_header = header.signature_header;
        Ok(Self { channel_header, signature_header, data: payload.data })
    }

    /// True for the transaction of a chaincode.
    pub fn is_endorser_tx(&self) -> bool {
        self.channel_header.r#type == HeaderType::EndorserTransaction as i32
    }

    /// Returns the chaincode's action, from the first action of the transaction. Fabric:
    /// `protoutil.GetActionFromEnvelope`.
    pub fn action(&self) -> Result<ChaincodeAction, LedgerError> {
        let tx = Transaction::decode(self.data.as_slice()).map_err(decode("transaction"))?;
        let action = tx.actions.first().ok_or(LedgerError::Missing { what: "action" })?;
        let payload = ChaincodeActionPayload::decode(action.payload.as_slice())
            .map_err(decode("chaincode action payload"))?;
        let endorsed = payload.action.ok_or(LedgerError::Missing { what: "endorsed action" })?;
        let response =
            ProposalResponsePayload::decode(endorsed.proposal_response_payload.as_slice())
                .map_err(decode("proposal response payload"))?;
        ChaincodeAction::decode(response.extension.as_slice()).map_err(decode("chaincode action"))
    }

    /// Returns the read-write set of a chaincode's transaction, or what a configuration transaction
    /// writes; None for any other.
    pub fn rwset(&self) -> Result<Option<TxRwSet>, LedgerError> {
        match HeaderType::try_from(self.channel_header.r#type) {
            Ok(HeaderType::EndorserTransaction) => {
                TxRwSet::decode(&self.action()?.results).map(Some)
            }
            Ok(HeaderType::Config) if !self.data.is_empty() => {
                Ok(Some(config_rwset(self.data.clone())))
            }
            _ => Ok(None),
        }
    }

    /// Returns the id under which the ledger finds the transaction. Orderers leave the id of
    /// configurations empty; then it is computed from creator and nonce. Fabric:
    /// `protoutil.GetOrComputeTxIDFromEnvelope`.
    pub fn tx_id(&self) -> String {
        tx_id_of(&self.channel_header, &self.signature_header)
    }
}

/// [`TxEnvelope::tx_id`] for headers that are unpacked already.
pub fn tx_id_of(channel_header: &ChannelHeader, signature_header: &[u8]) -> String {
    let given = &channel_header.tx_id;
    if !given.is_empty() || channel_header.r#type != HeaderType::Config as i32 {
        return given.clone();
    }
    match SignatureHeader::decode(signature_header) {
        Ok(header) => compute_tx_id(&header.nonce, &header.creator),
        Err(_) => String::new(),
    }
}

fn decode(what: &'static str) -> impl FnOnce(prost::DecodeError) -> LedgerError {
    move |source| LedgerError::Decode { what, source }
}
