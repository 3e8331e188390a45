//! The parts of a signed proposal that chaincodes may see.

use std::sync::Arc;

use prost::DecodeError;
use prost::bytes::Bytes;

use crate::InvokeMessage;
use wasmcc_types::proto::{common, protos};
use wasmcc_types::{ProposalContext, Timestamp, decode_bounded, fields_in};

/// The reason why a signed proposal cannot be unpacked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// A part of it cannot be decoded.
    #[error("failed to extract the {what} from the proposal: {source}")]
    Malformed {
        /// The part.
        what: &'static str,
        /// The error of the decoder.
        source: DecodeError,
    },
    /// Transactions with its header type do not call chaincodes (fabric-chaincode-go
    /// `shim/stub.go`, `newChaincodeStub`).
    #[error("invalid channel header type. Expected ENDORSER_TRANSACTION or CONFIG, received {0}")]
    Type(i32),
}

/// Returns the parts of a signed proposal that chaincodes may see. Does not verify anything: a
/// chaincode trusts its peer.
pub fn proposal_context(
    signed: &Arc<protos::SignedProposal>,
) -> Result<ProposalContext, ProposalError> {
    let proposal: protos::Proposal =
        decode(Bytes::copy_from_slice(&signed.proposal_bytes), "Proposal")?;
    let header: common::Header = decode(proposal.header.into(), "Header")?;
    let channel_header: common::ChannelHeader =
        decode(header.channel_header.into(), "ChannelHeader")?;
    match common::HeaderType::try_from(channel_header.r#type) {
        Ok(common::HeaderType::EndorserTransaction | common::HeaderType::Config) => {}
        _ => return Err(ProposalError::Type(channel_header.r#type)),
    }
    let signature_header = decode(header.signature_header.into(), "SignatureHeader")?;
    let payload: protos::ChaincodeProposalPayload =
        decode(proposal.payload.into(), "ChaincodeProposalPayload")?;
    Ok(context_of_parts(signed, &channel_header, signature_header, payload.transient_map))
}

/// Returns whether another chaincode made this call: whether it differs from the client's call. A
/// nested call with the same chaincode, channel and input is taken for the client's own.
pub fn is_nested(invocation: &InvokeMessage) -> bool {
    let Some(signed) = &invocation.proposal else { return false };
    let asked = || -> Result<(String, protos::ChaincodeInput), ProposalError> {
        let proposal: protos::Proposal =
            decode(Bytes::copy_from_slice(&signed.proposal_bytes), "Proposal")?;
        let header: common::Header = decode(proposal.header.into(), "Header")?;
        let header: common::ChannelHeader = decode(header.channel_header.into(), "ChannelHeader")?;
        let payload: protos::ChaincodeProposalPayload =
            decode(proposal.payload.into(), "ChaincodeProposalPayload")?;
        let spec: protos::ChaincodeInvocationSpec =
            decode(payload.input.into(), "ChaincodeInvocationSpec")?;
        let input = spec.chaincode_spec.and_then(|spec| spec.input);
        Ok((header.channel_id, input.unwrap_or_default()))
    };
    // A proposal that cannot be decoded is refused when it runs.
    asked().is_ok_and(|(channel_id, input)| {
        channel_id != *invocation.tx.channel_id || input.args != invocation.input.args
    })
}

/// As [`proposal_context`], for a proposal that is decoded already.
pub fn context_of_parts(
    signed: &Arc<protos::SignedProposal>,
    channel_header: &common::ChannelHeader,
    signature_header: common::SignatureHeader,
    transient: std::collections::BTreeMap<String, Vec<u8>>,
) -> ProposalContext {
    ProposalContext {
        bound: Some((signature_header.nonce, channel_header.epoch)),
        creator: signature_header.creator,
        transient,
        timestamp: channel_header.timestamp.map(Timestamp::from),
        called: None,
        signed: Arc::clone(signed),
    }
}

/// Decodes from `Bytes`, from which prost copies each field once; from a slice it would copy twice.
fn decode<M: prost::Message + Default>(
    bytes: Bytes,
    what: &'static str,
) -> Result<M, ProposalError> {
    let most = fields_in(bytes.len());
    decode_bounded(bytes, most).map_err(|source| ProposalError::Malformed { what, source })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use wasmcc_types::sha256_all;

    fn signed(kind: common::HeaderType) -> protos::SignedProposal {
        let channel_header = common::ChannelHeader {
            r#type: kind.into(),
            timestamp: Some(prost_types::Timestamp { seconds: 8, nanos: -1 }),
            ..Default::default()
        };
        let signature_header =
            common::SignatureHeader { creator: b"me".to_vec(), nonce: b"once".to_vec() };
        let header = common::Header {
            channel_header: channel_header.encode_to_vec(),
            signature_header: signature_header.encode_to_vec(),
        };
        let payload = protos::ChaincodeProposalPayload {
            transient_map: [("k".to_owned(), b"v".to_vec())].into(),
            ..Default::default()
        };
        let proposal = protos::Proposal {
            header: header.encode_to_vec(),
            payload: payload.encode_to_vec(),
            ..Default::default()
        };
        let proposal_bytes = proposal.encode_to_vec();
        protos::SignedProposal { proposal_bytes, signature: b"sig".to_vec() }
    }

    #[test]
    fn a_chaincode_sees_what_the_client_signed() {
        let signed = Arc::new(signed(common::HeaderType::EndorserTransaction));
        let context = proposal_context(&signed).unwrap();
        assert_eq!(context.creator, b"me");
        assert_eq!(context.transient["k"], b"v");
        let timestamp = Timestamp { seconds: 7, nanos: 999_999_999 };
        assert_eq!(context.timestamp, Some(timestamp), "negative nanoseconds count, too");
        assert_eq!(context.binding(), sha256_all([b"onceme".as_slice(), &[0; 8]]));
        assert_eq!(context.signed.proposal_bytes, signed.proposal_bytes);
        assert_eq!(context.signed.signature, b"sig");
    }

    #[test]
    fn other_kinds_and_garbage_are_refused() {
        let error = proposal_context(&signed(common::HeaderType::Message).into()).unwrap_err();
        assert_eq!(error, ProposalError::Type(0));
        let garbage = protos::SignedProposal { proposal_bytes: vec![0xff], ..Default::default() };
        let error = proposal_context(&garbage.into()).unwrap_err().to_string();
        assert!(error.starts_with("failed to extract the Proposal from the proposal: "), "{error}");
    }
}
