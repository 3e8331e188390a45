//! Clients that take what others need: connections, streams, time.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use super::delivering::{Open, at, seek};
use super::*;
use crate::api::Patience;
use crate::proto::orderer::atomic_broadcast_client::AtomicBroadcastClient;
use crate::proto::protos::chaincode_support_client::ChaincodeSupportClient;
use crate::proto::protos::deliver_response::Type;

/// So short that a test can wait for it.
const SHORT: Duration = Duration::from_millis(50);

async fn serve(config: ServerConfig) -> Served {
    Served::with(Fake::default(), Workers::new(1, 8).unwrap(), config).await
}

async fn patient(patience: Patience) -> Served {
    serve(ServerConfig { patience, ..ServerConfig::default() }).await
}

/// Another connection.
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
    // Both go on as often as they like.
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
    let text = "the peer has as many connections as it may have at this address (1), and all are \
                in use; try again later, or start it with a larger --connections";
    assert_eq!(refused.message(), text);
    drop(open);
    // The stream's end takes its way to the server.
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
    // A client does not notice.
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
            // The fake asks whether the chaincode is there.
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
    let served = serve(ServerConfig { waiting_calls: 4, ..ServerConfig::default() }).await;
    served.peer.grow(1);
    let mut anonymous = Vec::new();
    let refused = loop {
        let (sender, receiver) = mpsc::channel(1);
        let mut client = protos::deliver_client::DeliverClient::new(served.channel.clone());
        match client.deliver(ReceiverStream::new(receiver)).await {
            Ok(answers) => anonymous.push((sender, answers)),
            Err(status) => break status,
        }
    };
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert!(refused.message().contains("as many as it may have"), "{refused}");
    assert_eq!(anonymous.len(), 128);
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
    let text = "the request did not come within 50ms";
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
