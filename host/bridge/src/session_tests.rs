//! Sessions with a peer in the same process: cases that no recording contains, and the recorded
//! streams of a 3.1.5 peer.

mod recorded_tests;
mod room_tests;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::program::{RunCall, ServedCall};
use super::*;
use wasmcc_protocol::{Completed, InvokeMessage, Message, Request, TxKey};
use wasmcc_runtime::Backend;
use wasmcc_types::proto::protos::{self, ChaincodeMessage};
use wasmcc_types::{Entry, Response};

/// The peer's end of a session.
struct Peer {
    say: mpsc::Sender<Result<ChaincodeMessage, Status>>,
    hear: Pin<Box<dyn Stream<Item = ChaincodeMessage> + Send>>,
    session: JoinHandle<Result<(), BridgeError>>,
    stop: Arc<StopHandle>,
}

impl Peer {
    fn new(name: &str, config: ProgramConfig, contract: Box<RunCall>) -> Self {
        Self::with(Program::with(name, config, contract), StreamBounds::default())
    }

    fn with(program: impl Into<Arc<Program>>, bounds: StreamBounds) -> Self {
        let (session, outgoing) = Session::open(program.into(), bounds);
        let (say, inbound) = mpsc::channel(64);
        let (stop, stopped) = Stop::new();
        let session = tokio::spawn(async move {
            let opening = std::future::ready(Ok(ReceiverStream::new(inbound)));
            session.run(opening, stopped).await
        });
        Self { say, hear: Box::pin(outgoing), session, stop }
    }

    async fn ready(config: ProgramConfig, contract: Box<RunCall>) -> Self {
        let mut peer = Self::new("cc:1", config, contract);
        peer.register().await;
        peer
    }

    async fn register(&mut self) {
        assert_eq!(self.hear().await, Message::Register { name: "cc:1".into() });
        self.say(Message::Registered).await;
        self.say(Message::Ready { params: Default::default() }).await;
    }

    async fn say(&self, message: Message) {
        self.say.send(Ok(message.encode())).await.unwrap();
    }

    async fn hear(&mut self) -> Message {
        Message::decode(self.hear.next().await.expect("the stream goes on")).unwrap()
    }

    async fn call(&self, tx: &str) {
        let input = Default::default();
        let tx = TxKey::new("ch", tx);
        let invocation = InvokeMessage { tx, entry: Entry::Invoke, input, proposal: None };
        self.say(Message::Invoke(invocation)).await;
    }
}

fn tx(id: &str) -> TxKey {
    TxKey::new("ch", id)
}

fn done() -> Result<Completed, String> {
    Ok(Completed { response: Response::success("done"), event: None })
}

/// A chaincode that reads one key and sends the answer to the channel.
fn reader(got: mpsc::UnboundedSender<String>) -> Box<RunCall> {
    Box::new(move |_, mut backend| {
        let got = got.clone();
        Box::pin(async move {
            let answer = backend.get_state("", "k").await;
            got.send(format!("{answer:?}")).unwrap();
            answer.map_err(|error| error.text).and_then(|_| done())
        })
    })
}

fn get_state() -> Request {
    Request::GetState(protos::GetState { key: "k".into(), collection: String::new() })
}

#[tokio::test]
async fn a_request_waits_for_its_answer() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let mut peer = Peer::ready(ProgramConfig::default(), reader(got)).await;
    peer.call("t1").await;
    assert_eq!(peer.hear().await, Message::Request { tx: tx("t1"), request: get_state() });
    peer.say(Message::Keepalive).await;
    assert_eq!(peer.hear().await, Message::Keepalive);
    peer.say(Message::Response { tx: tx("t1"), payload: b"v".to_vec() }).await;
    assert_eq!(answers.recv().await.unwrap(), "Ok(Some([118]))");
    assert!(matches!(peer.hear().await, Message::Completed { .. }));
}

#[tokio::test]
async fn an_error_answer_is_a_failure_of_the_ledger_with_the_peers_text() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let mut peer = Peer::ready(ProgramConfig::default(), reader(got)).await;
    peer.call("t1").await;
    peer.hear().await;
    peer.say(Message::Error { tx: tx("t1"), text: "GET_STATE failed: no".into() }).await;
    let answer = answers.recv().await.unwrap();
    assert!(answer.contains("LedgerFailure") && answer.contains("GET_STATE failed: no"));
}

