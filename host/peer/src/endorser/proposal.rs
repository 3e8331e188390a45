//! A signed proposal taken apart and checked, in Fabric's order (`core/endorser/msgvalidation.go`).

use std::sync::Arc;

use prost::Message;

use crate::endorser::error::Rejected;
use crate::endorser::tx_line::TxLine;
use wasmcc_msp::{Identity, MspManager};
use wasmcc_protocol::context_of_parts;
use wasmcc_types::proto::common;
use wasmcc_types::proto::protos;
use wasmcc_types::{ProposalContext, Share, compute_tx_id, sha256_all};

/// What one signed proposal says. Nothing of it is believed before [`UnpackedProposal::validate`].
#[derive(Clone, Debug)]
pub struct UnpackedProposal {
    /// As the client sent it.
    pub signed: Arc<protos::SignedProposal>,
    /// `proposal_bytes`, decoded once.
    pub proposal: protos::Proposal,
    /// Type, channel, transaction id.
    pub channel_header: common::ChannelHeader,
    /// Creator and nonce.
    pub signature_header: common::SignatureHeader,
    /// Whose chaincode is called.
    pub chaincode_id: protos::ChaincodeId,
    /// What it is called with.
    pub input: protos::ChaincodeInput,
    /// SHA-256 of both headers as received and the payload without its transient part.
    pub hash: [u8; 32],
    /// What chaincodes may know of it.
    pub context: Arc<ProposalContext>,
}

fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, Rejected> {
    M::decode(bytes).map_err(|e| Rejected::new(format!("error unmarshalling {what}: {e}")))
}

impl UnpackedProposal {
    /// Takes a signed proposal apart.
    pub fn unpack(signed: protos::SignedProposal) -> Result<Self, Rejected> {
        Self::unpack_unless(Arc::new(signed), |_| false)
    }

    /// As [`unpack`](Self::unpack), but first refuses a creator that `is_expired` says has expired.
    /// Fabric's filter for that stands before everything else
    /// (`core/handlers/auth/filter/expiration.go`).
    pub fn unpack_unless(
        signed: Arc<protos::SignedProposal>,
        is_expired: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Self, Rejected> {
        let proposal: protos::Proposal = protos::Proposal::decode(signed.proposal_bytes.as_slice())
            .map_err(|e| Rejected::new(format!("failed parsing proposal: {e}")))?;
        let header: common::Header = common::Header::decode(proposal.header.as_slice())
            .map_err(|e| Rejected::new(format!("failed parsing header: {e}")))?;
        let signature_header: common::SignatureHeader =
            common::SignatureHeader::decode(header.signature_header.as_slice())
                .map_err(|e| Rejected::new(format!("failed parsing signature header: {e}")))?;
        if is_expired(&signature_header.creator) {
            return Err(Rejected::new("proposal client identity expired"));
        }
        let channel_header: common::ChannelHeader =
            decode(&header.channel_header, "ChannelHeader")?;
        let extension: protos::ChaincodeHeaderExtension =
            decode(&channel_header.extension, "ChaincodeHeaderExtension")?;
        let Some(chaincode_id) = extension.chaincode_id else {
            return Err(Rejected::new("ChaincodeHeaderExtension.ChaincodeId is nil"));
        };
        if chaincode_id.name.is_empty() {
            return Err(Rejected::new("ChaincodeHeaderExtension.ChaincodeId.Name is empty"));
        }
        let payload: protos::ChaincodeProposalPayload =
            decode(&proposal.payload, "ChaincodeProposalPayload")?;
        let spec: protos::ChaincodeInvocationSpec =
            decode(&payload.input, "ChaincodeInvocationSpec")?;
        let Some(spec) = spec.chaincode_spec else {
            let text = "chaincode invocation spec did not contain chaincode spec";
            return Err(Rejected::new(text));
        };
        let Some(input) = spec.input else {
            return Err(Rejected::new("chaincode input did not contain any input"));
        };
        let visible = protos::ChaincodeProposalPayload {
            input: payload.input,
            transient_map: Default::default(),
        };
        let hash = sha256_all([
            header.channel_header.as_slice(),
            header.signature_header.as_slice(),
            visible.encode_to_vec().as_slice(),
        ]);
        let context = Arc::new(context_of_parts(
            &signed,
            &channel_header,
            signature_header.clone(),
            payload.transient_map,
        ));
        Ok(Self {
            signed,
            proposal,
            channel_header,
            signature_header,
            chaincode_id,
            input,
            hash,
            context,
        })
    }

    /// The channel's name; empty for a proposal to the peer itself.
    pub fn channel_id(&self) -> &str {
        &self.channel_header.channel_id
    }

    /// The transaction's id, as the client computed it.
    pub fn tx_id(&self) -> &str {
        &self.channel_header.tx_id
    }

    /// What the log calls it.
    pub(super) fn line(&self) -> TxLine<'_> {
        let (channel, tx_id) = (self.channel_id(), self.tx_id());
        TxLine { channel, tx_id, chaincode: &self.chaincode_id.name }
    }

