//! A minimal peer for load tests of a chaincode: it keeps transactions in flight and answers from a
//! map, so that the chaincode's side is measured.
//!
//! Invariant: only messages of one stream, in a loop; no protocol checks and no ledger.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench cannot go on without its peer")]

use std::collections::HashMap;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Endpoint;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::{Network, NetworkSpec};
use wasmcc_protocol::MessageType;
use wasmcc_types::proto::protos::chaincode_client::ChaincodeClient;
use wasmcc_types::proto::protos::{self, ChaincodeMessage};

/// A stream to a chaincode service.
pub struct LoadPeer {
    out: mpsc::Sender<ChaincodeMessage>,
    inbound: Streaming<ChaincodeMessage>,
    state: HashMap<String, Vec<u8>>,
}

/// TRANSACTION for each transaction that may be in flight at the same time.
pub struct Load(Vec<ChaincodeMessage>);

impl Load {
    /// Makes the call of each lane. Lanes differ in their transaction ids.
    pub fn new(lanes: usize, words: impl Fn(usize) -> Vec<String>) -> Self {
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let user = network.orgs()[0].user("User1").unwrap();
        let message = |lane| {
            let words = words(lane);
            let proposal = ProposalBuilder::new("ch", "cc").args(words.clone()).sign(&user);
            let args = words.into_iter().map(String::into_bytes).collect();
            ChaincodeMessage {
                r#type: MessageType::Transaction.into(),
                payload: protos::ChaincodeInput { args, ..Default::default() }.encode_to_vec(),
                txid: proposal.tx_id.as_str().to_owned(),
                channel_id: "ch".into(),
                proposal: Some(proposal.signed),
                ..Default::default()
            }
        };
        Self((0..lanes).map(message).collect())
    }
}

impl LoadPeer {
    /// Dials `host:port` and waits until the chaincode is ready.
    pub async fn dial(address: &str, state: HashMap<String, Vec<u8>>) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let mut client = ChaincodeClient::new(endpoint.connect().await.unwrap());
        let (out, outgoing) = mpsc::channel(64);
        let inbound = client.connect(ReceiverStream::new(outgoing)).await.unwrap().into_inner();
        let mut peer = Self { out, inbound, state };
        assert_eq!(peer.next().await.r#type(), MessageType::Register);
        for kind in [MessageType::Registered, MessageType::Ready] {
            let message = ChaincodeMessage { r#type: kind.into(), ..Default::default() };
            peer.out.send(message).await.unwrap();
        }
        peer
    }

    /// Runs `calls` transactions, at most one in each lane at any time.
    pub async fn run(&mut self, load: &Load, calls: usize) {
        let lanes: HashMap<_, _> =
            load.0.iter().map(|message| (message.txid.as_str(), message)).collect();
        let mut begun = load.0.len().min(calls);
        for message in &load.0[..begun] {
            self.out.send(message.clone()).await.unwrap();
        }
        let mut running = begun;
        while running > 0 {
            let message = self.next().await;
            match message.r#type() {
                MessageType::Completed => {
                    let response = protos::Response::decode(message.payload.as_slice()).unwrap();
                    assert_eq!(response.status, 200, "{}", response.message);
                    if begun < calls {
                        begun += 1;
                        let next = lanes[message.txid.as_str()].clone();
                        self.out.send(next).await.unwrap();
                    } else {
                        running -= 1;
                    }
                }
                _ => {
                    let answer = self.answer(message);
                    self.out.send(answer).await.unwrap();
                }
            }
        }
    }

    fn answer(&mut self, asked: ChaincodeMessage) -> ChaincodeMessage {
        let payload = match asked.r#type() {
            MessageType::GetState => {
                let get = protos::GetState::decode(asked.payload.as_slice()).unwrap();
                self.state.get(&get.key).cloned().unwrap_or_default()
            }
            MessageType::PutState => {
                let put = protos::PutState::decode(asked.payload.as_slice()).unwrap();
                self.state.insert(put.key, put.value);
                Vec::new()
            }
            other => panic!("{} is no part of a load", other.as_str_name()),
        };
        ChaincodeMessage { r#type: MessageType::Response.into(), payload, ..asked }
    }

    async fn next(&mut self) -> ChaincodeMessage {
        self.inbound.message().await.unwrap().unwrap()
    }
}
