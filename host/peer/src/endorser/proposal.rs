//! Unpacks and checks a signed proposal, in Fabric's order (`core/endorser/msgvalidation.go`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use prost::Message;
use prost::bytes::Bytes;
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::endorser::checks::{Check, Checks};
use crate::endorser::claims::Claims;
use crate::endorser::error::Rejected;
use crate::endorser::measured::Measured;
use crate::endorser::tx_line::TxLine;
use wasmcc_ledger::Ledger;
use wasmcc_msp::{Identity, MspManager, has_expired};
use wasmcc_protocol::context_of_parts;
use wasmcc_types::proto::{common, protos};
use wasmcc_types::{ProposalContext, Share, TxId, compute_tx_id, hex, sha256_all};

/// A signed proposal, unpacked and hashed once and shared by all that need a part of it. Nothing in
/// it is verified before [`UnpackedProposal::validate`].
///
/// Does not implement `Clone`: a proposal may have 100 MiB.
#[derive(Debug)]
pub struct UnpackedProposal {
    /// The message as the client sent it.
    pub signed: Arc<protos::SignedProposal>,
    /// Both headers as received.
    header: Header,
    /// Serialized `protos.ChaincodeInvocationSpec`, as received.
    invocation: Bytes,
    /// Type, channel, transaction id.
    pub channel_header: common::ChannelHeader,
    /// Creator and nonce.
    pub signature_header: common::SignatureHeader,
    /// The chaincode that is called.
    pub chaincode_id: protos::ChaincodeId,
    /// Its arguments.
    pub input: protos::ChaincodeInput,
    /// SHA-256 of both headers as received and the payload without its transient part.
    pub hash: [u8; 32],
    /// The part that chaincodes may read.
    pub context: Arc<ProposalContext>,
    /// The time that it took to unpack the proposal.
    pub unpacked_in: Duration,
}

/// The reason why a proposal cannot be unpacked.
struct Malformed {
    rejected: Rejected,
    /// The creator, if it could be read.
    creator: Option<Vec<u8>>,
}

impl From<Rejected> for Malformed {
    fn from(rejected: Rejected) -> Self {
        Self { rejected, creator: None }
    }
}

pub(super) fn decode<M: Message + Default>(bytes: Bytes, what: &str) -> Result<M, Rejected> {
    M::decode(bytes).map_err(|e| Rejected::new(format!("error unmarshalling {what}: {e}")))
}

fn parse<M: Message + Default>(bytes: Bytes, what: &str) -> Result<M, Rejected> {
    M::decode(bytes).map_err(|e| Rejected::new(format!("failed parsing {what}: {e}")))
}

impl UnpackedProposal {
    /// Unpacks a signed proposal.
    pub fn unpack(signed: impl Into<Arc<protos::SignedProposal>>) -> Result<Arc<Self>, Rejected> {
        Self::open(signed.into()).map_err(|malformed| malformed.rejected)
    }

    /// As [`unpack`](Self::unpack), with the error of Fabric's endorser: its filter for expired
    /// creators runs before the parts after the signature header are checked
    /// (`core/handlers/auth/filter/expiration.go`). A refused proposal is counted and logged.
    pub fn unpack_for_endorser(
        signed: impl Into<Arc<protos::SignedProposal>>,
    ) -> Result<Arc<Self>, Rejected> {
        let signed = signed.into();
        let unpacked = Self::open(Arc::clone(&signed));
        let unpacked = unpacked.map_err(|Malformed { rejected, creator }| match creator {
            Some(creator) if has_expired(&creator, SystemTime::now()) => Rejected::expired(),
            _ => rejected,
        });
        unpacked.inspect_err(|rejected| {
            Measured::is_unreadable();
            Claims::of(&signed).log_refusal(rejected);
        })
    }

    fn open(signed: Arc<protos::SignedProposal>) -> Result<Arc<Self>, Malformed> {
        let since = Instant::now();
        let proposal: Proposal = parse(bytes_of(&signed), "proposal")?;
        let header: Header = parse(proposal.header, "header")?;
        let signature_header: common::SignatureHeader =
            parse(header.signature_header.clone(), "signature header")?;
        let malformed = |rejected| {
            let creator = Some(signature_header.creator.clone());
            Malformed { rejected, creator }
        };
        let parts = ProposalParts::open(&header, proposal.payload).map_err(malformed)?;
        let ProposalParts { channel_header, chaincode_id, spec, input, payload } = parts;
        let hash = hash(&header, &payload.input);
        let called = spec.chaincode_id.map(|id| id.name);
        let context = context_of_parts(
            &signed,
            &channel_header,
            signature_header.clone(),
            payload.transient_map,
        );
        Ok(Arc::new(Self {
            signed,
            header,
            invocation: payload.input,
            channel_header,
            signature_header,
            chaincode_id,
            input,
            hash,
            context: Arc::new(ProposalContext { called, ..context }),
            unpacked_in: since.elapsed(),
        }))
    }

