//! Streams of large blocks, and large answers, whose clients do not read.

use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Streaming;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use super::*;
use crate::Patience;
use crate::outgoing::Outgoing;
use crate::services::Services;
use crate::shutdown::Stopping;
use crate::tests::delivering::{Open, at, seek};
use wasmcc_types::proto::common::{Block, BlockData, BlockHeader, Status as BlockStatus};
use wasmcc_types::proto::protos::deliver_client::DeliverClient;

const MIB: usize = 1 << 20;
const BLOCKS: u64 = 6;
const CONNECTIONS: usize = 5;
const STREAMS: usize = 40;

/// Returns a peer with some of the golden blocks, and large ones from the returned number on.
fn peer_with_large_blocks() -> (Fake, u64) {
    let peer = Fake::default();
    peer.grow(2);
    let mut ledger = peer.ledger.lock().unwrap();
    let first = ledger.blocks.len() as u64;
    for number in first..first + BLOCKS {
        let header = Some(BlockHeader { number, ..Default::default() });
        let data = Some(BlockData { data: vec![vec![7; MIB / 2].into()] });
        ledger.blocks.push(Block { header, data, metadata: None });
    }
    drop(ledger);
    (peer, first)
}

/// Serves with a budget of 8 MiB, which it returns with the address.
async fn serve(peer: Fake) -> (String, Outgoing) {
    serve_patiently(peer, Patience::default()).await
}

async fn serve_patiently(peer: Fake, patience: Patience) -> (String, Outgoing) {
    let (message_bytes, request_bytes) = (MIB, 8 * MIB);
    let config = ServerConfig { message_bytes, request_bytes, patience, ..ServerConfig::default() };
    let server = Server::bind([Listener::peer("127.0.0.1:0")], config.clone()).await.unwrap();
    let address = format!("http://{}", server.address());
    let (stop, stopping) = watch::channel(false);
    let stopping = Stopping(stopping);
    let workers = Arc::new(Workers::new(1, 8).unwrap());
    let services = Services::new(Arc::new(peer), workers, config, stopping.clone());
    let outgoing = services.outgoing.clone();
    let serving = server.serve_all(services, (stop, stopping), std::future::pending());
    tokio::spawn(async move { serving.await.unwrap() });
    (address, outgoing)
}

/// Opens a connection with a small window for bytes that its streams do not read.
async fn connect(address: &str) -> Channel {
    connect_taking(address, 65_535).await
}

/// Opens a connection with a window of this many bytes for all streams together.
async fn connect_taking(address: &str, bytes: u32) -> Channel {
    let channel = Channel::from_shared(address.to_owned()).unwrap();
    let windows = channel.initial_stream_window_size(65_535);
    windows.initial_connection_window_size(bytes).connect().await.unwrap()
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it comes to that");
}

/// Opens streams on several connections that have requested all large blocks and read nothing.
async fn unread(address: &str, first: u64) -> Vec<Open> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let channel = connect(address).await;
        for _ in 0..STREAMS / CONNECTIONS {
            let open = Open::on(&channel).await;
            open.ask(&seek(at(first), at(first + BLOCKS - 1))).await;
            streams.push(open);
        }
    }
    streams
}

#[tokio::test]
async fn unread_streams_stay_within_the_budget_and_stop_nobody() {
    let (peer, first) = peer_with_large_blocks();
    let (address, outgoing) = serve(peer).await;
    let streams = unread(&address, first).await;
    // Each stream either waits for its first block or has one and waits for the next.
    until(|| outgoing.waiting() == STREAMS).await;
    // A client has a quarter of the budget, room for three blocks.
    assert!((MIB..=2 * MIB).contains(&outgoing.used()), "{}", outgoing.used());

    let expected: Vec<u64> = (first..first + BLOCKS).collect();
    let large = || seek(at(first), at(first + BLOCKS - 1));
    let channel = connect(&address).await;
    let mut other = Open::on(&channel).await;
    other.ask(&large().of(b"other")).await;
    assert_eq!(other.all().await, (expected.clone(), BlockStatus::Success));
    // Small blocks are not delayed, not even those of the same client.
    let mut small = Open::on(&channel).await;
    small.ask(&seek(at(0), at(1))).await;
    assert_eq!(small.all().await, (vec![0, 1], BlockStatus::Success));

    let mut reading = JoinSet::new();
    for mut open in streams {
        reading.spawn(async move { open.all().await });
    }
    for read in reading.join_all().await {
        assert_eq!(read, (expected.clone(), BlockStatus::Success));
    }
    until(|| outgoing.used() == 0).await;
    assert_eq!(outgoing.waiting(), 0);
}

