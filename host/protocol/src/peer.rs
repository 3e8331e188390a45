//! The peer's half of a chaincode stream.

use std::collections::VecDeque;

use crate::executions::Executions;
use crate::size_limit::{MESSAGE_BYTES, SizeLimit};
use crate::{
    BatchLimits, Completed, InvokeMessage, Message, MessageType, ProtocolError, Request, TxKey,
};
use wasmcc_types::proto::protos::ChaincodeMessage;

/// The peer's half of one chaincode stream: created -REGISTER-> established -launched-> ready, then
/// any number of executions at once. It follows `core/chaincode/handler.go` of Fabric 2.x, except
/// where Fabric would let a caller wait for ever:
/// - A second request of a transaction whose first one is still being served is answered with
///   ERROR; Fabric drops it.
/// - A message about one transaction for which Fabric ends the stream is answered with ERROR and
///   ends that transaction.
/// - A refused registration is answered with ERROR and ends the stream; Fabric leaves it open.
/// - After a timeout Fabric forgets the transaction. If it is executed again, the late end of the
///   first execution ends the second, with reads of both. Here a transaction cannot be executed
///   again on this stream until the chaincode has ended the first execution.
#[derive(Debug)]
pub struct PeerSide {
    state: State,
    batch_limits: BatchLimits,
    limit: SizeLimit,
    actions: VecDeque<PeerAction>,
}

/// An action for the driver of a [`PeerSide`].
#[derive(Debug, PartialEq)]
pub enum PeerAction {
    /// Send this to the chaincode, if the stream is still open.
    Send(Message),
    /// Look the name up in the registry, then call `handle_launched` or `handle_refused`.
    Register {
        /// The id that the chaincode sent.
        name: String,
    },
    /// Serve a request and answer it with `handle_served`.
    Serve {
        /// The argument of `handle_served`.
        ticket: Ticket,
        /// The request of the chaincode.
        request: Request,
    },
    /// The end of an execution, reported once for each that `handle_execute` accepted. The driver
    /// closes its open iterators.
    Finish {
        /// The transaction.
        tx: TxKey,
        /// The execution of the transaction.
        run: RunId,
        /// The result. An error response of the chaincode is `Ok` as well; the errors are
        /// `Returned`, `Malformed`, `UnknownType`, `RefusedByPeer`, `Timeout` and
        /// `StreamTerminated`.
        outcome: Result<Completed, ProtocolError>,
    },
    /// Close the stream after all messages are sent.
    Close,
}

/// An execution of a transaction. A transaction may be executed again after its end, and events of
/// the first execution must not affect the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub(super) u64);

/// The right to answer one request, once.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(super) tx: TxKey,
    pub(super) run: RunId,
}

impl Ticket {
    /// Returns the transaction of the request.
    pub fn tx(&self) -> &TxKey {
        &self.tx
    }

    /// Returns the execution of the transaction.
    pub fn run(&self) -> RunId {
        self.run
    }
}

#[derive(Debug)]
enum State {
    /// Waiting for REGISTER.
    Created,
    /// Waiting for the registry.
    Established,
    Ready(Executions),
    Closed,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Established => "established",
            Self::Ready(_) => "ready",
            Self::Closed => "closed",
        }
    }
}

impl PeerSide {
    /// Creates the state of a new stream, for messages of at most [`MESSAGE_BYTES`]. READY
    /// announces `batch_limits`; by default it is empty, as in Fabric 2.x.
    pub fn new(batch_limits: BatchLimits) -> Self {
        let limit = SizeLimit(MESSAGE_BYTES);
        Self { state: State::Created, batch_limits, limit, actions: VecDeque::new() }
    }

    /// Removes the size limit, for messages that stay in the process and are not encoded.
    pub fn in_process(self) -> Self {
        Self { limit: SizeLimit(usize::MAX), ..self }
    }

    /// Returns the next action, in order. None: nothing to do until the next `handle_*`.
    pub fn poll_action(&mut self) -> Option<PeerAction> {
        self.actions.pop_front()
    }