    /// Returns both headers, as in the transaction.
    pub fn header(&self) -> common::Header {
        common::Header {
            channel_header: self.header.channel_header.to_vec(),
            signature_header: self.header.signature_header.to_vec(),
        }
    }

    /// Returns the serialized `protos.ChaincodeProposalPayload` without its transient part, as in
    /// the transaction.
    pub fn visible_payload(&self) -> Vec<u8> {
        [&payload_prefix(&self.invocation), &*self.invocation].concat()
    }

    /// Returns the channel's name; empty for a proposal to the peer itself.
    pub fn channel_id(&self) -> &str {
        &self.channel_header.channel_id
    }

    /// Returns the transaction's id, as the client computed it.
    pub fn tx_id(&self) -> &str {
        &self.channel_header.tx_id
    }

    /// Returns its data for the log.
    pub(super) fn line(&self) -> TxLine<'_> {
        let (channel, tx_id) = (self.channel_id(), self.tx_id());
        TxLine { channel, tx_id, chaincode: &self.chaincode_id.name }
    }

    /// Returns the client, chaincode and channel that the peer works for, if the creator is
    /// genuine.
    pub fn share(&self) -> Share {
        let creator = &self.signature_header.creator;
        Share::new(self.channel_id(), &self.chaincode_id.name, creator)
    }

    /// Checks headers, transaction id, creator and signature; returns the creator.
    pub fn validate(
        &self,
        msps: &MspManager,
        checks: &mut Checks,
    ) -> Result<Arc<Identity>, Rejected> {
        checks.make(Check::Headers, || self.validate_headers())?;
        checks.make(Check::TxId, || self.validate_tx_id())?;
        checks.make(Check::Signed, || match self.signed.signature.is_empty() {
            true => Err(Rejected::invalid("empty signature bytes")),
            false => Ok(()),
        })?;
        let creator = checks.make(Check::Creator, || self.creator(msps))?;
        checks
            .make(Check::Signature, || {
                creator.verify(&self.signed.proposal_bytes, &self.signed.signature)
            })
            .map_err(|error| {
                let cause = format!("the creator's signature is not valid: {error}");
                Rejected::invalid(denied(self.channel_id(), creator.msp_id())).because(cause)
            })?;
        Ok(creator)
    }

    /// Checks that no transaction of the ledger has this id.
    pub(super) fn check_new(&self, tx_id: &TxId, ledger: &Ledger) -> Result<(), Rejected> {
        let known = ledger.tx_validation(tx_id);
        if known.map_err(|error| Rejected::new(error.to_string()))?.is_none() {
            return Ok(());
        }
        Measured::known(self).duplicates.inc();
        let creator = hex(&self.signature_header.creator);
        Err(Rejected::new(format!("duplicate transaction found [{tx_id}]. Creator [{creator}]")))
    }

    fn creator(&self, msps: &MspManager) -> Result<Arc<Identity>, Rejected> {
        let channel = self.channel_id();
        msps.deserialize(&self.signature_header.creator).map_err(|error| {
            let text = match error.refused_by() {
                Some(msp_id) => denied(channel, msp_id),
                None => format!(
                    "access denied: channel [{channel}] creator org unknown, creator is malformed"
                ),
            };
            Rejected::invalid(text).because(error)
        })
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
        Ok(())
    }

    fn validate_tx_id(&self) -> Result<(), Rejected> {
        let expected = compute_tx_id(&self.signature_header.nonce, &self.signature_header.creator);
        if self.tx_id() != expected {
            let given = self.tx_id();
            return Err(Rejected::invalid(format!(
                "incorrectly computed txid '{given}' -- expected '{expected}'"
            )));
        }
        Ok(())
    }
}

// Fabric's messages in a proposal, with fields that share the bytes of the proposal. Their names
// appear in the texts of decoding errors.

/// `protos.Proposal`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Proposal {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) header: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) payload: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    extension: Bytes,
}

/// `common.Header`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Header {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) channel_header: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    signature_header: Bytes,
}

/// `protos.ChaincodeProposalPayload`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ChaincodeProposalPayload {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) input: Bytes,
    #[prost(btree_map = "string, bytes", tag = "2")]
    transient_map: BTreeMap<String, Vec<u8>>,
}

/// The parts after the signature header.
struct ProposalParts {
    channel_header: common::ChannelHeader,
    chaincode_id: protos::ChaincodeId,
    spec: protos::ChaincodeSpec,
    input: protos::ChaincodeInput,
    payload: ChaincodeProposalPayload,
}