#[tokio::test]
async fn streams_that_wait_for_room_end_with_their_clients() {
    let (peer, first) = peer_with_large_blocks();
    let (address, outgoing) = serve(peer).await;
    let streams = unread(&address, first).await;
    until(|| outgoing.waiting() > 0).await;
    drop(streams);
    until(|| (outgoing.used(), outgoing.waiting()) == (0, 0)).await;
}

#[tokio::test]
async fn blocks_with_private_data_have_the_same_budget() {
    let (peer, first) = peer_with_large_blocks();
    let (address, outgoing) = serve(peer).await;
    let mut client = DeliverClient::new(connect(&address).await);
    let mut streams = Vec::new();
    for _ in 0..8 {
        let asked = seek(at(first), at(first + 1)).envelope();
        let answers = client.deliver_with_private_data(tokio_stream::once(asked)).await.unwrap();
        streams.push(answers.into_inner());
    }
    until(|| outgoing.waiting() == 8).await;
    assert!(outgoing.used() <= 2 * MIB);
}

/// A peer with answers of half a MiB.
fn peer_with_large_answers() -> Fake {
    Fake::answering(|| {
        let mut answer = golden_response("ok");
        answer.payload = Vec::new();
        answer.response.as_mut().unwrap().payload = vec![7; MIB / 2];
        Ok(answer)
    })
}

/// Returns an answer of which the client receives as much as fits into its window.
async fn evaluate(channel: &Channel) -> Result<Streaming<gateway::EvaluateResponse>, Status> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let request = Request::new(tokio_stream::once(evaluate_request()));
    let path = PathAndQuery::from_static("/gateway.Gateway/Evaluate");
    Ok(client.streaming(request, path, ProstCodec::default()).await?.into_inner())
}

async fn read(mut answer: Streaming<gateway::EvaluateResponse>) -> usize {
    let answer = answer.message().await.unwrap().unwrap();
    answer.result.unwrap().payload.len()
}

#[tokio::test]
async fn answers_that_are_not_read_stay_within_the_budget() {
    let (address, outgoing) = serve(peer_with_large_answers()).await;
    // An unread answer does not delay others.
    let channel = connect_taking(&address, 1 << 20).await;
    let mut unread = Vec::new();
    // A client has a quarter of the budget, room for three answers.
    for _ in 0..3 {
        unread.push(evaluate(&channel).await.unwrap());
    }
    for _ in 0..20 {
        let refused = evaluate(&channel).await.err().unwrap();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        assert!(refused.message().contains("--request-mib"), "{refused}");
    }
    assert!((MIB..=2 * MIB).contains(&outgoing.used()), "{}", outgoing.used());
    let first = unread.remove(0);
    assert_eq!(read(first).await, MIB / 2);
    unread.push(evaluate(&channel).await.expect("there is room again"));
    for answer in unread {
        assert_eq!(read(answer).await, MIB / 2);
    }
    until(|| outgoing.used() == 0).await;
}

#[tokio::test]
async fn a_client_that_never_reads_its_answer_is_cut_off() {
    let patience = Patience { answer: Duration::from_millis(20), ..Patience::default() };
    let (address, outgoing) = serve_patiently(peer_with_large_answers(), patience).await;
    let channel = connect(&address).await;
    let mut unread = evaluate(&channel).await.unwrap();
    until(|| outgoing.used() == 0).await;
    assert!(unread.message().await.is_err());
}