#[tokio::test]
async fn loss_of_the_stream_ends_who_waits() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let mut peer = Peer::ready(ProgramConfig::default(), reader(got)).await;
    peer.call("t1").await;
    peer.hear().await;
    drop(peer.say);
    let answer = answers.recv().await.unwrap();
    assert!(answer.contains("TransactionOver") && answer.contains("chaincode stream terminated"));
    let ended = peer.session.await.unwrap().unwrap_err().to_string();
    assert_eq!(ended, "the peer closed the stream of chaincode 'cc:1'");
    assert_eq!(peer.hear.next().await, None);
}

#[tokio::test]
async fn a_transaction_that_comes_again_ends_the_first() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let mut peer = Peer::ready(ProgramConfig::default(), reader(got)).await;
    peer.call("t1").await;
    peer.hear().await;
    peer.call("t1").await;
    let text = "txid: t1(ch) exists".to_owned();
    assert_eq!(peer.hear().await, Message::Error { tx: tx("t1"), text });
    assert!(answers.recv().await.unwrap().contains("TransactionOver"));
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_not_waited_for_for_ever() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let execute_timeout = Duration::from_millis(10);
    let config = ProgramConfig { execute_timeout, ..Default::default() };
    let mut peer = Peer::ready(config, reader(got)).await;
    peer.call("t1").await;
    peer.hear().await;
    let text = "timeout expired while executing transaction".to_owned();
    assert_eq!(peer.hear().await, Message::Error { tx: tx("t1"), text });
    // The chaincode is stopped; it gets no answer.
    drop(peer);
    assert_eq!(answers.recv().await, None);
}

#[tokio::test]
async fn a_panic_ends_its_transaction_only() {
    let panic = |invocation: InvokeMessage, _| -> ServedCall {
        Box::pin(async move {
            assert_ne!(&*invocation.tx.tx_id, "t1", "on purpose");
            done()
        })
    };
    let mut peer = Peer::ready(ProgramConfig::default(), Box::new(panic)).await;
    peer.call("t1").await;
    let text = "panic during execution".to_owned();
    assert_eq!(peer.hear().await, Message::Error { tx: tx("t1"), text });
    peer.call("t2").await;
    assert!(matches!(peer.hear().await, Message::Completed { .. }));
}

#[tokio::test]
async fn who_computes_for_long_keeps_nobody_waiting() {
    let (release, released) = std::sync::mpsc::channel();
    let released = Arc::new(Mutex::new(released));
    let contract = move |invocation: InvokeMessage, _| -> ServedCall {
        let released = Arc::clone(&released);
        Box::pin(async move {
            if &*invocation.tx.tx_id == "slow" {
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(2) {
                    std::hint::spin_loop();
                }
                // A guest does the same whenever some time has passed.
                tokio::task::yield_now().await;
                let released = released.lock().unwrap();
                released.recv_timeout(Duration::from_secs(60)).map_err(|e| e.to_string())?;
            }
            done()
        })
    };
    let mut peer = Peer::ready(ProgramConfig::default(), Box::new(contract)).await;
    peer.call("slow").await;
    for n in 0..100 {
        let quick = format!("quick{n}");
        peer.call(&quick).await;
        assert_eq!(peer.hear().await.tx(), Some(&tx(&quick)));
    }
    release.send(()).unwrap();
    assert!(
        matches!(peer.hear().await, Message::Completed { tx: ended, .. } if ended == tx("slow"))
    );
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_stop_lets_running_transactions_end() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let config = ProgramConfig { transactions: 1, queue: 1, ..Default::default() };
    let mut peer = Peer::ready(config, reader(got)).await;
    peer.call("t1").await;
    peer.hear().await;
    peer.call("t2").await;
    peer.call("t3").await;
    let Message::Error { tx: refused, text } = peer.hear().await else { panic!() };
    assert_eq!(refused, tx("t3"));
    assert!(text.contains("busy: 1 transactions"), "{text}");

    peer.stop.stop();
    // The session notices the stop at some time; from then on it refuses calls.
    for n in 4.. {
        peer.call(&format!("t{n}")).await;
        let Message::Error { text, .. } = peer.hear().await else { panic!() };
        if text == "cannot run chaincode: the chaincode server is stopping" {
            break;
        }
        tokio::task::yield_now().await;
    }
    for id in ["t1", "t2"] {
        peer.say(Message::Response { tx: tx(id), payload: Vec::new() }).await;
        assert_eq!(answers.recv().await.unwrap(), "Ok(None)");
        let ended = peer.hear().await;
        assert_eq!(ended.tx(), Some(&tx(id)));
        assert!(matches!(ended, Message::Completed { .. }));
        if id == "t1" {
            assert_eq!(peer.hear().await, Message::Request { tx: tx("t2"), request: get_state() });
        }
    }
    assert!(peer.session.await.unwrap().is_ok());
    assert_eq!(peer.hear.next().await, None);
}

