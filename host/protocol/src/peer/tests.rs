//! Tests of the peer's half.

use super::*;
use wasmcc_types::proto::protos;
use wasmcc_types::{Entry, Response};

fn tx() -> TxKey {
    TxKey::new("ch", "t1")
}

fn invocation() -> InvokeMessage {
    InvokeMessage { tx: tx(), entry: Entry::Invoke, input: Default::default(), proposal: None }
}

fn get_state() -> Message {
    Message::Request { tx: tx(), request: Request::GetState(protos::GetState::default()) }
}

fn completed() -> Completed {
    Completed { response: Response::success("done"), event: None }
}

fn ready() -> PeerSide {
    let mut peer = PeerSide::new(BatchLimits::default());
    peer.handle_message(Message::Register { name: "basic:1".into() }).unwrap();
    assert_eq!(peer.poll_action(), Some(PeerAction::Register { name: "basic:1".into() }));
    peer.handle_launched();
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(Message::Registered)));
    let params = Default::default();
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(Message::Ready { params })));
    peer
}

fn running() -> (PeerSide, RunId) {
    let mut peer = ready();
    let run = peer.handle_execute(invocation()).unwrap();
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(Message::Invoke(invocation()))));
    (peer, run)
}

fn serving() -> (PeerSide, RunId, Ticket) {
    let (mut peer, run) = running();
    peer.handle_message(get_state()).unwrap();
    let Some(PeerAction::Serve { ticket, .. }) = peer.poll_action() else { panic!() };
    (peer, run, ticket)
}

#[track_caller]
fn assert_error(peer: &mut PeerSide, text: &str) {
    let message = Message::Error { tx: tx(), text: text.into() };
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(message)));
}

#[track_caller]
fn assert_finish(peer: &mut PeerSide, text: &str) {
    let Some(PeerAction::Finish { outcome, .. }) = peer.poll_action() else { panic!() };
    assert_eq!(outcome.unwrap_err().to_string(), text);
}

#[test]
fn transaction_runs_from_execute_to_completed() {
    let (mut peer, run, ticket) = serving();
    peer.handle_served(ticket, Ok(vec![1]));
    let response = Message::Response { tx: tx(), payload: vec![1] };
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(response)));
    peer.handle_message(Message::Completed { tx: tx(), completed: completed() }).unwrap();
    let outcome = Ok(completed());
    assert_eq!(peer.poll_action(), Some(PeerAction::Finish { tx: tx(), run, outcome }));
    assert!(peer.handle_execute(invocation()).is_ok(), "the same transaction may come again");
}

#[test]
fn failures_have_fabrics_texts() {
    let (mut peer, _, ticket) = serving();
    peer.handle_served(ticket, Err("collection ch/basic/x could not be found".into()));
    assert_error(
        &mut peer,
        "GET_STATE failed: transaction ID: t1: collection ch/basic/x could not be found",
    );
    peer.handle_message(Message::Error { tx: tx(), text: "boom".into() }).unwrap();
    assert_finish(&mut peer, "transaction returned with failure: boom");
}

#[test]
fn transaction_is_not_executed_twice_at_once() {
    let (mut peer, _) = running();
    let error = peer.handle_execute(invocation()).unwrap_err();
    assert_eq!(error.to_string(), "txid: t1(ch) exists");
    let other = InvokeMessage { tx: TxKey::new("other", "t1"), ..invocation() };
    assert!(peer.handle_execute(other).is_ok(), "another channel is another transaction");
}

#[test]
fn request_without_transaction_is_answered_with_error() {
    let mut peer = ready();
    peer.handle_message(get_state()).unwrap();
    assert_error(&mut peer, "GET_STATE failed: transaction ID: t1: no ledger context");
    let request = Request::InvokeChaincode(protos::ChaincodeSpec::default());
    peer.handle_message(Message::Request { tx: tx(), request }).unwrap();
    assert_error(
        &mut peer,
        "INVOKE_CHAINCODE failed: transaction ID: t1: could not get valid transaction",
    );
}

#[test]
fn second_request_at_once_is_answered_with_error() {
    let (mut peer, _, ticket) = serving();
    peer.handle_message(get_state()).unwrap();
    assert_error(
        &mut peer,
        "GET_STATE failed: transaction ID: t1: \
         another request of transaction t1(ch) waits for its answer",
    );
    peer.handle_served(ticket, Ok(Vec::new()));
    let response = Message::Response { tx: tx(), payload: Vec::new() };
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(response)));
}

