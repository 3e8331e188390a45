//! Captured proposals that a Fabric peer refused, sent unchanged over gRPC to a peer of this
//! project: it must refuse them with the same code and text.

use std::fs;
use std::sync::Arc;

use prost::Message;
use prost::bytes::{Buf, BufMut};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use wasmcc_api::{Listener, Server, ServerConfig};
use wasmcc_client as client;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::Peer;
use wasmcc_peer::endorser::UnpackedProposal;
use wasmcc_tests::{Peers, golden, process};
use wasmcc_types::proto::common::{Block, Envelope, Payload};
use wasmcc_types::proto::protos::{Proposal, ProposalResponse, SignedProposal};
use wasmcc_workers::Workers;

const SETS: [&str; 2] = ["go-noinit", "node-low"];

fn proposal(set: &str, name: &str) -> Vec<u8> {
    fs::read(golden("proposals").join(set).join(format!("{name}.signed_proposal.bin"))).unwrap()
}

fn unpacked(bytes: &[u8]) -> Arc<UnpackedProposal> {
    UnpackedProposal::unpack(SignedProposal::decode(bytes).unwrap()).unwrap()
}

/// Returns a peer that has joined the channel where the proposals were made.
fn guest() -> Arc<Peer> {
    let genesis = fs::read(golden("mychannel.genesis.block")).unwrap();
    let genesis = Block::decode(genesis.as_slice()).unwrap();
    // The captured peers had LevelDB.
    let peer =
        Peers::new(&NetworkSpec::default()).peer(|config| config.ledger.rich_queries = false);
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    process(&peer, client::cscc::join(&genesis).sign(&admin).signed).unwrap();
    assert!(peer.channels().get("mychannel").is_some());
    peer
}

/// A codec of plain bytes in place of messages.
#[derive(Default)]
struct Raw;

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length).to_vec()))
    }
}

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

/// Serves `peer` and sends it all of `proposals`; returns its answers.
fn ask(peer: Arc<Peer>, proposals: Vec<Vec<u8>>) -> Vec<Result<ProposalResponse, Status>> {
    Runtime::new().unwrap().block_on(async {
        let server =
            Server::bind([Listener::peer("127.0.0.1:0")], ServerConfig::default()).await.unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let workers = Arc::new(Workers::new(2, 16).unwrap());
        let serving = tokio::spawn(server.serve(peer, workers, async {
            // The sender may already be dropped.
            let _ = stopped.await;
        }));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let mut grpc = Grpc::new(endpoint.connect().await.unwrap());
        let mut answers = Vec::new();
        for proposal in proposals {
            grpc.ready().await.unwrap();
            let path = PathAndQuery::from_static("/protos.Endorser/ProcessProposal");
            let answer = grpc.unary(Request::new(proposal), path, Raw).await;
            answers.push(
                answer
                    .map(|bytes| ProposalResponse::decode(bytes.into_inner().as_slice()).unwrap()),
            );
        }
        drop((grpc, stop));
        serving.await.unwrap().unwrap();
        answers
    })
}

/// Sends both sets' proposals of this name to `peer`.
fn ask_both(peer: Arc<Peer>, name: &str) -> Vec<Result<ProposalResponse, Status>> {
    ask(peer, SETS.map(|set| proposal(set, name)).into())
}

#[track_caller]
fn assert_refused(answer: &Result<ProposalResponse, Status>, text: &str) {
    let status = answer.as_ref().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unknown, text));
}

#[test]
fn an_unknown_channel_is_a_response() {
    for answer in ask_both(guest(), "x-unknown-channel") {
        let answer = answer.unwrap();
        let response = answer.response.clone().unwrap();
        assert_eq!(response.status, 500);
        assert_eq!(response.message, "channel 'nosuchchannel' not found");
        let bare = ProposalResponse { response: Some(response), ..Default::default() };
        assert_eq!(answer, bare);
    }
}

#[test]
fn an_unknown_chaincode_is_a_response() {
    for answer in ask_both(guest(), "x-unknown-chaincode") {
        let answer = answer.unwrap();
        let response = answer.response.clone().unwrap();
        assert_eq!(response.status, 500);
        assert_eq!(
            response.message,
            "make sure the chaincode nosuchcc has been successfully defined on channel mychannel \
             and try again: chaincode nosuchcc not found"
        );
        let bare = ProposalResponse { response: Some(response), ..Default::default() };
        assert_eq!(answer, bare);
    }
}

#[test]
fn a_bad_signature_is_refused() {
    for answer in ask_both(guest(), "x-bad-signature") {
        let text = "error validating proposal: access denied: channel [mychannel] \
                    creator org [Org1MSP]";
        assert_refused(&answer, text);
    }
}

#[test]
fn a_wrong_transaction_id_is_refused() {
    let answers = ask_both(guest(), "x-wrong-txid");
    let expected = [
        "fd5f9027f23e77646a5e04eee7769e96f9cce5f7ff2bf7cb4618df821f745cc4",
        "8eaef66cadfd1c8ea2a562b03598e811d811339fb976075e07134d097d736bdb",
    ];
    for (answer, expected) in answers.iter().zip(expected) {
        let zeros = "0".repeat(64);
        let text = format!(
            "error validating proposal: incorrectly computed txid '{zeros}' -- expected \
             '{expected}'"
        );
        assert_refused(answer, &text);
    }
}

#[test]
fn a_transaction_id_that_the_ledger_has_is_refused() {
    let peer = guest();
    let committer = peer.committer("mychannel").unwrap();
    let proposals = SETS.map(|set| proposal(set, "x-duplicate-txid"));
    for proposal in &proposals {
        // Enough of a transaction to have the id, although it could never be valid.
        let signed = SignedProposal::decode(proposal.as_slice()).unwrap();
        let header = Proposal::decode(signed.proposal_bytes.as_slice()).unwrap().header;
        let header = Message::decode(header.as_slice()).unwrap();
        let payload = Payload { header: Some(header), data: Vec::new() }.encode_to_vec();
        let envelope = Envelope { payload, signature: Vec::new() };
        committer.commit_envelopes(vec![envelope]).unwrap();
    }
    let answers = ask(Arc::clone(&peer), proposals.to_vec());
    for (answer, proposal) in answers.iter().zip(&proposals) {
        let unpacked = unpacked(proposal);
        let (tx_id, creator) = (&unpacked.channel_header.tx_id, &unpacked.signature_header.creator);
        let creator: String = creator.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("duplicate transaction found [{tx_id}]. Creator [{creator}]");
        assert_refused(answer, &text);
    }
}

#[test]
fn bytes_that_are_no_proposal_are_an_internal_error() {
    for answer in ask_both(guest(), "x-garbage") {
        assert_eq!(answer.unwrap_err().code(), Code::Internal);
    }
}
