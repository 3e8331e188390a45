//! Streams of chaincodes.

use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::*;
use wasmcc_types::proto::protos::ChaincodeMessage;
use wasmcc_types::proto::protos::chaincode_message::Type;
use wasmcc_types::proto::protos::chaincode_support_client::ChaincodeSupportClient;

async fn register(
    served: &Served,
) -> (mpsc::Sender<ChaincodeMessage>, Streaming<ChaincodeMessage>) {
    let (sender, messages) = mpsc::channel(8);
    let mut client = ChaincodeSupportClient::new(served.channel.clone());
    let answers = client.register(ReceiverStream::new(messages)).await.unwrap();
    (sender, answers.into_inner())
}

fn message(kind: Type, payload: &[u8]) -> ChaincodeMessage {
    let mut message = ChaincodeMessage { payload: payload.to_vec(), ..Default::default() };
    message.set_type(kind);
    message
}

/// Returns the next message that is not a keepalive.
async fn next(answers: &mut Streaming<ChaincodeMessage>) -> Option<ChaincodeMessage> {
    loop {
        match answers.message().await.unwrap() {
            Some(answer) if answer.r#type() == Type::Keepalive => {}
            answer => return answer,
        }
    }
}

#[tokio::test]
async fn messages_go_both_ways_until_the_peer_ends_the_stream() {
    let served = Served::start(Fake::default()).await;
    let (sender, mut answers) = register(&served).await;
    let sent = message(Type::Register, b"basic:1.0");
    sender.send(sent.clone()).await.unwrap();
    assert_eq!(next(&mut answers).await, Some(sent));
    sender.send(message(Type::Error, b"")).await.unwrap();
    assert_eq!(next(&mut answers).await, None);
}

#[tokio::test]
async fn chaincodes_are_asked_whether_they_are_there() {
    let served = Served::start(Fake::default()).await;
    let (_sender, mut answers) = register(&served).await;
    for _ in 0..2 {
        let asked = answers.message().await.unwrap().unwrap();
        assert_eq!(asked.r#type(), Type::Keepalive);
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_idle_streams() {
    let served = Served::start(Fake::default()).await;
    let (_sender, mut answers) = register(&served).await;
    served.stop.send(()).unwrap();
    assert_eq!(next(&mut answers).await, None);
    served.serving.await.unwrap();
}
