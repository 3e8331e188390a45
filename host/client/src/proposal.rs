//! Builds a proposal from its arguments and signs it.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use wasmcc_msp::SigningIdentity;
use wasmcc_types::proto::common;
use wasmcc_types::proto::protos::{self, chaincode_spec};
use wasmcc_types::{Timestamp, TxId, compute_tx_id};

/// Length of a nonce, as in Fabric's own clients.
const NONCE_BYTES: usize = 24;

/// Collects the contents of a proposal. Time and nonce are chosen when it is built, unless they
/// were set.
#[derive(Clone, Debug)]
pub struct ProposalBuilder {
    channel_id: String,
    chaincode: String,
    args: Vec<Vec<u8>>,
    transient: BTreeMap<String, Vec<u8>>,
    timestamp: Option<Timestamp>,
    nonce: Option<Vec<u8>>,
    is_init: bool,
}

/// An unsigned proposal of one creator.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsignedProposal {
    /// SHA-256 of nonce and creator.
    pub tx_id: TxId,
    /// The serialized `protos.Proposal`, which the creator signs.
    pub bytes: Vec<u8>,
}

/// A signed proposal, and the id that its transaction will have.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientProposal {
    /// SHA-256 of nonce and creator.
    pub tx_id: TxId,
    /// The message for the peer.
    pub signed: protos::SignedProposal,
}

impl ProposalBuilder {
    /// Starts a call of `chaincode` on a channel; an empty channel addresses the peer itself.
    pub fn new(channel_id: impl Into<String>, chaincode: impl Into<String>) -> Self {
        Self {
            channel_id: channel_id.into(),
            chaincode: chaincode.into(),
            args: Vec::new(),
            transient: BTreeMap::new(),
            timestamp: None,
            nonce: None,
            is_init: false,
        }
    }

    /// Adds arguments; the very first argument is the function.
    pub fn args<A: Into<Vec<u8>>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the transient data, which does not become part of the transaction.
    pub fn transient(mut self, transient: BTreeMap<String, Vec<u8>>) -> Self {
        self.transient = transient;
        self
    }