    /// For whom the peer works if the creator is who it says.
    pub fn share(&self) -> Share {
        let creator = &self.signature_header.creator;
        Share::new(self.channel_id(), &self.chaincode_id.name, creator)
    }

    /// Checks headers, transaction id, creator and signature; gives the creator.
    pub fn validate(&self, msps: &MspManager) -> Result<Arc<Identity>, Rejected> {
        self.validate_headers()?;
        let channel = self.channel_id();
        let creator = msps.deserialize(&self.signature_header.creator).map_err(|error| {
            let text = match error.refused_by() {
                Some(msp_id) => denied(channel, msp_id),
                None => format!(
                    "access denied: channel [{channel}] creator org unknown, creator is malformed"
                ),
            };
            Rejected::invalid(text).because(error)
        })?;
        creator.verify(&self.signed.proposal_bytes, &self.signed.signature).map_err(|error| {
            let cause = format!("the creator's signature is not valid: {error}");
            Rejected::invalid(denied(channel, creator.msp_id())).because(cause)
        })?;
        Ok(creator)
    }

    fn validate_headers(&self) -> Result<(), Rejected> {
        let kind = self.channel_header.r#type;
        let invalid = |text: &str| Err(Rejected::invalid(text));
        match common::HeaderType::try_from(kind) {
            Ok(common::HeaderType::EndorserTransaction | common::HeaderType::Config) => {}
            Ok(other) => return invalid(&format!("invalid header type {}", other.as_str_name())),
            Err(_) => return invalid(&format!("invalid header type {kind}")),
        }
        if self.channel_header.epoch != 0 {
            return invalid("epoch is non-zero");
        }
        if self.signature_header.nonce.is_empty() {
            return invalid("nonce is empty");
        }
        if self.signature_header.creator.is_empty() {
            return invalid("creator is empty");
        }
        let expected = compute_tx_id(&self.signature_header.nonce, &self.signature_header.creator);
        if self.tx_id() != expected {
            let given = self.tx_id();
            return invalid(&format!(
                "incorrectly computed txid '{given}' -- expected '{expected}'"
            ));
        }
        if self.signed.signature.is_empty() {
            return invalid("empty signature bytes");
        }
        Ok(())
    }
}

/// The headers of a proposal without its payload, which may be large.
#[derive(Clone, PartialEq, Message)]
struct Headers {
    #[prost(bytes = "vec", tag = "1")]
    header: Vec<u8>,
}

/// What a proposal says of itself; nothing is checked.
#[derive(Clone, Debug)]
pub struct Claims {
    /// For whom the peer would work.
    pub share: Share,
    /// The transaction.
    pub tx_id: String,
}

impl Claims {
    /// Reads the headers. What cannot be read is left empty.
    pub fn of(signed: &protos::SignedProposal) -> Self {
        let headers = Headers::decode(signed.proposal_bytes.as_slice()).unwrap_or_default();
        Self::of_header(&headers.header)
    }

    /// As [`of`](Self::of), of an envelope for the orderer.
    pub fn of_envelope(envelope: &common::Envelope) -> Self {
        // Both messages have their header as field 1, and no need to copy the rest.
        let headers = Headers::decode(envelope.payload.as_slice()).unwrap_or_default();
        Self::of_header(&headers.header)
    }

    fn of_header(header: &[u8]) -> Self {
        let header = common::Header::decode(header).unwrap_or_default();
        let channel = common::ChannelHeader::decode(header.channel_header.as_slice());
        let channel = channel.unwrap_or_default();
        let extension = protos::ChaincodeHeaderExtension::decode(channel.extension.as_slice());
        let chaincode = extension.unwrap_or_default().chaincode_id.unwrap_or_default();
        let signature = common::SignatureHeader::decode(header.signature_header.as_slice());
        let creator = signature.unwrap_or_default().creator;
        let share = Share::new(&channel.channel_id, &chaincode.name, &creator);
        Self { share, tx_id: channel.tx_id }
    }

    /// What the log calls it.
    fn line(&self) -> TxLine<'_> {
        let Share { channel, chaincode, .. } = &self.share;
        TxLine { channel, tx_id: &self.tx_id, chaincode }
    }

    /// Writes the line of a proposal that cannot be understood.
    pub fn log_refusal(&self, rejected: &Rejected) {
        self.line().refused(rejected);
    }

    /// Writes the line of a proposal for which there is no room.
    pub fn log_not_run(&self, reason: &str) {
        self.line().not_run(reason);
    }
}

fn denied(channel: &str, msp_id: &str) -> String {
    format!("access denied: channel [{channel}] creator org [{msp_id}]")
}
