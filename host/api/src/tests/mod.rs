//! The services over loopback, with a peer whose answers a test chooses.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::status::RpcStatus;
use crate::tests::fake::{Fake, Says};
use crate::{
    AccessError, AdminError, AssembleError, BlockListener, ChaincodeStream, ChannelPeer,
    CommitStatus, DiscoveryError, JoinRefusal, LeaveRefusal, LedgerReadError, Listener, OrderError,
    OrderListener, Peer, PeerInfo, Processing, Reading, Receipt, RunningChaincode, Server,
    ServerConfig, SnapshotError, Standing, TxListener, Watching,
};
use wasmcc_msp::{ChannelConfig, Network, NetworkSpec, SignedData};
use wasmcc_peer::endorser::{NoEndorsers, Processed, Rejected, UnpackedProposal};
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::orderer::{SeekNewest, SeekPosition, SeekSpecified, seek_position};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::proto::protos::endorser_client::EndorserClient;
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;
use wasmcc_types::proto::{common, gateway, protos};
use wasmcc_types::{ChannelId, Client, ProposalContext, StreamOrigin};
use wasmcc_workers::Workers;

mod chaincodes;
mod clocks;
mod delivering;
mod discovering;
mod doors;
mod endorsing;
mod evaluating;
mod events;
mod fake;
mod fields;
mod participating;
mod repeats;
mod serving;
mod snapshots;
mod submitting;
mod unread;

/// A server, a connection to it, and the means to stop it.
struct Served {
    peer: Arc<Fake>,
    address: String,
    channel: Channel,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    async fn start(peer: Fake) -> Self {
        Self::with(peer, Workers::new(2, 8).unwrap(), ServerConfig::default()).await
    }

    async fn with(peer: Fake, workers: Workers, config: ServerConfig) -> Self {
        Self::at(Listener::peer("127.0.0.1:0"), peer, workers, config).await
    }

    async fn at(listener: Listener, peer: Fake, workers: Workers, config: ServerConfig) -> Self {
        let server = Server::bind([listener], config).await.unwrap();
        let address = format!("http://{}", server.address());
        let (stop, stopped) = oneshot::channel::<()>();
        let peer = Arc::new(peer);
        let behind = Arc::clone(&peer);
        let serving = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            server.serve(behind, Arc::new(workers), stopped).await.unwrap();
        });
        let channel = Channel::from_shared(address.clone()).unwrap();
        let channel = channel.connect().await.unwrap();
        Self { peer, address, channel, stop, serving }
    }

    fn endorser(&self) -> EndorserClient<Channel> {
        EndorserClient::new(self.channel.clone())
    }

    fn gateway(&self) -> GatewayClient<Channel> {
        GatewayClient::new(self.channel.clone())
    }
}

fn golden<M: Message + Default>(name: &str) -> M {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/channel");
    M::decode(std::fs::read(root.join(name)).unwrap().as_slice()).unwrap()
}

fn golden_response(name: &str) -> protos::ProposalResponse {
    golden(&format!("{name}.proposalresponse"))
}

/// The parts of a proposal that a test changes.
struct Edited {
    header: common::ChannelHeader,
    payload: protos::ChaincodeProposalPayload,
    spec: Option<protos::ChaincodeSpec>,
}

/// Returns the golden proposal with changes.
fn edited(edit: impl FnOnce(&mut Edited)) -> protos::SignedProposal {
    let signed: protos::SignedProposal = golden("ok.signedproposal");
    let mut proposal = protos::Proposal::decode(&*signed.proposal_bytes).unwrap();
    let mut headers = common::Header::decode(&*proposal.header).unwrap();
    let payload = protos::ChaincodeProposalPayload::decode(&*proposal.payload).unwrap();
    let invocation = protos::ChaincodeInvocationSpec::decode(&*payload.input).unwrap();
    let header = common::ChannelHeader::decode(&*headers.channel_header).unwrap();
    let mut parts = Edited { header, payload, spec: invocation.chaincode_spec };
    edit(&mut parts);
    let invocation = protos::ChaincodeInvocationSpec { chaincode_spec: parts.spec };
    parts.payload.input = invocation.encode_to_vec();
    headers.channel_header = parts.header.encode_to_vec();
    proposal.header = headers.encode_to_vec();
    proposal.payload = parts.payload.encode_to_vec();
    protos::SignedProposal { proposal_bytes: proposal.encode_to_vec(), ..signed }
}

fn evaluate_request() -> gateway::EvaluateRequest {
    gateway::EvaluateRequest {
        proposed_transaction: Some(golden("ok.signedproposal")),
        ..Default::default()
    }
}

fn endorse_request() -> gateway::EndorseRequest {
    gateway::EndorseRequest {
        proposed_transaction: Some(golden("ok.signedproposal")),
        ..Default::default()
    }
}

fn commit_status_request(tx_id: &str) -> gateway::SignedCommitStatusRequest {
    let request = gateway::CommitStatusRequest {
        transaction_id: tx_id.to_owned(),
        channel_id: "mychannel".to_owned(),
        identity: b"me".to_vec(),
    };
    let signature = b"good".to_vec();
    gateway::SignedCommitStatusRequest { request: request.encode_to_vec(), signature }
}

fn events_request(
    channel_id: &str,
    start: Option<seek_position::Type>,
    after: &str,
) -> gateway::SignedChaincodeEventsRequest {
    let request = gateway::ChaincodeEventsRequest {
        channel_id: channel_id.to_owned(),
        chaincode_id: "vec".to_owned(),
        identity: b"me".to_vec(),
        start_position: start.map(|start| SeekPosition { r#type: Some(start) }),
        after_transaction_id: after.to_owned(),
    };
    let signature = b"good".to_vec();
    gateway::SignedChaincodeEventsRequest { request: request.encode_to_vec(), signature }
}

fn shape(status: &Status) -> (Code, &str) {
    (status.code(), status.message())
}

/// Returns the details, as a client of the gateway decodes them.
fn details(status: &Status) -> Vec<gateway::ErrorDetail> {
    let inner = RpcStatus::decode(status.details()).unwrap();
    assert_eq!((inner.code, inner.message.as_str()), (status.code() as i32, status.message()));
    let details = inner.details.iter();
    details.map(|any| gateway::ErrorDetail::decode(any.value.as_slice()).unwrap()).collect()
}

fn peer_says(message: &'static str) -> Fake {
    Fake::answering(move || {
        let response =
            protos::Response { status: 500, message: message.into(), ..Default::default() };
        Ok(protos::ProposalResponse { response: Some(response), ..Default::default() })
    })
}
