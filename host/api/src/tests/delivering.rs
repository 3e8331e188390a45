//! Streams of blocks, and the orderer's services.

use std::time::SystemTime;

use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::*;
use wasmcc_types::proto::common::{
    ChannelHeader, Envelope, Header, HeaderType, Payload, SignatureHeader, Status as BlockStatus,
};
use wasmcc_types::proto::orderer::atomic_broadcast_client::AtomicBroadcastClient;
use wasmcc_types::proto::orderer::seek_info::{SeekBehavior, SeekContentType};
use wasmcc_types::proto::orderer::{SeekInfo, SeekOldest, deliver_response as ordered};
use wasmcc_types::proto::protos::DeliverResponse;
use wasmcc_types::proto::protos::deliver_client::DeliverClient;
use wasmcc_types::proto::protos::deliver_response::Type;

/// A request for blocks, before it is signed.
pub(super) struct Seek {
    channel: &'static str,
    info: SeekInfo,
    seconds_late: i64,
    timestamp: bool,
    signature: &'static [u8],
    creator: &'static [u8],
}

pub(super) fn at(number: u64) -> Option<SeekPosition> {
    position(seek_position::Type::Specified(SeekSpecified { number }))
}

fn position(position: seek_position::Type) -> Option<SeekPosition> {
    Some(SeekPosition { r#type: Some(position) })
}

pub(super) fn seek(start: Option<SeekPosition>, stop: Option<SeekPosition>) -> Seek {
    let info = SeekInfo { start, stop, ..Default::default() };
    let channel = "mychannel";
    let (signature, creator) = (b"good", b"me");
    Seek { channel, info, seconds_late: 0, timestamp: true, signature, creator }
}

impl Seek {
    pub(super) fn of(mut self, creator: &'static [u8]) -> Self {
        self.creator = creator;
        self
    }

    /// Creates the request of a client whose clock is this many seconds slow.
    pub(super) fn late(mut self, seconds: i64) -> Self {
        self.seconds_late = seconds;
        self
    }

    fn at_once(mut self) -> Self {
        self.info.behavior = SeekBehavior::FailIfNotReady.into();
        self
    }

    pub(super) fn envelope(&self) -> Envelope {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let seconds = now.as_secs() as i64 - self.seconds_late;
        let header = ChannelHeader {
            r#type: HeaderType::DeliverSeekInfo.into(),
            channel_id: self.channel.to_owned(),
            timestamp: self.timestamp.then_some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..Default::default()
        };
        let signature_header =
            SignatureHeader { creator: self.creator.to_vec(), nonce: Vec::new() };
        let header = Header {
            channel_header: header.encode_to_vec(),
            signature_header: signature_header.encode_to_vec(),
        };
        let payload = Payload { header: Some(header), data: self.info.encode_to_vec() };
        Envelope { payload: payload.encode_to_vec(), signature: self.signature.to_vec() }
    }
}

/// A stream of requests that stays open, with its answers.
pub(super) struct Open(pub(super) mpsc::Sender<Envelope>, pub(super) Streaming<DeliverResponse>);

impl Open {
    pub(super) async fn blocks(served: &Served) -> Self {
        Self::on(&served.channel).await
    }

    pub(super) async fn on(channel: &Channel) -> Self {
        let (sender, receiver) = mpsc::channel(4);
        let mut client = DeliverClient::new(channel.clone());
        let answers = client.deliver(ReceiverStream::new(receiver)).await.unwrap();
        Self(sender, answers.into_inner())
    }

    pub(super) async fn ask(&self, seek: &Seek) {
        self.0.send(seek.envelope()).await.unwrap();
    }

    pub(super) async fn next(&mut self) -> Option<Type> {
        self.1.message().await.unwrap().map(|answer| answer.r#type.unwrap())
    }

    /// Returns the numbers of the blocks up to a status.
    pub(super) async fn all(&mut self) -> (Vec<u64>, BlockStatus) {
        let mut numbers = Vec::new();
        loop {
            match self.next().await.unwrap() {
                Type::Block(block) => numbers.push(block.header.unwrap().number),
                Type::Status(status) => {
                    return (numbers, BlockStatus::try_from(status).unwrap());
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn blocks_come_as_asked_and_a_client_may_ask_again() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(5);
    let mut open = Open::blocks(&served).await;
    let newest = || position(seek_position::Type::Newest(SeekNewest {}));
    let oldest = || position(seek_position::Type::Oldest(SeekOldest {}));
    for (asked, expected) in [
        (seek(at(1), at(3)), vec![1, 2, 3]),
        (seek(oldest(), newest()), vec![0, 1, 2, 3, 4]),
        (seek(newest(), newest()), vec![4]),
        (seek(at(4), at(4)).at_once(), vec![4]),
    ] {
        open.ask(&asked).await;
        assert_eq!(open.all().await, (expected, BlockStatus::Success));
    }
    // A refusal ends the stream.
    open.ask(&seek(at(3), at(1))).await;
    assert_eq!(open.all().await, (vec![], BlockStatus::BadRequest));
    assert!(open.next().await.is_none());
}

#[tokio::test]
async fn blocks_that_are_not_there_yet_are_waited_for_or_not() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(3);
    let mut open = Open::blocks(&served).await;
    open.ask(&seek(at(3), at(4))).await;
    served.peer.grow(4);
    assert!(matches!(open.next().await, Some(Type::Block(_))));
    served.peer.grow(7);
    assert_eq!(open.all().await, (vec![4], BlockStatus::Success));

    open.ask(&seek(at(6), at(9)).at_once()).await;
    assert_eq!(open.all().await, (vec![6], BlockStatus::NotFound));
    // A request far beyond the last block does not wait.
    let mut open = Open::blocks(&served).await;
    open.ask(&seek(at(8), at(9))).await;
    assert_eq!(open.all().await, (vec![], BlockStatus::NotFound));
}

#[tokio::test]
async fn a_block_that_cannot_be_read_ends_the_delivery_with_fabrics_status() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(3);
    served.peer.ledger.lock().unwrap().damaged = Some(1);
    let mut open = Open::blocks(&served).await;
    open.ask(&seek(at(0), at(2))).await;
    assert_eq!(open.all().await, (vec![0], BlockStatus::ServiceUnavailable));
}

#[tokio::test]
async fn who_may_not_have_blocks_gets_fabrics_status() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(3);
    let good = || seek(at(0), at(1));
    for (asked, expected) in [
        (Seek { channel: "other", ..good() }, BlockStatus::NotFound),
        (Seek { signature: b"bad", ..good() }, BlockStatus::Forbidden),
        (Seek { seconds_late: 16 * 60, ..good() }, BlockStatus::BadRequest),
        (Seek { seconds_late: -16 * 60, ..good() }, BlockStatus::BadRequest),
        (Seek { timestamp: false, ..good() }, BlockStatus::BadRequest),
        (Seek { info: SeekInfo::default(), ..good() }, BlockStatus::BadRequest),
        // An open stream keeps its request, so a large one is refused.
        (Seek { creator: vec![b'x'; 64 << 10].leak(), ..good() }, BlockStatus::BadRequest),
    ] {
        let mut open = Open::blocks(&served).await;
        open.ask(&asked).await;
        assert_eq!(open.all().await, (vec![], expected));
    }
    let mut open = Open::blocks(&served).await;
    open.0.send(Envelope::default()).await.unwrap();
    assert_eq!(open.all().await, (vec![], BlockStatus::BadRequest));
}

#[tokio::test]
async fn a_new_configuration_is_asked_whether_the_client_may_go_on() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(1);
    let mut open = Open::blocks(&served).await;
    open.ask(&seek(at(0), at(9))).await;
    assert!(matches!(open.next().await, Some(Type::Block(_))));
    {
        let mut ledger = served.peer.ledger.lock().unwrap();
        ledger.sequence = 1;
        ledger.readers = Some(b"others");
    }
    served.peer.grow(2);
    assert_eq!(open.all().await, (vec![], BlockStatus::Forbidden));
}

#[tokio::test]
async fn a_channel_that_stops_ends_its_streams() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(2);
    let mut open = Open::blocks(&served).await;
    open.ask(&seek(at(1), at(9))).await;
    assert!(matches!(open.next().await, Some(Type::Block(_))));
    served.peer.close();
    assert_eq!(open.all().await, (vec![], BlockStatus::ServiceUnavailable));
}

#[tokio::test]
async fn filtered_blocks_tell_verdicts_and_events_without_payloads() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(46);
    let mut client = DeliverClient::new(served.channel.clone());
    let request = tokio_stream::once(seek(at(23), at(24)).envelope());
    let mut answers = client.deliver_filtered(request).await.unwrap().into_inner();
    let Some(Type::FilteredBlock(block)) = answers.message().await.unwrap().unwrap().r#type else {
        panic!("no filtered block");
    };
    assert_eq!((block.channel_id.as_str(), block.number), ("mychannel", 23));
    let tx = &block.filtered_transactions[0];
    assert_eq!(tx.r#type(), HeaderType::EndorserTransaction);
    assert_eq!(tx.tx_validation_code(), TxValidationCode::Valid);
    let Some(protos::filtered_transaction::Data::TransactionActions(actions)) = &tx.data else {
        panic!("no actions");
    };
    let event = actions.chaincode_actions[0].chaincode_event.as_ref().unwrap();
    assert_eq!((event.event_name.as_str(), event.tx_id.as_str()), ("ev1", tx.txid.as_str()));
    assert!(event.payload.is_empty());

    let request = tokio_stream::once(seek(at(2), at(2)).envelope());
    let mut answers = client.deliver_with_private_data(request).await.unwrap().into_inner();
    let Some(Type::BlockAndPrivateData(both)) = answers.message().await.unwrap().unwrap().r#type
    else {
        panic!("no block");
    };
    assert_eq!(both.block.unwrap().header.unwrap().number, 2);
    assert_eq!(both.private_data_map.into_keys().collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn an_orderer_gives_blocks_and_headers() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(2);
    served.peer.ledger.lock().unwrap().ordered = vec!["mychannel".to_owned()];
    let mut client = AtomicBroadcastClient::new(served.channel.clone());
    let mut asked = seek(at(0), at(1));
    asked.info.content_type = SeekContentType::HeaderWithSig.into();
    let request = tokio_stream::once(asked.envelope());
    let mut answers = client.deliver(request).await.unwrap().into_inner();
    let mut has_data = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        match answer.r#type.unwrap() {
            ordered::Type::Block(block) => has_data.push(block.data.is_some()),
            ordered::Type::Status(status) => assert_eq!(status, BlockStatus::Success as i32),
        }
    }
    assert_eq!(has_data, [true, false], "a configuration comes whole");
}

