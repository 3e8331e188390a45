//! The parts of a transaction's envelope that a ledger needs.
//!
//! Invariant: reads only; whether signatures, ids and hashes are right is checked above.

use prost::Message;

use crate::ledger::error::LedgerError;
use crate::ledger::rwset::TxRwSet;
use crate::proto::common::ChannelHeader;
use crate::proto::common::Envelope;
use crate::proto::common::HeaderType;
use crate::proto::common::Payload;
use crate::proto::protos::ChaincodeAction;
use crate::proto::protos::ChaincodeActionPayload;
use crate::proto::protos::ProposalResponsePayload;
use crate::proto::protos::Transaction;

/// An entry of a block, opened as far as its headers.
#[derive(Clone, Debug, PartialEq)]
pub struct TxEnvelope {
    /// Type, channel, transaction id and the client's timestamp.
    pub channel_header: ChannelHeader,
    /// Serialized `common.SignatureHeader`.
    pub signature_header: Vec<u8>,
    /// Serialized `protos.Transaction`, `common.ConfigEnvelope` or whatever the type says.
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

    /// Whether this is a chaincode's transaction.
    pub fn is_endorser_tx(&self) -> bool {
        self.channel_header.r#type == HeaderType::EndorserTransaction as i32
    }

    /// What the chaincode did, from the first action of the transaction. Fabric:
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

    /// The read-write set of a chaincode's transaction; None for any other.
    pub fn rwset(&self) -> Result<Option<TxRwSet>, LedgerError> {
        if !self.is_endorser_tx() {
            return Ok(None);
        }
        TxRwSet::decode(&self.action()?.results).map(Some)
    }
}

fn decode(what: &'static str) -> impl FnOnce(prost::DecodeError) -> LedgerError {
    move |source| LedgerError::Decode { what, source }
}