    /// Sets the transaction's time; the default is the present time.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Sets the nonce; the default is 24 random bytes. A peer accepts each nonce of a creator once.
    pub fn nonce(mut self, nonce: impl Into<Vec<u8>>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// Marks the call as the chaincode's init, which its definition must require.
    pub fn init(mut self, is_init: bool) -> Self {
        self.is_init = is_init;
        self
    }

    /// Builds the proposal and signs it as `signer`.
    pub fn sign(self, signer: &SigningIdentity) -> ClientProposal {
        let UnsignedProposal { tx_id, bytes } = self.build(signer.serialized());
        let signature = signer.sign(&bytes);
        let signed = protos::SignedProposal { proposal_bytes: bytes, signature };
        ClientProposal { tx_id, signed }
    }

    /// Builds the proposal of `creator`, a serialized `msp.SerializedIdentity`, to be signed by the
    /// holder of the key (Fabric: `protoutil/proputils.go`,
    /// `CreateChaincodeProposalWithTxIDNonceAndTransient`).
    pub fn build(self, creator: &[u8]) -> UnsignedProposal {
        let nonce = self.nonce.unwrap_or_else(random_nonce);
        let tx_id = tx_id(&nonce, creator);
        let chaincode_id = Some(protos::ChaincodeId { name: self.chaincode, ..Default::default() });
        let extension = protos::ChaincodeHeaderExtension {
            chaincode_id: chaincode_id.clone(),
            ..Default::default()
        };
        let timestamp = self.timestamp.unwrap_or_else(now);
        let channel_header = common::ChannelHeader {
            r#type: common::HeaderType::EndorserTransaction.into(),
            timestamp: Some(prost_types::Timestamp {
                seconds: timestamp.seconds,
                nanos: i32::try_from(timestamp.nanos).unwrap_or(0),
            }),
            channel_id: self.channel_id,
            tx_id: tx_id.to_string(),
            extension: extension.encode_to_vec(),
            ..Default::default()
        };
        let signature_header = common::SignatureHeader { creator: creator.to_vec(), nonce };
        let header = common::Header {
            channel_header: channel_header.encode_to_vec(),
            signature_header: signature_header.encode_to_vec(),
        };
        let is_init = self.is_init;
        let input = protos::ChaincodeInput { args: self.args, is_init, ..Default::default() };
        let spec = chaincode_spec(chaincode_id, Some(input));
        let invocation = protos::ChaincodeInvocationSpec { chaincode_spec: Some(spec) };
        let payload = protos::ChaincodeProposalPayload {
            input: invocation.encode_to_vec(),
            transient_map: self.transient,
        };
        let proposal = protos::Proposal {
            header: header.encode_to_vec(),
            payload: payload.encode_to_vec(),
            ..Default::default()
        };
        UnsignedProposal { tx_id, bytes: proposal.encode_to_vec() }
    }
}

/// Returns a specification with the type that Fabric's command line writes for every language;
/// peers ignore it.
pub(super) fn chaincode_spec(
    chaincode_id: Option<protos::ChaincodeId>,
    input: Option<protos::ChaincodeInput>,
) -> protos::ChaincodeSpec {
    protos::ChaincodeSpec {
        r#type: chaincode_spec::Type::Golang.into(),
        chaincode_id,
        input,
        timeout: 0,
    }
}

fn tx_id(nonce: &[u8], creator: &[u8]) -> TxId {
    TxId::parse(&compute_tx_id(nonce, creator)).expect("64 digits are a transaction id")
}

/// Returns 24 random bytes, the nonce of a signature header.
pub fn random_nonce() -> Vec<u8> {
    let mut nonce = vec![0; NONCE_BYTES];
    aws_lc_rs::rand::fill(&mut nonce).expect("the system has randomness, or it had no keys either");
    nonce
}

/// Returns the time of this machine's clock, for headers.
pub fn timestamp() -> prost_types::Timestamp {
    let now = now();
    prost_types::Timestamp { seconds: now.seconds, nanos: i32::try_from(now.nanos).unwrap_or(0) }
}

/// Returns the time of this machine's clock, 1970 at the earliest.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: since.subsec_nanos(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Reads all golden proposals. Files named "x-…" are invalid on purpose and left out.
    fn golden() -> Vec<protos::SignedProposal> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
        let folders = ["channel", "proposals/go-noinit", "proposals/node-low"];
        let files = folders.iter().flat_map(|folder| {
            let entries = std::fs::read_dir(root.join(folder)).unwrap();
            entries.map(|entry| entry.unwrap().path()).filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy();
                let is_proposal =
                    name.ends_with(".signedproposal") || name.ends_with(".signed_proposal.bin");
                is_proposal && !name.starts_with("x-")
            })
        });
        let bytes = files.map(|path| std::fs::read(path).unwrap());
        bytes.map(|bytes| protos::SignedProposal::decode(bytes.as_slice()).unwrap()).collect()
    }

    /// The golden proposals were made by another client, which writes NODE where this one writes
    /// GOLANG.
    fn with_our_type(proposal: &protos::Proposal) -> Vec<u8> {
        let payload = protos::ChaincodeProposalPayload::decode(proposal.payload.as_slice());
        let mut payload = payload.unwrap();
        let spec = protos::ChaincodeInvocationSpec::decode(payload.input.as_slice());
        let mut spec = spec.unwrap();
        let inner = spec.chaincode_spec.as_mut().unwrap();
        inner.r#type = chaincode_spec::Type::Golang.into();
        payload.input = spec.encode_to_vec();
        let payload = payload.encode_to_vec();
        protos::Proposal { payload, ..proposal.clone() }.encode_to_vec()
    }

    #[test]
    fn golden_proposals_are_built_byte_for_byte() {
        let golden = golden();
        assert!(golden.len() > 50, "{}", golden.len());
        for signed in golden {
            let proposal = protos::Proposal::decode(signed.proposal_bytes.as_slice()).unwrap();
            let header = common::Header::decode(proposal.header.as_slice()).unwrap();
            let channel = common::ChannelHeader::decode(header.channel_header.as_slice()).unwrap();
            let signature =
                common::SignatureHeader::decode(header.signature_header.as_slice()).unwrap();
            let payload =
                protos::ChaincodeProposalPayload::decode(proposal.payload.as_slice()).unwrap();
            let spec = protos::ChaincodeInvocationSpec::decode(payload.input.as_slice()).unwrap();
            let spec = spec.chaincode_spec.unwrap();
            let time = channel.timestamp.unwrap();
            let time = Timestamp { seconds: time.seconds, nanos: time.nanos as u32 };
            let built = ProposalBuilder::new(&channel.channel_id, spec.chaincode_id.unwrap().name)
                .args(spec.input.unwrap().args)
                .transient(payload.transient_map)
                .timestamp(time)
                .nonce(signature.nonce)
                .build(&signature.creator);
            assert_eq!(built.tx_id.as_str(), channel.tx_id);
            assert_eq!(built.bytes, with_our_type(&proposal));
        }
    }

    #[test]
    fn a_proposal_has_its_own_nonce_and_the_present_time() {
        let build = || ProposalBuilder::new("mychannel", "basic").args(["f", "x"]).build(b"me");
        let (one, two) = (build(), build());
        assert_ne!(one.tx_id, two.tx_id);
        let proposal = protos::Proposal::decode(one.bytes.as_slice()).unwrap();
        let header = common::Header::decode(proposal.header.as_slice()).unwrap();
        let channel = common::ChannelHeader::decode(header.channel_header.as_slice()).unwrap();
        assert!(channel.timestamp.unwrap().seconds > 1_700_000_000);
        let signature = common::SignatureHeader::decode(header.signature_header.as_slice());
        assert_eq!(signature.unwrap().nonce.len(), NONCE_BYTES);
    }

    #[test]
    fn signatures_are_those_of_the_creator() {
        use wasmcc_msp::{Network, NetworkSpec};
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let user = network.orgs()[0].user("User1").unwrap();
        let proposal = ProposalBuilder::new("mychannel", "basic").args(["f"]).sign(&user);
        let genesis = network.genesis(wasmcc_types::ChannelId::parse("mychannel").unwrap());
        let config = wasmcc_msp::ChannelConfig::from_genesis_block(&genesis.block().unwrap());
        let config = config.unwrap();
        let identity = config.msps().deserialize(user.serialized()).unwrap();
        identity.verify(&proposal.signed.proposal_bytes, &proposal.signed.signature).unwrap();
    }
}
