//! Clients that use up what others need: connections, streams, time.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::Frame;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Bytes, Service, http};
use tonic_prost::ProstCodec;

use super::delivering::{Open, at, seek};
use super::*;
use crate::Patience;
use wasmcc_types::proto::orderer::atomic_broadcast_client::AtomicBroadcastClient;
use wasmcc_types::proto::protos::chaincode_support_client::ChaincodeSupportClient;
use wasmcc_types::proto::protos::deliver_response::Type;

/// Short enough for a test to wait for it.
const SHORT: Duration = Duration::from_millis(50);

async fn serve(config: ServerConfig) -> Served {
    Served::with(Fake::default(), Workers::new(1, 8).unwrap(), config).await
}

async fn patient(patience: Patience) -> Served {
    serve(ServerConfig { patience, ..ServerConfig::default() }).await
}

/// Opens another connection.
fn other(served: &Served) -> Channel {
    Channel::from_shared(served.address.clone()).unwrap().connect_lazy()
}

async fn endorsed(channel: &Channel) -> Result<(), Status> {
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    EndorserClient::new(channel.clone()).process_proposal(proposal).await.map(drop)
}

async fn silent(served: &Served) -> TcpStream {
    TcpStream::connect(served.address.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Reads until the server closes the connection.
async fn closed(mut connection: TcpStream) {
    while connection.read(&mut [0; 256]).await.is_ok_and(|bytes| bytes > 0) {}
}

#[tokio::test]
async fn a_newcomer_takes_the_connection_of_one_that_is_idle() {
    let served = serve(ServerConfig { connections: 2, ..ServerConfig::default() }).await;
    endorsed(&served.channel).await.unwrap();
    let idle = silent(&served).await;
    let newcomer = other(&served);
    endorsed(&newcomer).await.unwrap();
    closed(idle).await;
    // Both can make any number of calls.
    for _ in 0..20 {
        endorsed(&served.channel).await.unwrap();
        endorsed(&newcomer).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_is_told_when_all_connections_are_in_use() {
    let served = serve(ServerConfig { connections: 1, ..ServerConfig::default() }).await;
    served.peer.grow(1);
    let mut open = Open::blocks(&served).await;
    open.ask(&seek(at(0), at(1))).await;
    assert!(matches!(open.next().await, Some(Type::Block(_))));
    let other = other(&served);
    let refused = endorsed(&other).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let text = "the peer's limit of 1 connections is reached, and all are in use; try again \
                later, or start it with a larger --connections";
    assert_eq!(refused.message(), text);
    drop(open);
    // The end of the stream takes a moment to reach the server.
    while endorsed(&other).await.is_err() {}
}

#[tokio::test]
async fn silent_connections_are_closed_and_used_ones_stay() {
    let short = Patience { greeting: SHORT, first_call: SHORT, idle: SHORT, ..Patience::default() };
    let served = patient(short).await;
    served.peer.grow(1);
    let mut open = Open::blocks(&served).await;
    open.ask(&seek(at(0), at(1))).await;
    assert!(matches!(open.next().await, Some(Type::Block(_))));
    closed(silent(&served).await).await;
    let idle = other(&served);
    endorsed(&idle).await.unwrap();
    served.peer.grow(2);
    assert!(matches!(open.next().await, Some(Type::Block(_))), "an open call keeps it");
    // A client does not notice that its connection was closed.
    endorsed(&idle).await.unwrap();
}

#[tokio::test]
async fn streams_without_a_signed_request_end() {
    let served = patient(Patience { entrance: SHORT, ..Patience::default() }).await;
    served.peer.grow(1);
    let mut anonymous = Open::blocks(&served).await;
    let mut signed = Open::blocks(&served).await;
    signed.ask(&seek(at(0), at(1))).await;
    assert!(matches!(signed.next().await, Some(Type::Block(_))));
    let status = anonymous.1.message().await.unwrap_err();
    let text = "no signed request was accepted on this stream within 50ms";
    assert_eq!(shape(&status), (Code::DeadlineExceeded, text));

    let (_envelopes, receiver) = mpsc::channel(1);
    let mut orderer = AtomicBroadcastClient::new(served.channel.clone());
    let mut answers = orderer.broadcast(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    assert_eq!(shape(&answers.message().await.unwrap_err()), (Code::DeadlineExceeded, text));

    let (_messages, receiver) = mpsc::channel(1);
    let mut chaincodes = ChaincodeSupportClient::new(served.channel.clone());
    let answers = chaincodes.register(ReceiverStream::new(receiver)).await.unwrap();
    let mut answers = answers.into_inner();
    let status = loop {
        match answers.message().await {
            // The fake peer sends keepalives.
            Ok(message) => assert!(message.is_some()),
            Err(status) => break status,
        }
    };
    assert_eq!(shape(&status), (Code::DeadlineExceeded, text));
    served.peer.grow(2);
    assert!(matches!(signed.next().await, Some(Type::Block(_))), "that of a client stays");
}

#[tokio::test]
async fn anonymous_streams_take_no_places() {
    let patience = Patience { entrance: Duration::from_secs(600), ..Patience::default() };
    let config = ServerConfig { waiting_calls: 4, patience, ..ServerConfig::default() };
    let served = serve(config).await;
    served.peer.grow(1);
    let mut anonymous = Vec::new();
    for _ in 0..128 {
        anonymous.push(Open::blocks(&served).await);
    }
    let held_back = tokio::time::timeout(SHORT, Open::blocks(&served)).await;
    assert!(held_back.is_err(), "a connection has 128 of them");
    let served = Served { channel: other(&served), ..served };
    let mut open = Open::blocks(&served).await;
    open.ask(&seek(at(0), at(0))).await;
    assert!(matches!(open.next().await, Some(Type::Block(_))));
}

#[tokio::test]
async fn a_request_that_does_not_come_is_not_waited_for() {
    let served = patient(Patience { request: SHORT, ..Patience::default() }).await;
    let mut client = tonic::client::Grpc::new(served.channel.clone());
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/protos.Endorser/ProcessProposal");
    let codec = ProstCodec::<protos::SignedProposal, protos::ProposalResponse>::default();
    let request = Request::new(tokio_stream::pending());
    let status = client.client_streaming(request, path, codec).await.unwrap_err();
    let text = "the request was not received within 50ms";
    assert_eq!(shape(&status), (Code::DeadlineExceeded, text));
}

#[tokio::test]
async fn silent_clients_do_not_hold_up_the_end() {
    let served = serve(ServerConfig { grace: SHORT, ..ServerConfig::default() }).await;
    let _silent = silent(&served).await;
    let _anonymous = Open::blocks(&served).await;
    let (_envelopes, receiver) = mpsc::channel(1);
    let mut client = tonic::client::Grpc::new(served.channel.clone());
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/protos.Endorser/ProcessProposal");
    let codec = ProstCodec::<protos::SignedProposal, protos::ProposalResponse>::default();
    let request = Request::new(ReceiverStream::new(receiver));
    let _arriving =
        tokio::spawn(async move { client.client_streaming(request, path, codec).await });
    served.stop.send(()).unwrap();
    served.serving.await.unwrap();
}

/// The body of a request that announces its length and never arrives.
struct Announced(Option<Bytes>);

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.take() {
            Some(prefix) => Poll::Ready(Some(Ok(Frame::data(prefix)))),
            None => Poll::Pending,
        }
    }
}

/// Begins a request of this many bytes. Returns the server's answer, or the error if it closes the
/// connection.
fn announce(channel: &Channel, bytes: u32) -> JoinHandle<Status> {
    let mut channel = channel.clone();
    let prefix = [&[0], &bytes.to_be_bytes()[..]].concat();
    let request = http::Request::post("/protos.Endorser/ProcessProposal")
        .header("content-type", "application/grpc")
        .body(Body::new(Announced(Some(prefix.into()))))
        .unwrap();
    tokio::spawn(async move {
        std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
        match channel.call(request).await {
            Ok(answer) => Status::from_header_map(answer.headers()).unwrap(),
            Err(broken) => Status::from_error(broken.into()),
        }
    })
}

const MIB: u32 = 1 << 20;

fn for_messages_of_a_mib(requests: u32) -> ServerConfig {
    let (message_bytes, request_bytes) = (MIB as usize, (requests * MIB) as usize);
    ServerConfig { message_bytes, request_bytes, ..ServerConfig::default() }
}

#[tokio::test]
async fn a_connection_that_begins_too_many_requests_loses_the_last() {
    let served = serve(for_messages_of_a_mib(8)).await;
    let mut begun: Vec<_> = (0..3).map(|_| announce(&served.channel, MIB)).collect();
    // Two requests use a quarter of the limit; the order depends on the transport.
    let refused = std::future::poll_fn(|cx| {
        let mut ended = begun.iter_mut().map(|call| Pin::new(call).poll(cx));
        ended.find(Poll::is_ready).unwrap_or(Poll::Pending)
    });
    let refused = refused.await.unwrap();
    let text = "this connection has incomplete requests of 3145728 bytes, more than its limit of \
                2097152; send large requests one after the other, or start the peer with a larger \
                --request-mib";
    assert_eq!(shape(&refused), (Code::ResourceExhausted, text));
    endorsed(&served.channel).await.unwrap();
    endorsed(&other(&served)).await.unwrap();
    assert_eq!(begun.iter().filter(|call| call.is_finished()).count(), 1);
}

#[tokio::test]
async fn of_all_connections_the_one_that_has_begun_the_most_is_closed() {
    let served = serve(for_messages_of_a_mib(2)).await;
    let channels: Vec<_> = (0..2).map(|_| other(&served)).collect();
    let (small, large) = (other(&served), channels.iter());
    let mut large: Vec<_> = large.map(|channel| announce(channel, MIB)).collect();
    let modest = announce(&small, MIB - 1);
    let (one, two) = large.split_at_mut(1);
    let broken = tokio::select! {
        broken = &mut one[0] => broken,
        broken = &mut two[0] => broken,
    };
    assert_ne!(broken.unwrap().code(), Code::Ok);
    for channel in [&small, &channels[0], &channels[1], &served.channel] {
        endorsed(channel).await.unwrap();
    }
    assert!(!modest.is_finished());
    assert_eq!(large.iter().filter(|call| call.is_finished()).count(), 1);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_for_its_size() {
    let served = serve(for_messages_of_a_mib(2)).await;
    let refused = announce(&served.channel, u32::MAX).await.unwrap();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
}
