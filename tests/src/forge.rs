//! Malformed proposals that no honest client makes.

use prost::Message;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::SigningIdentity;
use wasmcc_types::proto::{common, protos};
use wasmcc_types::sha256_all;

/// A proposal in all its parts, each of which can be changed. [`Forge::bytes`] fills in the parts
/// that contain other parts as bytes.
#[derive(Clone, Debug)]
pub struct Forge {
    /// Without its extension.
    pub channel: common::ChannelHeader,
    /// The channel header's extension.
    pub extension: protos::ChaincodeHeaderExtension,
    /// Creator and nonce.
    pub signature: common::SignatureHeader,
    /// Without its input.
    pub payload: protos::ChaincodeProposalPayload,
    /// The payload's input.
    pub invocation: protos::ChaincodeInvocationSpec,
}

fn open<M: Message + Default>(bytes: &[u8]) -> M {
    M::decode(bytes).expect("the builder makes messages")
}

impl Forge {
    /// Makes the proposal that `creator` would send.
    pub fn new(proposal: ProposalBuilder, creator: &SigningIdentity) -> Self {
        let proposal: protos::Proposal = open(&proposal.build(creator.serialized()).bytes);
        let header: common::Header = open(&proposal.header);
        let channel: common::ChannelHeader = open(&header.channel_header);
        let payload: protos::ChaincodeProposalPayload = open(&proposal.payload);
        Self {
            extension: open(&channel.extension),
            channel,
            signature: open(&header.signature_header),
            invocation: open(&payload.input),
            payload,
        }
    }

    /// Sets another creator, with its transaction id.
    pub fn by(mut self, creator: &[u8]) -> Self {
        self.signature.creator = creator.to_vec();
        self.with_own_tx_id()
    }

    /// Sets the transaction id that belongs to nonce and creator.
    pub fn with_own_tx_id(mut self) -> Self {
        let hash = sha256_all([self.signature.nonce.as_slice(), &self.signature.creator]);
        self.channel.tx_id = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self
    }

    /// Returns the headers in the form of the proposal.
    pub fn header(&self) -> common::Header {
        let channel = common::ChannelHeader {
            extension: self.extension.encode_to_vec(),
            ..self.channel.clone()
        };
        common::Header {
            channel_header: channel.encode_to_vec(),
            signature_header: self.signature.encode_to_vec(),
        }
    }

    /// Returns the payload in the form of the proposal.
    pub fn payload(&self) -> protos::ChaincodeProposalPayload {
        let input = self.invocation.encode_to_vec();
        protos::ChaincodeProposalPayload { input, ..self.payload.clone() }
    }

    /// Returns the serialized `protos.Proposal`.
    pub fn bytes(&self) -> Vec<u8> {
        let header = self.header().encode_to_vec();
        let payload = self.payload().encode_to_vec();
        protos::Proposal { header, payload, ..Default::default() }.encode_to_vec()
    }

    /// Signs the proposal with any identity.
    pub fn sign(&self, signer: &SigningIdentity) -> protos::SignedProposal {
        let proposal_bytes = self.bytes();
        let signature = signer.sign(&proposal_bytes);
        protos::SignedProposal { proposal_bytes, signature }
    }
}

/// Returns the other valid signature for the same key and message: for a low S, with the order
/// minus S.
///
/// # Panics
/// Panics if `der` is not a signature.
pub fn high_s(der: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let r_end = 4 + usize::from(der[3]);
    let s = &der[r_end + 2..];
    let digits = &s[s.len().saturating_sub(32)..];
    let mut padded = [0; 32];
    padded[32 - digits.len()..].copy_from_slice(digits);
    let mut borrow = 0;
    let mut twin = [0; 32];
    for i in (0..32).rev() {
        let difference = i16::from(ORDER[i]) - i16::from(padded[i]) - borrow;
        borrow = i16::from(difference < 0);
        twin[i] = difference.rem_euclid(256) as u8;
    }
    // A low S has a clear first bit, so the other one's is set and needs a leading zero.
    assert!(twin[0] >= 0x7f);
    let sign = usize::from(twin[0] >= 0x80);
    let mut out = der[..r_end].to_vec();
    out.extend([2, 32 + sign as u8]);
    out.extend(std::iter::repeat_n(0, sign));
    out.extend(twin);
    out[1] = (out.len() - 2) as u8;
    out
}