#[tokio::test]
async fn a_refused_registration_names_the_id_and_the_peers_reason() {
    let mut peer =
        Peer::new("cc:1", ProgramConfig::default(), Box::new(|_, _| Box::pin(async { done() })));
    peer.hear().await;
    let text = "unexpected chaincode id cc:1, expected cc:2".to_owned();
    peer.say(Message::Error { tx: TxKey::default(), text }).await;
    let error = peer.session.await.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("the peer refuses chaincode id 'cc:1': unexpected"), "{error}");
    assert!(error.contains("expected cc:2"), "{error}");
}

/// A chaincode whose response has as many bytes as the transaction's id says.
fn answerer() -> Box<RunCall> {
    Box::new(move |invocation, _| {
        Box::pin(async move {
            let bytes = invocation.tx.tx_id.parse().unwrap_or_default();
            let response = Response { payload: vec![7; bytes], ..Response::success("") };
            Ok(Completed { response, event: None })
        })
    })
}

#[tokio::test]
async fn what_is_too_large_to_be_sent_fails_its_transaction_only() {
    let bounds = StreamBounds { message_bytes: 1000, ..StreamBounds::default() };
    let program = Program::with("cc:1", ProgramConfig::default(), answerer());
    let mut peer = Peer::with(program, bounds);
    peer.register().await;
    peer.call("1000").await;
    let Message::Error { tx: failed, text } = peer.hear().await else { panic!() };
    assert_eq!(failed, tx("1000"));
    assert!(text.contains("is longer than the limit of 1000 bytes"), "{text}");
    peer.call("900").await;
    assert!(matches!(peer.hear().await, Message::Completed { .. }));
}

#[tokio::test]
async fn a_message_that_cannot_be_understood_ends_its_transaction_only() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let mut peer = Peer::ready(ProgramConfig::default(), reader(got)).await;
    peer.call("t1").await;
    peer.hear().await;
    peer.call("t2").await;
    peer.hear().await;
    let unknown = ChaincodeMessage { r#type: 99, ..Message::Keepalive.encode() };
    let unknown = ChaincodeMessage { txid: "t1".into(), channel_id: "ch".into(), ..unknown };
    peer.say.send(Ok(unknown)).await.unwrap();
    let text = "[t1] cannot handle message (99)".to_owned();
    assert_eq!(peer.hear().await, Message::Error { tx: tx("t1"), text });
    assert!(answers.recv().await.unwrap().contains("TransactionOver"));
    peer.say(Message::Response { tx: tx("t2"), payload: Vec::new() }).await;
    assert_eq!(answers.recv().await.unwrap(), "Ok(None)");
    assert!(matches!(peer.hear().await, Message::Completed { .. }));
}

#[tokio::test]
async fn a_peer_that_never_goes_on_after_register_does_not_keep_the_stream() {
    let bounds = StreamBounds { register: Duration::from_millis(10), ..StreamBounds::default() };
    let program = Program::with("cc:1", ProgramConfig::default(), answerer());
    let mut peer = Peer::with(program, bounds);
    peer.hear().await;
    let error = peer.session.await.unwrap().unwrap_err();
    assert!(matches!(error, BridgeError::NotAnswered { .. }), "{error}");
    assert!(peer.hear.next().await.is_none());
}

#[tokio::test]
async fn only_the_peer_hears_the_secret() {
    let bounds = StreamBounds { register: Duration::from_millis(10), ..StreamBounds::default() };
    let program = Arc::new(Program::with("cc:1@secret", ProgramConfig::default(), answerer()));
    assert_eq!(program.id(), "cc:1", "in logs and metrics");
    let mut peer = Peer::with(program, bounds);
    assert_eq!(peer.hear().await, Message::Register { name: "cc:1@secret".into() });
    let error = peer.session.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("cc:1") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_named_as_the_end_of_the_stream() {
    let mut peer = Peer::ready(ProgramConfig::default(), answerer()).await;
    let text = "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes";
    peer.say.send(Err(Status::out_of_range(text))).await.unwrap();
    let error = peer.session.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("with all its transactions") && error.contains("found 9"), "{error}");
    assert!(peer.hear.next().await.is_none());
}
