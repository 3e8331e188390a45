//! A chaincode's transaction, opened down to its endorsements.
//!
//! Invariant: opens and nothing else; the committer has checked the form before.

use prost::Message;

use wasmcc_types::LSCC;
use wasmcc_types::proto::common::{ChannelHeader, Envelope, HeaderType, Payload};
use wasmcc_types::proto::protos::{
    ChaincodeActionPayload, ChaincodeEndorsedAction, ChaincodeHeaderExtension, Transaction,
};

/// What VSCC looks at.
pub(crate) struct EndorsedTx {
    /// The envelope's payload, which the creator signed.
    pub(crate) payload: Vec<u8>,
    /// The creator's signature.
    pub(crate) signature: Vec<u8>,
    /// Type, channel, transaction id.
    pub(crate) channel_header: ChannelHeader,
    /// Serialized `common.SignatureHeader`.
    pub(crate) signature_header: Vec<u8>,
    /// Serialized `protos.ChaincodeProposalPayload`.
    pub(crate) proposal_payload: Vec<u8>,
    /// What was endorsed, and the endorsements.
    pub(crate) action: ChaincodeEndorsedAction,
}

impl EndorsedTx {
    /// Opens a serialized `common.Envelope`.
    pub(crate) fn open(bytes: &[u8]) -> Result<Self, String> {
        let Envelope { payload, signature } = decode(bytes, "Envelope")?;
        let Payload { header, data } = decode(&payload, "Payload")?;
        let header = header.ok_or("VSCC error: the payload has no header")?;
        let channel_header: ChannelHeader = decode(&header.channel_header, "ChannelHeader")?;
        if channel_header.r#type != i32::from(HeaderType::EndorserTransaction) {
            let kind = channel_header.r#type;
            return Err(format!("Only Endorser Transactions are supported, provided type {kind}"));
        }
        let Transaction { actions } = decode(&data, "Transaction")?;
        let [action] = actions.as_slice() else {
            return Err(format!("VSCC error: the transaction has {} actions", actions.len()));
        };
        let ChaincodeActionPayload { chaincode_proposal_payload, action } =
            decode(&action.payload, "ChaincodeActionPayload")?;
        Ok(Self {
            payload,
            signature,
            channel_header,
            signature_header: header.signature_header,
            proposal_payload: chaincode_proposal_payload,
            action: action.ok_or("VSCC error: the transaction has no endorsed action")?,
        })
    }

    /// Whether LSCC was invoked.
    pub(crate) fn is_of_lscc(&self) -> Result<bool, String> {
        let extension: ChaincodeHeaderExtension =
            decode(&self.channel_header.extension, "ChaincodeHeaderExtension")?;
        Ok(extension.chaincode_id.is_some_and(|id| id.name == LSCC))
    }
}

pub(crate) fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, String> {
    M::decode(bytes).map_err(|e| format!("VSCC error: {what} does not parse: {e}"))
}
