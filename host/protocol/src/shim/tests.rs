//! Tests of the chaincode's half.

use super::*;
use wasmcc_types::proto::protos;
use wasmcc_types::{Entry, Response};

fn tx() -> TxKey {
    TxKey::new("ch", "t1")
}

fn invocation(entry: Entry) -> InvokeMessage {
    InvokeMessage { tx: tx(), entry, input: Default::default(), proposal: None }
}

fn get_state() -> Request {
    Request::GetState(protos::GetState::default())
}

fn response(payload: u8) -> Message {
    Message::Response { tx: tx(), payload: vec![payload] }
}

fn completed(status: i32) -> Completed {
    let message = "told".to_owned();
    Completed { response: Response { status, message, payload: Vec::new() }, event: None }
}

fn ready() -> ShimSide {
    let mut shim = ShimSide::new("basic:1");
    let register = Message::Register { name: "basic:1".into() };
    assert_eq!(shim.poll_action(), Some(ShimAction::Send(register)));
    shim.handle_message(Message::Registered).unwrap();
    shim.handle_message(Message::Ready { params: Default::default() }).unwrap();
    assert_eq!(shim.poll_action(), None);
    shim
}

fn running(entry: Entry) -> ShimSide {
    let mut shim = ready();
    shim.handle_message(Message::Invoke(invocation(entry))).unwrap();
    assert_eq!(shim.poll_action(), Some(ShimAction::Invoke(invocation(entry))));
    shim
}

fn waiting() -> ShimSide {
    let mut shim = running(Entry::Invoke);
    shim.handle_request(tx(), get_state()).unwrap();
    let message = Message::Request { tx: tx(), request: get_state() };
    assert_eq!(shim.poll_action(), Some(ShimAction::Send(message)));
    shim
}

fn error(text: &str) -> Option<ShimAction> {
    Some(ShimAction::Send(Message::Error { tx: tx(), text: text.into() }))
}

fn resume(answer: Result<Vec<u8>, &str>) -> Option<ShimAction> {
    Some(ShimAction::Resume { tx: tx(), answer: answer.map_err(str::to_owned) })
}

#[test]
fn transaction_runs_from_invoke_to_completed() {
    let mut shim = waiting();
    shim.handle_message(response(1)).unwrap();
    assert_eq!(shim.poll_action(), resume(Ok(vec![1])));
    shim.handle_request(tx(), get_state()).unwrap();
    shim.poll_action();
    shim.handle_message(Message::Error { tx: tx(), text: "no".into() }).unwrap();
    assert_eq!(shim.poll_action(), resume(Err("no")));
    shim.handle_completed(tx(), Ok(completed(200)));
    let message = Message::Completed { tx: tx(), completed: completed(200) };
    assert_eq!(shim.poll_action(), Some(ShimAction::Send(message)));
    assert_eq!(shim.handle_request(tx(), get_state()), Err(ProtocolError::NotRunning(tx())));
}

#[test]
fn failed_init_is_an_error_and_failed_transaction_is_completed() {
    let ends_with = |entry, status| {
        let mut shim = running(entry);
        shim.handle_completed(tx(), Ok(completed(status)));
        shim.poll_action()
    };
    let sends = |status| {
        let message = Message::Completed { tx: tx(), completed: completed(status) };
        Some(ShimAction::Send(message))
    };
    assert_eq!(ends_with(Entry::Init, 500), error("told"));
    assert_eq!(ends_with(Entry::Init, 499), sends(499));
    assert_eq!(ends_with(Entry::Invoke, 500), sends(500));
}

#[test]
fn chaincode_that_ends_without_a_response_is_an_error() {
    let mut shim = running(Entry::Invoke);
    shim.handle_completed(tx(), Err("all fuel consumed".into()));
    assert_eq!(shim.poll_action(), error("all fuel consumed"));
}

#[test]
fn one_request_at_a_time() {
    let mut shim = waiting();
    let refused = shim.handle_request(tx(), get_state());
    assert_eq!(refused, Err(ProtocolError::RequestInFlight(tx())));
    assert_eq!(shim.poll_action(), None);
}

#[test]
fn ready_says_the_batch_limits() {
    let mut shim = ShimSide::new("basic:1");
    shim.handle_message(Message::Registered).unwrap();
    let params = protos::ChaincodeAdditionalParams {
        use_write_batch: true,
        max_size_write_batch: 7,
        ..Default::default()
    };
    shim.handle_message(Message::Ready { params }).unwrap();
    let limits = BatchLimits { write_batch: Some(100), get_multiple: None };
    assert_eq!(shim.batch_limits(), limits);
}

#[test]
fn answers_that_nobody_waits_for_are_ignored() {
    let mut shim = running(Entry::Invoke);
    shim.handle_message(response(1)).unwrap();
    let other = Message::Response { tx: TxKey::new("ch", "t2"), payload: Vec::new() };
    shim.handle_message(other).unwrap();
    assert_eq!(shim.poll_action(), None);
}