    /// Returns whether executions are accepted.
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready(_))
    }

    /// Handles a message. An error is the reason why the stream ends; the driver still has to poll
    /// the actions.
    pub fn handle_message(&mut self, message: Message) -> Result<(), ProtocolError> {
        match (&mut self.state, message) {
            (State::Closed, _) | (_, Message::Keepalive) => {}
            (State::Created, Message::Register { name }) => {
                self.state = State::Established;
                self.actions.push_back(PeerAction::Register { name });
            }
            (State::Ready(executions), Message::Completed { tx, completed }) => {
                executions.finish(tx, Ok(completed), &mut self.actions);
            }
            (State::Ready(executions), Message::Error { tx, text }) => {
                executions.finish(tx, Err(ProtocolError::Returned(text)), &mut self.actions);
            }
            (State::Ready(executions), Message::Request { tx, request }) => {
                executions.request(tx, request.kind(), Ok(request), &mut self.actions);
            }
            (state, message) => {
                let (kind, name) = (message.kind(), state.name());
                let named = message.named_tx().cloned();
                let tx = message.tx().cloned().unwrap_or_default();
                let error = ProtocolError::RefusedByPeer { tx, kind, state: name };
                match (state, named) {
                    (State::Ready(executions), Some(tx)) => {
                        executions.refuse(tx, error, &mut self.actions);
                    }
                    _ => return Err(self.end(error)),
                }
            }
        }
        Ok(())
    }

    /// As `handle_message`, for a message from the wire. A payload that cannot be decoded, or an
    /// unknown type, fails its transaction, not the stream.
    pub fn handle_wire(&mut self, wire: ChaincodeMessage) -> Result<(), ProtocolError> {
        let error = match Message::decode(wire) {
            Ok(message) => return self.handle_message(message),
            Err(error) => error,
        };
        match (&mut self.state, error) {
            (State::Closed, _) => Ok(()),
            (
                State::Ready(executions),
                ProtocolError::Malformed { tx, kind: kind @ MessageType::Completed, source },
            ) => {
                let error = ProtocolError::Malformed { tx: tx.clone(), kind, source };
                executions.finish(tx, Err(error), &mut self.actions);
                Ok(())
            }
            (State::Ready(executions), ProtocolError::Malformed { tx, kind, source })
                if Request::is_request(kind) =>
            {
                let cause = format!("unmarshal failed: {source}");
                executions.request(tx, kind, Err(cause), &mut self.actions);
                Ok(())
            }
            (State::Ready(executions), error) if error.of_transaction().is_some() => {
                let tx = error.of_transaction().cloned().unwrap_or_default();
                executions.refuse(tx, error, &mut self.actions);
                Ok(())
            }
            (_, error) => Err(self.end(error)),
        }
    }

    /// Records that the registry accepted the name of `PeerAction::Register`. Ignored if the stream
    /// has ended meanwhile.
    pub fn handle_launched(&mut self) {
        if let State::Established = self.state {
            let params = self.batch_limits.to_params();
            self.actions.push_back(PeerAction::Send(Message::Registered));
            self.actions.push_back(PeerAction::Send(Message::Ready { params }));
            self.state = State::Ready(Executions::new(self.limit));
        }
    }

    /// Records that the registry refused the name of `PeerAction::Register`, with its reason, such
    /// as "duplicate chaincodeID: basic:1.0". Ignored if the stream has ended meanwhile.
    pub fn handle_refused(&mut self, reason: &str) {
        if let State::Established = self.state {
            let message = self.limit.error(TxKey::default(), reason.to_owned());
            self.actions.push_back(PeerAction::Send(message));
            self.actions.push_back(PeerAction::Close);
            self.state = State::Closed;
        }
    }

    /// Starts a transaction. It ends with one `PeerAction::Finish`, unless it is refused here
    /// because it is running already or is too large for a message.
    pub fn handle_execute(&mut self, invocation: InvokeMessage) -> Result<RunId, ProtocolError> {
        match &mut self.state {
            State::Ready(executions) => executions.execute(invocation, &mut self.actions),
            State::Closed => Err(ProtocolError::StreamTerminated),
            state => Err(ProtocolError::NotReady { tx: invocation.tx, state: state.name() }),
        }
    }

    /// Answers `PeerAction::Serve` with the payload of RESPONSE, or with the cause of the failure,
    /// which is sent as `failure_text` formats it. Ignored if the execution has ended meanwhile.
    pub fn handle_served(&mut self, ticket: Ticket, answer: Result<Vec<u8>, String>) {
        if let State::Ready(executions) = &mut self.state {
            executions.served(ticket, answer, &mut self.actions);
        }
    }

    /// Ends an execution that has exceeded its time. Ignored if it has ended meanwhile. The
    /// protocol has no message for that, so the chaincode continues; its further requests are
    /// answered with ERROR.
    pub fn handle_timeout(&mut self, tx: &TxKey, run: RunId) {
        if let State::Ready(executions) = &mut self.state {
            executions.give_up(tx, run, ProtocolError::Timeout, &mut self.actions);
        }
    }

    /// Sends a keepalive. The echo is not awaited (`core/chaincode/handler.go`, `ProcessStream`).
    pub fn handle_keepalive_due(&mut self) {
        if !matches!(self.state, State::Closed) {
            self.actions.push_back(PeerAction::Send(Message::Keepalive));
        }
    }

    /// Handles the end of the stream and finishes every open execution.
    pub fn handle_disconnected(&mut self) {
        if let State::Ready(executions) = std::mem::replace(&mut self.state, State::Closed) {
            executions.terminate(&mut self.actions);
        }
    }

    fn end(&mut self, error: ProtocolError) -> ProtocolError {
        self.handle_disconnected();
        self.actions.push_back(PeerAction::Close);
        error
    }
}

#[cfg(test)]
mod tests {
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
        let Some(PeerAction::Send(Message::Error { text, .. })) = peer.poll_action() else {
            panic!()
        };
        assert!(
            text.starts_with("PUT_STATE failed: transaction ID: t1: unmarshal failed: "),
            "{text}"
        );
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
            let run =
                peer.handle_execute(InvokeMessage { tx: nth(number), ..invocation() }).unwrap();
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
}
