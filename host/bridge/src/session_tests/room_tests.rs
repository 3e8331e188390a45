//! Sessions whose transactions or messages exceed the slots, the budget or the time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{Peer, answerer, done, get_state, reader, tx};
use crate::program::RunCall;
use crate::{BridgeError, MessageBudget, Program, ProgramConfig, StreamBounds};
use wasmcc_protocol::{InvokeMessage, Message, Request};
use wasmcc_runtime::Backend;
use wasmcc_types::Entry;
use wasmcc_types::proto::protos;

#[tokio::test]
async fn transactions_that_find_no_room_for_their_messages_are_refused_and_others_go_on() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let program = Program::with("cc:1", ProgramConfig::default(), reader(got));
    let mut peer =
        Peer::with(program.with_budget(MessageBudget::new(2000)), StreamBounds::default());
    peer.register().await;
    peer.call("t1").await;
    peer.hear().await;
    let refused = |text: &str| text.starts_with("cannot run chaincode: the messages of");
    // The input exceeds the budget beside the other transaction.
    let args = vec![vec![7; 3000]];
    let input = protos::ChaincodeInput { args, ..Default::default() };
    let large = InvokeMessage { tx: tx("t2"), entry: Entry::Invoke, input, proposal: None };
    peer.say(Message::Invoke(large.clone())).await;
    let Message::Error { tx: of, text } = peer.hear().await else { panic!() };
    assert!(of == tx("t2") && refused(&text), "{text}");
    // The answer exceeds the budget.
    peer.call("t3").await;
    peer.hear().await;
    peer.say(Message::Response { tx: tx("t3"), payload: vec![7; 3000] }).await;
    assert!(answers.recv().await.unwrap().contains("TransactionOver"));
    let Message::Error { tx: of, text } = peer.hear().await else { panic!() };
    assert!(of == tx("t3") && refused(&text), "{text}");
    // Both transactions release their bytes.
    peer.say(Message::Response { tx: tx("t1"), payload: vec![7; 100] }).await;
    assert!(answers.recv().await.unwrap().starts_with("Ok(Some("));
    assert!(matches!(peer.hear().await, Message::Completed { .. }));
    peer.say(Message::Invoke(large)).await;
    let said = loop {
        match peer.hear().await {
            // The bytes of the last transaction may not be released yet.
            Message::Error { text, .. } if refused(&text) => peer.call("t2").await,
            other => break other,
        }
    };
    assert_eq!(said, Message::Request { tx: tx("t2"), request: get_state() });
}

#[tokio::test]
async fn a_peer_that_answers_nothing_leaves_room_for_others() {
    let (got, _answers) = mpsc::unbounded_channel();
    let config = ProgramConfig { transactions: 4, ..Default::default() };
    let program = Arc::new(Program::with("cc:1", config, reader(got)));
    let bounds = StreamBounds::default();
    let (mut silent, mut other) =
        (Peer::with(Arc::clone(&program), bounds), Peer::with(program, bounds));
    silent.register().await;
    other.register().await;
    for n in 0..10 {
        silent.call(&format!("t{n}")).await;
    }
    for n in 0..3 {
        let asked = Message::Request { tx: tx(&format!("t{n}")), request: get_state() };
        assert_eq!(silent.hear().await, asked);
    }
    for n in 0..3 {
        let id = format!("t{n}");
        other.call(&id).await;
        assert_eq!(other.hear().await, Message::Request { tx: tx(&id), request: get_state() });
        other.say(Message::Response { tx: tx(&id), payload: Vec::new() }).await;
        assert!(matches!(other.hear().await, Message::Completed { .. }));
    }
    // The peer that does not answer gets the other's slots.
    drop(other);
    assert_eq!(silent.hear().await.tx(), Some(&tx("t3")));
}

#[tokio::test]
async fn a_transaction_that_waits_for_its_whole_time_is_not_run() {
    let (got, mut answers) = mpsc::unbounded_channel();
    let execute_timeout = Duration::from_millis(50);
    let config = ProgramConfig { execute_timeout, transactions: 1, ..Default::default() };
    let mut peer = Peer::ready(config, reader(got)).await;
    peer.call("t1").await;
    peer.call("t2").await;
    assert_eq!(peer.hear().await, Message::Request { tx: tx("t1"), request: get_state() });
    let mut ends = Vec::new();
    while ends.len() < 2 {
        match peer.hear().await {
            Message::Error { tx, text } => ends.push((tx, text)),
            // It may get a slot a moment before its time is over.
            Message::Request { tx: of, .. } => assert_eq!(of, tx("t2")),
            other => panic!("{other:?}"),
        }
    }
    ends.sort_by_key(|(tx, _)| tx.tx_id.clone());
    assert_eq!(ends[0].1, "timeout expired while executing transaction");
    assert!(ends[1].0 == tx("t2"));
    drop(peer);
    assert_eq!(answers.recv().await, None);
}

/// Waits until `reached` is true; fails after a minute.
async fn until(what: &str, reached: impl Fn() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not seen in a minute: {what}");
        tokio::task::yield_now().await;
    }
}

/// A chaincode that writes a large value.
fn writer() -> Box<RunCall> {
    Box::new(move |_, mut backend| {
        Box::pin(async move {
            backend.put_state("", "k", vec![7; 100_000]).await.map_err(|error| error.text)?;
            done()
        })
    })
}

#[tokio::test]
async fn a_transaction_that_is_given_up_holds_nothing_in_the_messages_that_wait() {
    // Long enough for the chaincode to write first, even on a busy machine.
    let execute_timeout = Duration::from_millis(200);
    let config = ProgramConfig { execute_timeout, ..Default::default() };
    let budget = MessageBudget::new(150_000);
    let program = Program::with("cc:1", config, writer()).with_budget(Arc::clone(&budget));
    let mut peer = Peer::with(program, StreamBounds::default());
    peer.register().await;
    // Each transaction times out before the next begins, and the peer reads no message.
    for n in 0..3 {
        peer.call(&format!("t{n}")).await;
        until("the value waits to be sent", || budget.held() > 0).await;
        until("the value is given up", || budget.held() == 0).await;
    }
    for n in 0..3 {
        // The peer gets the request, so that it answers, but without the value.
        let request = Message::Request {
            tx: tx(&format!("t{n}")),
            request: Request::PutState(protos::PutState::default()),
        };
        assert_eq!(peer.hear().await, request);
        assert!(matches!(peer.hear().await, Message::Error { .. }));
    }
}

#[tokio::test]
async fn a_stream_that_nobody_reads_ends() {
    let unread = Duration::from_millis(10);
    let program = Program::with("cc:1", ProgramConfig::default(), answerer());
    let mut peer = Peer::with(program, StreamBounds { unread, ..StreamBounds::default() });
    peer.register().await;
    // More messages than the outbox holds.
    for _ in 0..100 {
        peer.say(Message::Keepalive).await;
    }
    let error = peer.session.await.unwrap().unwrap_err();
    assert!(matches!(error, BridgeError::NotRead { .. }), "{error}");
}