#[test]
fn timed_out_transaction_stays_taken_until_the_chaincode_ends_it() {
    let (mut peer, run, ticket) = serving();
    peer.handle_timeout(&tx(), run);
    assert_error(&mut peer, "GET_STATE failed: transaction ID: t1: no ledger context");
    assert_finish(&mut peer, "timeout expired while executing transaction");
    peer.handle_served(ticket, Ok(vec![1]));
    assert_eq!(peer.poll_action(), None, "the request has its answer");
    peer.handle_message(get_state()).unwrap();
    assert_error(&mut peer, "GET_STATE failed: transaction ID: t1: no ledger context");
    assert_eq!(peer.handle_execute(invocation()), Err(ProtocolError::TxExists(tx())));
    peer.handle_message(Message::Completed { tx: tx(), completed: completed() }).unwrap();
    assert_eq!(peer.poll_action(), None, "a late end is no end");
    let second = peer.handle_execute(invocation()).unwrap();
    assert_ne!(run, second);
    peer.poll_action();
    peer.handle_timeout(&tx(), run);
    assert_eq!(peer.poll_action(), None, "the timer belonged to the first execution");
}

#[test]
fn completed_while_a_request_is_served_leaves_no_request_unanswered() {
    let (mut peer, _, ticket) = serving();
    peer.handle_message(Message::Completed { tx: tx(), completed: completed() }).unwrap();
    assert_error(&mut peer, "GET_STATE failed: transaction ID: t1: no ledger context");
    assert!(matches!(peer.poll_action(), Some(PeerAction::Finish { outcome: Ok(_), .. })));
    peer.handle_execute(invocation()).unwrap();
    peer.poll_action();
    peer.handle_message(get_state()).unwrap();
    let Some(PeerAction::Serve { ticket: second, .. }) = peer.poll_action() else { panic!() };
    peer.handle_served(ticket, Ok(vec![1]));
    assert_eq!(peer.poll_action(), None, "the old answer is not for the new request");
    peer.handle_served(second, Ok(vec![2]));
    let response = Message::Response { tx: tx(), payload: vec![2] };
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(response)));
}

#[test]
fn end_of_the_stream_finishes_every_execution_once() {
    let (mut peer, _, _ticket) = serving();
    let other = InvokeMessage { tx: TxKey::new("ch", "t2"), ..invocation() };
    let run = peer.handle_execute(other.clone()).unwrap();
    peer.poll_action();
    peer.handle_timeout(&other.tx, run);
    assert_finish(&mut peer, "timeout expired while executing transaction");
    peer.handle_disconnected();
    assert_finish(&mut peer, "chaincode stream terminated");
    peer.handle_disconnected();
    peer.handle_keepalive_due();
    peer.handle_message(get_state()).unwrap();
    assert_eq!(peer.poll_action(), None);
    assert_eq!(peer.handle_execute(invocation()), Err(ProtocolError::StreamTerminated));
}

#[test]
fn wrong_messages_end_the_stream() {
    let mut created = PeerSide::new(BatchLimits::default());
    let error = created.handle_message(get_state()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "[t1] Fabric side handler cannot handle message (GET_STATE) while in created state"
    );
    assert_eq!(created.poll_action(), Some(PeerAction::Close));

    let (mut ready, _) = running();
    let error = ready.handle_message(Message::Register { name: "b".into() }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "[] Fabric side handler cannot handle message (REGISTER) while in ready state"
    );
    assert_finish(&mut ready, "chaincode stream terminated");
    assert_eq!(ready.poll_action(), Some(PeerAction::Close));
}

#[test]
fn second_register_before_the_registry_answers_ends_the_stream() {
    let mut peer = PeerSide::new(BatchLimits::default());
    let register = Message::Register { name: "basic:1".into() };
    peer.handle_message(register.clone()).unwrap();
    assert!(peer.handle_message(register).is_err());
    peer.poll_action();
    assert_eq!(peer.poll_action(), Some(PeerAction::Close));
    peer.handle_launched();
    assert_eq!(peer.poll_action(), None, "the registry's answer is late");
    assert!(!peer.is_ready());
}

#[test]
fn refused_chaincode_is_told_why() {
    let mut peer = PeerSide::new(BatchLimits::default());
    peer.handle_message(Message::Register { name: "basic:1".into() }).unwrap();
    peer.poll_action();
    peer.handle_refused("duplicate chaincodeID: basic:1");
    let text = "duplicate chaincodeID: basic:1".into();
    let message = Message::Error { tx: TxKey::default(), text };
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(message)));
    assert_eq!(peer.poll_action(), Some(PeerAction::Close));
}

#[test]
fn execution_waits_for_nobody() {
    let mut peer = PeerSide::new(BatchLimits::default());
    let error = peer.handle_execute(invocation()).unwrap_err();
    assert_eq!(error.to_string(), "cannot execute transaction t1(ch) in state created");
}

#[test]
fn unreadable_payloads_are_the_trouble_of_their_transaction() {
    let wire = |kind: MessageType| ChaincodeMessage {
        r#type: kind.into(),
        payload: vec![0xff],
        txid: "t1".into(),
        channel_id: "ch".into(),
        ..Default::default()
    };
    let (mut peer, _) = running();
    peer.handle_wire(wire(MessageType::PutState)).unwrap();
    let Some(PeerAction::Send(Message::Error { text, .. })) = peer.poll_action() else { panic!() };
    assert!(text.starts_with("PUT_STATE failed: transaction ID: t1: unmarshal failed: "), "{text}");
    peer.handle_wire(wire(MessageType::Completed)).unwrap();
    assert_finish(&mut peer, "[t1] failed to unmarshal the payload of COMPLETED");
    let nameless = ChaincodeMessage { txid: String::new(), ..wire(MessageType::Transaction) };
    assert!(peer.handle_wire(nameless).is_err());
    assert_eq!(peer.poll_action(), Some(PeerAction::Close));
}

