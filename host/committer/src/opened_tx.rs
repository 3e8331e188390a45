//! Opens an entry of a block and checks its form. Fabric:
//! `core/common/validation/msgvalidation.go`, function `ValidateTransaction`, with its order and
//! codes.
//!
//! Does not check endorsement policies and results.

use prost::bytes::Bytes;
use prost::{DecodeError, Message};

use crate::verdict::Invalid;
use wasmcc_msp::MspManager;
use wasmcc_types::proto::common::{HeaderType, SignatureHeader};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{
    Endorsed, NotEndorsed, NotOpened, Opened, ResponsePayload, compute_tx_id, sha256_all,
};

/// The contents of a well-formed and signed transaction.
pub(crate) enum Content<'a> {
    /// The part of a chaincode's transaction that the endorsers signed.
    Endorsed(&'a ResponsePayload),
    /// A serialized `common.ConfigEnvelope`.
    Config(&'a Bytes),
}

/// Opens an entry of a block down to its channel header.
pub(crate) fn open(entry: Bytes) -> Result<Opened, Invalid> {
    use TxValidationCode::{BadCommonHeader, BadPayload, InvalidOtherReason, NilEnvelope};
    if entry.is_empty() {
        // Go distinguishes an absent entry from an empty one; on the wire both are the same.
        return Err(Invalid::new(NilEnvelope, "the entry is empty"));
    }
    let malformed = |code, what, error| Invalid::cause(code, what)(error);
    Opened::open(entry).map_err(|error| match error {
        NotOpened::Envelope(e) => malformed(InvalidOtherReason, "error unmarshalling Envelope", e),
        NotOpened::Payload(e) => malformed(BadPayload, "error unmarshalling Payload", e),
        NotOpened::NoHeader => Invalid::new(BadCommonHeader, "nil header"),
        NotOpened::ChannelHeader(e) => {
            malformed(BadCommonHeader, "error unmarshalling ChannelHeader", e)
        }
    })
}

/// Checks headers, creator and signature, then the content of the transaction's type.
pub(crate) fn check<'a>(tx: &'a Opened, msps: &MspManager) -> Result<Content<'a>, Invalid> {
    let signature_header = check_common_header(tx)?;
    check_creator(tx, &signature_header, msps)?;
    match HeaderType::try_from(tx.channel_header.r#type) {
        Ok(HeaderType::EndorserTransaction) => {
            let SignatureHeader { creator, nonce } = &signature_header;
            let (given, expected) = (&tx.channel_header.tx_id, compute_tx_id(nonce, creator));
            if *given != expected {
                let reason = format!("invalid txid. got [{given}], expected [{expected}]");
                return Err(Invalid::new(TxValidationCode::BadProposalTxid, reason));
            }
            check_action(tx).map(Content::Endorsed).map_err(|reason| {
                Invalid::new(TxValidationCode::InvalidEndorserTransaction, reason.to_string())
            })
        }
        // Whether it is valid depends on the configuration in force.
        Ok(HeaderType::Config) => Ok(Content::Config(&tx.data)),
        _ => Err(Invalid::new(
            TxValidationCode::UnsupportedTxPayload,
            format!("transactions of type {} are not allowed in blocks", tx.channel_header.r#type),
        )),
    }
}

fn check_common_header(tx: &Opened) -> Result<SignatureHeader, Invalid> {
    let code = TxValidationCode::BadCommonHeader;
    let refuse = |reason: String| Err(Invalid::new(code, reason));
    let signature_header = SignatureHeader::decode(tx.signature_header.clone())
        .map_err(Invalid::cause(code, "error unmarshalling SignatureHeader"))?;
    let (r#type, epoch) = (tx.channel_header.r#type, tx.channel_header.epoch);
    match HeaderType::try_from(r#type) {
        Ok(HeaderType::EndorserTransaction | HeaderType::ConfigUpdate | HeaderType::Config) => {}
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

fn check_creator(tx: &Opened, header: &SignatureHeader, msps: &MspManager) -> Result<(), Invalid> {
    let code = TxValidationCode::BadCreatorSignature;
    let creator = msps.deserialize(&header.creator).map_err(Invalid::cause(code, "MSP error"))?;
    creator
        .verify_digest(tx.payload_hash(), &tx.signature)
        .map_err(Invalid::cause(code, "creator's signature over the proposal is not valid"))
}

/// Why the action of a chaincode's transaction is refused. The texts are Fabric's.
#[derive(Debug, thiserror::Error)]
enum BadAction {
    #[error("{0}")]
    Unreadable(DecodeError),
    #[error("only one action per transaction is supported, tx contains {count}")]
    Count { count: usize },
    #[error("{0}")]
    SignatureHeader(&'static str),
    #[error("nil action")]
    NoAction,
    #[error("nil arguments")]
    NoArguments,
    #[error("proposal hash does not match")]
    ProposalHash,
}

/// Fabric: `validateEndorserTransaction`.
fn check_action(tx: &Opened) -> Result<&ResponsePayload, BadAction> {
    let unreadable = |error: &DecodeError| BadAction::Unreadable(error.clone());
    let actions = tx.actions().map_err(unreadable)?;
    let [action] = actions else { return Err(BadAction::Count { count: actions.len() }) };
    // Usually the same as the transaction's signature header, which was checked in the same way.
    if action.header != tx.signature_header {
        let header =
            SignatureHeader::decode(action.header.clone()).map_err(BadAction::Unreadable)?;
        check_signature_header(&header).map_err(BadAction::SignatureHeader)?;
    }
    let Endorsed { proposal_payload, response, .. } =
        tx.endorsed().map_err(|error| match error {
            NotEndorsed::Transaction(e) | NotEndorsed::Payload(e) => unreadable(e),
            NotEndorsed::NoAction | NotEndorsed::NoEndorsedAction => BadAction::NoAction,
        })?;
    let response = response.as_ref().map_err(unreadable)?;
    if proposal_payload.is_empty() {
        return Err(BadAction::NoArguments);
    }
    // Hashes the received bytes, which do not contain the transient part of the proposal.
    let hash = sha256_all([&*tx.channel_header_bytes, &*action.header, &**proposal_payload]);
    match response.proposal_hash == hash[..] {
        true => Ok(response),
        false => Err(BadAction::ProposalHash),
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
