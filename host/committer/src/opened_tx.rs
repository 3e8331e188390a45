//! An entry of a block, opened, and the checks of its form. Fabric:
//! `core/common/validation/msgvalidation.go`, function `ValidateTransaction`, whose order and codes
//! these are.
//!
//! Invariant: whether endorsements are enough and what was written is not looked at here.

use prost::Message;

use crate::verdict::Invalid;
use wasmcc_ledger::tx_id_of;
use wasmcc_msp::MspManager;
use wasmcc_types::proto::common::{
    ChannelHeader, Envelope, Header, HeaderType, Payload, SignatureHeader,
};
use wasmcc_types::proto::protos::{
    ChaincodeActionPayload, ProposalResponsePayload, Transaction, TxValidationCode,
};
use wasmcc_types::{compute_tx_id, sha256_all};

/// An entry of a block, opened down to its channel header.
#[derive(Debug)]
pub(crate) struct OpenedTx<'a> {
    /// The serialized envelope.
    pub(crate) bytes: &'a [u8],
    /// Type, channel and transaction id.
    pub(crate) channel_header: ChannelHeader,
    envelope: Envelope,
    header: Header,
    data: Vec<u8>,
}

/// What a transaction that is well formed and signed holds.
pub(crate) enum Content<'a> {
    /// What the endorsers of a chaincode's transaction signed.
    Endorsed(ProposalResponsePayload),
    /// A serialized `common.ConfigEnvelope`.
    Config(&'a [u8]),
}

impl<'a> OpenedTx<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, Invalid> {
        use TxValidationCode::{BadCommonHeader, BadPayload, InvalidOtherReason, NilEnvelope};
        if bytes.is_empty() {
            // Go tells an absent entry from an empty one; on the wire both are the same.
            return Err(Invalid::new(NilEnvelope, "the entry is empty"));
        }
        let envelope = Envelope::decode(bytes)
            .map_err(Invalid::cause(InvalidOtherReason, "error unmarshalling Envelope"))?;
        let payload = Payload::decode(envelope.payload.as_slice())
            .map_err(Invalid::cause(BadPayload, "error unmarshalling Payload"))?;
        let header = payload.header.ok_or_else(|| Invalid::new(BadCommonHeader, "nil header"))?;
        let channel_header = ChannelHeader::decode(header.channel_header.as_slice())
            .map_err(Invalid::cause(BadCommonHeader, "error unmarshalling ChannelHeader"))?;
        Ok(Self { bytes, channel_header, envelope, header, data: payload.data })
    }

    /// The id that the ledger finds the transaction by.
    pub(crate) fn tx_id(&self) -> String {
        tx_id_of(&self.channel_header, &self.header.signature_header)
    }

    /// What a client proposed, if this is a chaincode's transaction.
    pub(crate) fn chaincode_proposal_payload(&self) -> Option<Vec<u8>> {
        let tx = Transaction::decode(self.data.as_slice()).ok()?;
        let action = tx.actions.into_iter().next()?;
        let payload = ChaincodeActionPayload::decode(action.payload.as_slice()).ok()?;
        Some(payload.chaincode_proposal_payload)
    }

    /// Checks headers, creator and signature, then what belongs to the type.
    pub(crate) fn check(&self, msps: &MspManager) -> Result<Content<'_>, Invalid> {
        let signature_header = self.check_common_header()?;
        self.check_creator(&signature_header, msps)?;
        match HeaderType::try_from(self.channel_header.r#type) {
            Ok(HeaderType::EndorserTransaction) => {
                let SignatureHeader { creator, nonce } = &signature_header;
                let (given, expected) = (&self.channel_header.tx_id, compute_tx_id(nonce, creator));
                if *given != expected {
                    let reason = format!("invalid txid. got [{given}], expected [{expected}]");
                    return Err(Invalid::new(TxValidationCode::BadProposalTxid, reason));
                }
                self.check_action().map(Content::Endorsed).map_err(|reason| {
                    Invalid::new(TxValidationCode::InvalidEndorserTransaction, reason)
                })
            }
            // Whether it holds is a question to the configuration in force.
            Ok(HeaderType::Config) => Ok(Content::Config(&self.data)),
            _ => Err(Invalid::new(
                TxValidationCode::UnsupportedTxPayload,
                format!(
                    "transactions of type {} do not go into blocks",
                    self.channel_header.r#type
                ),
            )),
        }
    }

    fn check_common_header(&self) -> Result<SignatureHeader, Invalid> {
        let code = TxValidationCode::BadCommonHeader;
        let refuse = |reason: String| Err(Invalid::new(code, reason));
        let signature_header = SignatureHeader::decode(self.header.signature_header.as_slice())
            .map_err(Invalid::cause(code, "error unmarshalling SignatureHeader"))?;
        let ChannelHeader { r#type, epoch, .. } = self.channel_header;
        match HeaderType::try_from(r#type) {
            Ok(HeaderType::EndorserTransaction | HeaderType::ConfigUpdate | HeaderType::Config) => {
            }
            _ => return refuse(format!("invalid header type {type}")),
        }
        if epoch != 0 {
            return refuse(format!("invalid Epoch in ChannelHeader. Expected 0, got [{epoch}]"));
        }
        match check_signature_header(&signature_header) {
            Ok(()) => Ok(signature_header),
            Err(reason) => refuse(reason.to_owned()),
        }
    }

    fn check_creator(&self, header: &SignatureHeader, msps: &MspManager) -> Result<(), Invalid> {
        let code = TxValidationCode::BadCreatorSignature;
        let creator =
            msps.deserialize(&header.creator).map_err(Invalid::cause(code, "MSP error"))?;
        creator
            .verify(&self.envelope.payload, &self.envelope.signature)
            .map_err(Invalid::cause(code, "creator's signature over the proposal is not valid"))
    }

    /// Fabric: `validateEndorserTransaction`.
    fn check_action(&self) -> Result<ProposalResponsePayload, String> {
        let tx = Transaction::decode(self.data.as_slice()).map_err(|e| e.to_string())?;
        let [action] = tx.actions.as_slice() else {
            let count = tx.actions.len();
            return Err(format!(
                "only one action per transaction is supported, tx contains {count}"
            ));
        };
        let signature_header =
            SignatureHeader::decode(action.header.as_slice()).map_err(|e| e.to_string())?;
        check_signature_header(&signature_header)?;
        let payload =
            ChaincodeActionPayload::decode(action.payload.as_slice()).map_err(|e| e.to_string())?;
        let endorsed = payload.action.ok_or("nil action")?;
        let response =
            ProposalResponsePayload::decode(endorsed.proposal_response_payload.as_slice())
                .map_err(|e| e.to_string())?;
        if payload.chaincode_proposal_payload.is_empty() {
            return Err("nil arguments".to_owned());
        }
        // The bytes are hashed as they came: what was transient in the proposal is not in them.
        let hash = sha256_all([
            self.header.channel_header.as_slice(),
            action.header.as_slice(),
            payload.chaincode_proposal_payload.as_slice(),
        ]);
        match response.proposal_hash == hash {
            true => Ok(response),
            false => Err("proposal hash does not match".to_owned()),
        }
    }
}

fn check_signature_header(header: &SignatureHeader) -> Result<(), &'static str> {
    match header {
        SignatureHeader { nonce, .. } if nonce.is_empty() => {
            Err("invalid nonce specified in the header")
        }
        SignatureHeader { creator, .. } if creator.is_empty() => {
            Err("invalid creator specified in the header")
        }
        _ => Ok(()),
    }
}
