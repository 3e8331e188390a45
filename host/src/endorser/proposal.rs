//! A signed proposal taken apart and checked, in Fabric's order (`core/endorser/msgvalidation.go`).

use std::sync::Arc;

use prost::Message;

use crate::endorser::error::Rejected;
use crate::msp::{Identity, MspManager};
use crate::proto::common;
use crate::proto::protos;
use crate::protocol::context_of_parts;
use crate::types::{ProposalContext, Share, compute_tx_id, sha256_all};

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
        Self::unpack_unless(signed, |_| false)
    }

    /// As [`unpack`](Self::unpack), but first refuses a creator that `is_expired` says has expired.
    /// Fabric's filter for that stands before everything else
    /// (`core/handlers/auth/filter/expiration.go`).
    pub fn unpack_unless(
        signed: protos::SignedProposal,
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
            signed: Arc::new(signed),
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
            tracing::warn!(channel, %error, "access denied");
            Rejected::invalid(match error.refused_by() {
                Some(msp_id) => denied(channel, msp_id),
                None => format!(
                    "access denied: channel [{channel}] creator org unknown, creator is malformed"
                ),
            })
        })?;
        creator.verify(&self.signed.proposal_bytes, &self.signed.signature).map_err(|error| {
            tracing::warn!(channel, %error, "the creator's signature is not valid");
            Rejected::invalid(denied(channel, creator.msp_id()))
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

/// For whom the peer would work, as the headers say it; nothing is checked. What cannot be read is
/// left empty.
pub fn claimed_share(signed: &protos::SignedProposal) -> Share {
    let headers = Headers::decode(signed.proposal_bytes.as_slice()).unwrap_or_default();
    let header = common::Header::decode(headers.header.as_slice()).unwrap_or_default();
    let channel = common::ChannelHeader::decode(header.channel_header.as_slice());
    let channel = channel.unwrap_or_default();
    let extension = protos::ChaincodeHeaderExtension::decode(channel.extension.as_slice());
    let chaincode = extension.unwrap_or_default().chaincode_id.unwrap_or_default();
    let signature = common::SignatureHeader::decode(header.signature_header.as_slice());
    Share::new(&channel.channel_id, &chaincode.name, &signature.unwrap_or_default().creator)
}

fn denied(channel: &str, msp_id: &str) -> String {
    format!("access denied: channel [{channel}] creator org [{msp_id}]")
}