#[test]
fn transaction_that_comes_twice_is_refused_and_the_first_one_cancelled() {
    let exists = "txid: t1(ch) exists";
    let again = || Message::Invoke(invocation(Entry::Invoke));
    let mut shim = waiting();
    shim.handle_message(again()).unwrap();
    assert_eq!(shim.poll_action(), resume(Err(exists)));
    assert_eq!(shim.poll_action(), Some(ShimAction::Cancel { tx: tx() }));
    assert_eq!(shim.poll_action(), error(exists));
    assert_eq!(shim.handle_request(tx(), get_state()), Err(ProtocolError::NotRunning(tx())));
    shim.handle_completed(tx(), Ok(completed(200)));
    assert_eq!(shim.poll_action(), None, "the peer has heard the end of it");

    shim.handle_message(again()).unwrap();
    assert_eq!(shim.poll_action(), error(exists), "an answer is still due");
    shim.handle_message(response(1)).unwrap();
    assert_eq!(shim.poll_action(), None);
    shim.handle_message(again()).unwrap();
    assert!(matches!(shim.poll_action(), Some(ShimAction::Invoke(_))));
}

#[test]
fn answer_that_comes_after_the_end_is_not_for_the_next_invocation() {
    let mut shim = waiting();
    shim.handle_completed(tx(), Ok(completed(200)));
    assert!(matches!(shim.poll_action(), Some(ShimAction::Send(Message::Completed { .. }))));
    let again = || Message::Invoke(invocation(Entry::Invoke));
    shim.handle_message(again()).unwrap();
    assert_eq!(shim.poll_action(), error("txid: t1(ch) exists"), "an answer is still due");
    shim.handle_message(response(1)).unwrap();
    assert_eq!(shim.poll_action(), None);
    shim.handle_message(again()).unwrap();
    assert!(matches!(shim.poll_action(), Some(ShimAction::Invoke(_))));
    assert_eq!(shim.poll_action(), None);
}

#[test]
fn answer_to_a_cancelled_invocation_is_waited_for_once() {
    let again = || Message::Invoke(invocation(Entry::Invoke));
    let mut shim = waiting();
    shim.handle_message(again()).unwrap();
    shim.handle_message(response(1)).unwrap();
    shim.handle_completed(tx(), Ok(completed(200)));
    while shim.poll_action().is_some() {}
    shim.handle_message(again()).unwrap();
    assert!(matches!(shim.poll_action(), Some(ShimAction::Invoke(_))));
}

#[test]
fn end_of_the_stream_cancels_every_invocation() {
    let mut shim = waiting();
    let other = InvokeMessage { tx: TxKey::new("ch", "t2"), ..invocation(Entry::Init) };
    shim.handle_message(Message::Invoke(other.clone())).unwrap();
    shim.poll_action();
    shim.handle_disconnected();
    assert_eq!(shim.poll_action(), resume(Err("chaincode stream terminated")));
    assert_eq!(shim.poll_action(), Some(ShimAction::Cancel { tx: tx() }));
    assert_eq!(shim.poll_action(), Some(ShimAction::Cancel { tx: other.tx }));
    assert_eq!(shim.handle_request(tx(), get_state()), Err(ProtocolError::StreamTerminated));
    shim.handle_completed(tx(), Ok(completed(200)));
    shim.handle_disconnected();
    assert_eq!(shim.poll_action(), None);
}

#[test]
fn wrong_messages_are_answered_with_error_and_end_the_stream() {
    let text = "[t1] Chaincode h cannot handle message (TRANSACTION) while in state: created";
    let mut shim = ShimSide::new("basic:1");
    shim.poll_action();
    let refused = shim.handle_message(Message::Invoke(invocation(Entry::Invoke)));
    assert_eq!(refused.unwrap_err().to_string(), text);
    assert_eq!(shim.poll_action(), error(text));
    assert_eq!(shim.poll_action(), Some(ShimAction::Close));

    let mut shim = running(Entry::Invoke);
    assert!(shim.handle_message(Message::Registered).is_err());
    assert!(matches!(shim.poll_action(), Some(ShimAction::Send(Message::Error { .. }))));
    assert_eq!(shim.poll_action(), Some(ShimAction::Cancel { tx: tx() }));
    assert_eq!(shim.poll_action(), Some(ShimAction::Close));
}

#[test]
fn refused_registration_tells_the_peers_reason() {
    let mut shim = ShimSide::new("basic:1");
    let text = "duplicate chaincodeID: basic:1".into();
    let refused = shim.handle_message(Message::Error { tx: TxKey::default(), text });
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the peer refuses the registration: duplicate chaincodeID: basic:1"
    );
}