#[tokio::test]
async fn an_orderer_that_was_removed_from_a_channel_gives_no_blocks_of_it() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(1);
    let ask = async || {
        let mut client = AtomicBroadcastClient::new(served.channel.clone());
        let request = tokio_stream::once(seek(at(0), at(0)).envelope());
        client.deliver(request).await.unwrap().into_inner().message().await.unwrap().unwrap()
    };
    let not_found = ordered::Type::Status(BlockStatus::NotFound.into());
    assert_eq!(ask().await.r#type, Some(not_found));
    served.peer.ledger.lock().unwrap().ordered = vec!["mychannel".to_owned()];
    assert!(matches!(ask().await.r#type, Some(ordered::Type::Block(_))));
    served.peer.ledger.lock().unwrap().ordered.clear();
    let mut of_peer = Open::blocks(&served).await;
    of_peer.ask(&seek(at(0), at(0))).await;
    assert_eq!(of_peer.all().await, (vec![0], BlockStatus::Success), "peers have it all the same");
}

#[tokio::test]
async fn an_orderer_takes_envelopes_until_it_refuses_one() {
    let broadcast = async |served: &Served| {
        let mut client = AtomicBroadcastClient::new(served.channel.clone());
        let request = tokio_stream::iter([Envelope::default(), Envelope::default()]);
        let mut answers = client.broadcast(request).await.unwrap().into_inner();
        let mut seen = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            seen.push((answer.status(), answer.info));
        }
        seen
    };
    let served = Served::start(Fake::default()).await;
    let success = (BlockStatus::Success, String::new());
    assert_eq!(broadcast(&served).await, [success.clone(), success]);
    let order = Err(OrderError::Forbidden("permission denied".into()));
    let served = Served::start(Fake { order, ..Fake::default() }).await;
    let denied = (BlockStatus::Forbidden, "permission denied".to_owned());
    assert_eq!(broadcast(&served).await, [denied]);
}

#[tokio::test]
async fn more_than_so_many_do_not_wait_and_none_of_them_holds_a_thread() {
    // More than the threads for blocking calls.
    const MANY: usize = 300;
    let config = ServerConfig { waiting_calls: 4 * MANY, ..ServerConfig::default() };
    let served = Served::with(Fake::default(), Workers::new(1, 1).unwrap(), config).await;
    served.peer.grow(1);
    let mut streams = Vec::new();
    for _ in 0..MANY {
        let mut open = Open::blocks(&served).await;
        open.ask(&seek(at(0), at(1))).await;
        assert!(matches!(open.next().await, Some(Type::Block(_))));
        streams.push(open);
    }
    let mut one_more = Open::blocks(&served).await;
    one_more.ask(&seek(at(0), at(1))).await;
    let status = one_more.1.message().await.unwrap_err();
    let text = "too many requests for /protos.Deliver/Deliver, exceeding concurrency limit (1200): \
                one connection may have 300; end some, or start the peer with a larger \
                --waiting-calls";
    assert_eq!(shape(&status), (Code::ResourceExhausted, text));
    // Waiting for a transaction needs a place of another kind.
    let mut gateway = served.gateway();
    let waiting = gateway.commit_status(commit_status_request("never"));
    let wait = Duration::from_millis(50);
    assert!(tokio::time::timeout(wait, async { waiting.await.unwrap() }).await.is_err());
    served.peer.grow(2);
    for open in &mut streams {
        assert_eq!(open.all().await, (vec![1], BlockStatus::Success));
    }
    drop(streams);
}

#[tokio::test]
async fn a_burst_of_streams_on_one_connection_is_let_in() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(2);
    let streams = (0..300).map(|_| {
        let mut client = DeliverClient::new(served.channel.clone());
        let request = tokio_stream::once(seek(at(0), at(1)).envelope());
        tokio::spawn(async move {
            let answers = client.deliver_filtered(request).await?.into_inner();
            answers.map(|answer| answer.map(drop)).collect::<Result<Vec<()>, Status>>().await
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        let answers = stream.await.unwrap().unwrap();
        assert_eq!(answers.len(), 3, "two blocks and a status");
    }
}