impl ProposalParts {
    fn open(header: &Header, payload: Bytes) -> Result<Self, Rejected> {
        let channel_header: common::ChannelHeader =
            decode(header.channel_header.clone(), "ChannelHeader")?;
        let extension = Bytes::copy_from_slice(&channel_header.extension);
        let extension: protos::ChaincodeHeaderExtension =
            decode(extension, "ChaincodeHeaderExtension")?;
        let Some(chaincode_id) = extension.chaincode_id else {
            return Err(Rejected::new("ChaincodeHeaderExtension.ChaincodeId is nil"));
        };
        if chaincode_id.name.is_empty() {
            return Err(Rejected::new("ChaincodeHeaderExtension.ChaincodeId.Name is empty"));
        }
        let payload: ChaincodeProposalPayload = decode(payload, "ChaincodeProposalPayload")?;
        let spec: protos::ChaincodeInvocationSpec =
            decode(payload.input.clone(), "ChaincodeInvocationSpec")?;
        let Some(mut spec) = spec.chaincode_spec else {
            let text = "chaincode invocation spec did not contain chaincode spec";
            return Err(Rejected::new(text));
        };
        let Some(input) = spec.input.take() else {
            return Err(Rejected::new("chaincode input did not contain any input"));
        };
        Ok(Self { channel_header, chaincode_id, spec, input, payload })
    }
}

/// Returns the proposal's bytes without a copy.
pub(super) fn bytes_of(signed: &Arc<protos::SignedProposal>) -> Bytes {
    struct Lent(Arc<protos::SignedProposal>);
    impl AsRef<[u8]> for Lent {
        fn as_ref(&self) -> &[u8] {
            &self.0.proposal_bytes
        }
    }
    Bytes::from_owner(Lent(Arc::clone(signed)))
}

/// Returns the bytes before `invocation` in a serialized `protos.ChaincodeProposalPayload` without
/// transient data.
fn payload_prefix(invocation: &Bytes) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(8);
    if !invocation.is_empty() {
        encode_key(1, WireType::LengthDelimited, &mut prefix);
        encode_varint(invocation.len() as u64, &mut prefix);
    }
    prefix
}

fn hash(header: &Header, invocation: &Bytes) -> [u8; 32] {
    let Header { channel_header, signature_header } = header;
    let prefix = payload_prefix(invocation);
    sha256_all([&**channel_header, &**signature_header, &*prefix, &**invocation])
}

fn denied(channel: &str, msp_id: &str) -> String {
    format!("access denied: channel [{channel}] creator org [{msp_id}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn golden() -> protos::SignedProposal {
        let file = "../../tests/golden/channel/ok.signedproposal";
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        protos::SignedProposal::decode(bytes.as_slice()).unwrap()
    }

    #[test]
    fn the_bytes_of_a_proposal_are_lent_and_not_copied() {
        let signed = golden();
        let sent = signed.proposal_bytes.as_ptr_range();
        let unpacked = UnpackedProposal::unpack(signed).unwrap();
        assert_eq!(unpacked.signed.proposal_bytes.as_ptr_range(), sent);
        assert!(Arc::ptr_eq(&unpacked.signed, &unpacked.context.signed));
        let Header { channel_header, signature_header } = &unpacked.header;
        for part in [channel_header, signature_header, &unpacked.invocation] {
            assert!(sent.contains(&part.as_ptr()));
        }
    }

    #[test]
    fn a_transaction_gets_what_the_proposal_has_without_transient_data() {
        let mut signed = golden();
        let mut proposal = protos::Proposal::decode(signed.proposal_bytes.as_slice()).unwrap();
        let payload = protos::ChaincodeProposalPayload::decode(proposal.payload.as_slice());
        let visible = payload.unwrap();
        assert!(visible.transient_map.is_empty());
        let transient_map = [("secret".to_owned(), b"value".to_vec())].into();
        let with_transient = protos::ChaincodeProposalPayload { transient_map, ..visible.clone() };
        let plain = UnpackedProposal::unpack(signed.clone()).unwrap();
        proposal.payload = with_transient.encode_to_vec();
        signed.proposal_bytes = proposal.encode_to_vec();
        let unpacked = UnpackedProposal::unpack(signed).unwrap();
        assert_eq!(unpacked.context.transient["secret"], b"value");
        assert_eq!(unpacked.visible_payload(), visible.encode_to_vec());
        assert_eq!(unpacked.header().encode_to_vec(), proposal.header);
        assert_eq!(unpacked.hash, plain.hash);
        let header = unpacked.header();
        let parts = [header.channel_header, header.signature_header, visible.encode_to_vec()];
        assert_eq!(unpacked.hash, sha256_all(parts.iter().map(Vec::as_slice)));
    }
}