#[test]
fn messages_that_no_chaincode_may_send_end_their_transaction_only() {
    let wire = |kind: i32, payload: &[u8]| ChaincodeMessage {
        r#type: kind,
        payload: payload.to_vec(),
        txid: "t1".into(),
        channel_id: "ch".into(),
        ..Default::default()
    };
    let refused = "Fabric side handler cannot handle message";
    for (kind, payload, text) in [
        (99, &[][..], "[t1] cannot handle message (99)".to_owned()),
        (5, &[0xff], "[t1] failed to unmarshal the payload of TRANSACTION".to_owned()),
        (3, &[], format!("[t1] {refused} (INIT) while in ready state")),
        (13, &[], format!("[t1] {refused} (RESPONSE) while in ready state")),
    ] {
        let (mut peer, _) = running();
        let other = InvokeMessage { tx: TxKey::new("ch", "t2"), ..invocation() };
        peer.handle_execute(other).unwrap();
        peer.poll_action();
        peer.handle_wire(wire(kind, payload)).unwrap();
        assert_error(&mut peer, &text);
        assert_finish(&mut peer, &text);
        assert_eq!(peer.poll_action(), None);
        peer.handle_wire(wire(kind, payload)).unwrap();
        assert_error(&mut peer, &text);
        assert_eq!(peer.poll_action(), None, "it has ended already");
        assert!(peer.is_ready());
    }
}

#[test]
fn what_is_too_large_fails_its_transaction_only() {
    let large = |bytes| InvokeMessage {
        input: protos::ChaincodeInput { args: vec![vec![7; bytes]], ..Default::default() },
        ..invocation()
    };
    let mut peer = PeerSide { limit: SizeLimit(1000), ..ready() };
    peer.state = State::Ready(Executions::new(peer.limit));
    let error = peer.handle_execute(large(1000)).unwrap_err();
    assert!(error.to_string().ends_with("bytes is longer than the limit of 1000 bytes"));
    assert_eq!(peer.poll_action(), None);
    peer.handle_execute(large(900)).unwrap();
    peer.poll_action();
    for (bytes, fits) in [(900, true), (1000, false)] {
        peer.handle_message(get_state()).unwrap();
        let Some(PeerAction::Serve { ticket, .. }) = peer.poll_action() else { panic!() };
        peer.handle_served(ticket, Ok(vec![7; bytes]));
        match peer.poll_action() {
            Some(PeerAction::Send(Message::Response { .. })) => assert!(fits),
            Some(PeerAction::Send(Message::Error { text, .. })) => {
                let begin = "GET_STATE failed: transaction ID: t1: a message (RESPONSE) of ";
                assert!(!fits && text.starts_with(begin), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
    peer.handle_message(get_state()).unwrap();
    let Some(PeerAction::Serve { ticket, .. }) = peer.poll_action() else { panic!() };
    peer.handle_served(ticket, Err("x".repeat(5000)));
    let Some(PeerAction::Send(message)) = peer.poll_action() else { panic!() };
    assert!(message.wire_bytes() <= 1000);
    peer.handle_message(Message::Completed { tx: tx(), completed: completed() }).unwrap();
    assert!(matches!(peer.poll_action(), Some(PeerAction::Finish { outcome: Ok(_), .. })));
}

#[test]
fn a_million_transactions_that_nobody_ends_take_no_more_room_than_the_last_ones() {
    let mut peer = ready();
    let nth = |number: u32| TxKey::new("ch", number.to_string());
    for number in 0..1_000_000 {
        let run = peer.handle_execute(InvokeMessage { tx: nth(number), ..invocation() }).unwrap();
        peer.handle_timeout(&nth(number), run);
        while peer.poll_action().is_some() {}
    }
    let State::Ready(executions) = &peer.state else { panic!() };
    assert_eq!(executions.known(), 10_000);
    let again = |peer: &mut PeerSide, number| {
        peer.handle_execute(InvokeMessage { tx: nth(number), ..invocation() })
    };
    assert!(again(&mut peer, 989_999).is_ok());
    assert_eq!(again(&mut peer, 990_000), Err(ProtocolError::TxExists(nth(990_000))));
}

#[test]
fn keepalive_is_sent_when_due_and_ignored_when_it_comes_back() {
    let mut peer = PeerSide::new(BatchLimits::default());
    peer.handle_keepalive_due();
    assert_eq!(peer.poll_action(), Some(PeerAction::Send(Message::Keepalive)));
    peer.handle_message(Message::Keepalive).unwrap();
    assert_eq!(peer.poll_action(), None);
}