#[test]
fn unreadable_input_is_the_trouble_of_its_transaction() {
    let wire = |kind: i32| ChaincodeMessage {
        r#type: kind,
        payload: vec![0xff],
        txid: "t1".into(),
        channel_id: "ch".into(),
        ..Default::default()
    };
    let mut shim = ready();
    shim.handle_wire(wire(MessageType::Transaction.into())).unwrap();
    let Some(ShimAction::Send(Message::Error { tx: named, text })) = shim.poll_action() else {
        panic!()
    };
    assert_eq!(named, tx());
    assert!(text.starts_with("failed to unmarshal input: "), "{text}");
    assert!(shim.is_ready());
    let nameless = ChaincodeMessage { txid: String::new(), ..wire(99) };
    let unknown = shim.handle_wire(nameless).unwrap_err();
    assert_eq!(unknown.to_string(), "[] cannot handle message (99)");
    assert!(matches!(shim.poll_action(), Some(ShimAction::Send(Message::Error { .. }))));
    assert_eq!(shim.poll_action(), Some(ShimAction::Close));
}

#[test]
fn messages_that_no_peer_may_send_end_their_transaction_only() {
    let wire = |kind: i32, payload: &[u8]| ChaincodeMessage {
        r#type: kind,
        payload: payload.to_vec(),
        txid: "t1".into(),
        channel_id: "ch".into(),
        ..Default::default()
    };
    let refused = "Chaincode h cannot handle message";
    for (kind, payload, text) in [
        (99, &[][..], "[t1] cannot handle message (99)".to_owned()),
        (6, &[0xff], "[t1] failed to unmarshal the payload of COMPLETED".to_owned()),
        (6, &[], format!("[t1] {refused} (COMPLETED) while in state: ready")),
        (8, &[], format!("[t1] {refused} (GET_STATE) while in state: ready")),
    ] {
        let mut shim = waiting();
        shim.handle_wire(wire(kind, payload)).unwrap();
        assert_eq!(shim.poll_action(), resume(Err(&text)));
        assert_eq!(shim.poll_action(), Some(ShimAction::Cancel { tx: tx() }));
        assert_eq!(shim.poll_action(), error(&text));
        assert_eq!(shim.poll_action(), None);
        assert!(shim.is_ready());
    }
}

#[test]
fn what_is_too_large_fails_its_transaction_only() {
    let limited = || {
        let mut shim = ready().with_message_bytes(1000);
        shim.state = State::Ready(BatchLimits::default(), Invocations::new(shim.limit));
        shim.handle_message(Message::Invoke(invocation(Entry::Invoke))).unwrap();
        shim.poll_action();
        shim
    };
    let put =
        |bytes| Request::PutState(protos::PutState { value: vec![7; bytes], ..Default::default() });
    let mut shim = limited();
    let refused = shim.handle_request(tx(), put(1000)).unwrap_err().to_string();
    assert!(refused.starts_with("a message (PUT_STATE) of "), "{refused}");
    assert_eq!(shim.poll_action(), None);
    shim.handle_request(tx(), put(900)).unwrap();
    shim.poll_action();
    shim.handle_message(response(0)).unwrap();
    shim.poll_action();
    let large = Response { payload: vec![7; 1000], ..Response::success("") };
    shim.handle_completed(tx(), Ok(Completed { response: large, event: None }));
    let Some(ShimAction::Send(Message::Error { text, .. })) = shim.poll_action() else { panic!() };
    assert!(text.starts_with("a message (COMPLETED) of "), "{text}");

    let mut shim = limited();
    shim.handle_completed(tx(), Err("x".repeat(5000)));
    let Some(ShimAction::Send(message)) = shim.poll_action() else { panic!() };
    assert!(matches!(message, Message::Error { .. }) && message.wire_bytes() <= 1000);
}

#[test]
fn a_million_answers_that_never_come_take_no_more_room_than_the_last_ones() {
    let mut shim = ready();
    for number in 0..1_000_000 {
        let tx = TxKey::new("ch", number.to_string());
        let invocation = InvokeMessage { tx: tx.clone(), ..invocation(Entry::Invoke) };
        shim.handle_message(Message::Invoke(invocation)).unwrap();
        shim.handle_request(tx.clone(), get_state()).unwrap();
        shim.handle_completed(tx, Err("timeout".into()));
        while shim.poll_action().is_some() {}
    }
    let State::Ready(_, invocations) = &shim.state else { panic!() };
    assert_eq!(invocations.known(), 10_000);
}

#[test]
fn keepalive_is_echoed_in_every_state() {
    for mut shim in [ShimSide::new("basic:1"), running(Entry::Invoke)] {
        while shim.poll_action().is_some() {}
        shim.handle_message(Message::Keepalive).unwrap();
        assert_eq!(shim.poll_action(), Some(ShimAction::Send(Message::Keepalive)));
    }
}
