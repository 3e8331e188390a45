//! The chaincode's half of a stream.

use std::collections::VecDeque;

use crate::invocations::Invocations;
use crate::size_limit::{MESSAGE_BYTES, SizeLimit};
use crate::{
    BatchLimits, Completed, InvokeMessage, Message, MessageType, ProtocolError, Request, TxKey,
};
use wasmcc_types::proto::protos::ChaincodeMessage;

/// The chaincode's half of one stream: created -REGISTERED-> established -READY-> ready, then any
/// number of invocations at once, each with one request at a time. It follows `shim/handler.go` of
/// fabric-chaincode-go, except:
/// - An answer without a waiting request is ignored; the Go shim ends the stream.
/// - A transaction that arrives again while it runs is answered with ERROR, and the running
///   invocation is cancelled without a message to the peer. The Go shim runs both and mixes their
///   answers. For the peer the transaction has ended in both cases: it has given up the first
///   execution, or it reads the ERROR as its end.
/// - A message about one transaction for which the Go shim ends the stream ends only that
///   transaction. The same holds for a message of the chaincode that is too large. A request that
///   is too large fails.
#[derive(Debug)]
pub struct ShimSide {
    state: State,
    limit: SizeLimit,
    actions: VecDeque<ShimAction>,
}

/// An action for the driver of a [`ShimSide`].
#[derive(Clone, Debug, PartialEq)]
pub enum ShimAction {
    /// Send this to the peer, if the stream is still open.
    Send(Message),
    /// Run the chaincode, then call `handle_completed` exactly once.
    Invoke(InvokeMessage),
    /// The answer to `handle_request`: the payload of RESPONSE, or the text of ERROR.
    Resume {
        /// The waiting transaction.
        tx: TxKey,
        /// Its answer.
        answer: Result<Vec<u8>, String>,
    },
    /// Stop this invocation: its result is not needed.
    Cancel {
        /// The running transaction.
        tx: TxKey,
    },
    /// Close the stream after all messages are sent.
    Close,
}

#[derive(Debug)]
enum State {
    /// Waiting for REGISTERED.
    Created,
    /// Waiting for READY.
    Established,
    Ready(BatchLimits, Invocations),
    Closed,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Established => "established",
            Self::Ready(..) => "ready",
            Self::Closed => "closed",
        }
    }
}

impl ShimSide {
    /// Creates the state of a new stream for the chaincode `name`, with messages of at most
    /// [`MESSAGE_BYTES`]. The first action sends REGISTER.
    pub fn new(name: impl Into<String>) -> Self {
        let register = ShimAction::Send(Message::Register { name: name.into() });
        let (limit, actions) = (SizeLimit(MESSAGE_BYTES), VecDeque::from([register]));
        Self { state: State::Created, limit, actions }
    }

    /// Limits messages to `bytes`.
    pub fn with_message_bytes(self, bytes: usize) -> Self {
        Self { limit: SizeLimit(bytes), ..self }
    }

    /// Removes the size limit, for messages that stay in the process and are not encoded.
    pub fn in_process(self) -> Self {
        self.with_message_bytes(usize::MAX)
    }

    /// Returns the next action, in order. None: nothing to do until the next `handle_*`.
    pub fn poll_action(&mut self) -> Option<ShimAction> {
        self.actions.pop_front()
    }

    /// Returns whether the peer has sent READY and the stream has not ended.
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready(..))
    }

    /// Returns the limits that READY announced; before it, no support.
    pub fn batch_limits(&self) -> BatchLimits {
        match self.state {
            State::Ready(limits, _) => limits,
            _ => BatchLimits::default(),
        }
    }

    /// Handles a message. An error is the reason why the stream ends; the driver still has to poll
    /// the actions.
    pub fn handle_message(&mut self, message: Message) -> Result<(), ProtocolError> {
        match (&mut self.state, message) {
            (State::Closed, _) => {}
            (_, Message::Keepalive) => {
                self.actions.push_back(ShimAction::Send(Message::Keepalive));
            }
            (State::Created, Message::Registered) => self.state = State::Established,
            (State::Created, Message::Error { text, .. }) => {
                return Err(self.end(ProtocolError::NotRegistered(text)));
            }
            (State::Established, Message::Ready { params }) => {
                let limits = BatchLimits::from_params(&params);
                self.state = State::Ready(limits, Invocations::new(self.limit));
            }
            (State::Ready(_, invocations), Message::Invoke(invocation)) => {
                invocations.start(invocation, &mut self.actions);
            }
            (State::Ready(_, invocations), Message::Response { tx, payload }) => {
                invocations.answer(tx, Ok(payload), &mut self.actions);
            }
            (State::Ready(_, invocations), Message::Error { tx, text }) => {
                invocations.answer(tx, Err(text), &mut self.actions);
            }
            (state, message) => {
                let (kind, name) = (message.kind(), state.name());
                let named = message.named_tx().cloned();
                let tx = message.tx().cloned().unwrap_or_default();
                let error = ProtocolError::RefusedByShim { tx, kind, state: name };
                match (state, named) {
                    (State::Ready(_, invocations), Some(tx)) => {
                        invocations.refuse(tx, error.to_string(), &mut self.actions);
                    }
                    _ => return Err(self.end(error)),
                }
            }
        }
        Ok(())
    }

    /// As `handle_message`, for a message from the wire. Input that cannot be decoded fails its
    /// transaction, not the stream (`shim/handler.go`, `handleTransaction`). The same holds for any
    /// other message that names a transaction.
    pub fn handle_wire(&mut self, wire: ChaincodeMessage) -> Result<(), ProtocolError> {
        let error = match Message::decode(wire) {
            Ok(message) => return self.handle_message(message),
            Err(error) => error,
        };
        match (&mut self.state, error) {
            (State::Closed, _) => Ok(()),
            (
                State::Ready(_, invocations),
                ProtocolError::Malformed {
                    tx,
                    kind: MessageType::Init | MessageType::Transaction,
                    source,
                },
            ) => {
                let text = format!("failed to unmarshal input: {source}");
                invocations.refuse(tx, text, &mut self.actions);
                Ok(())
            }
            (State::Ready(_, invocations), error) if error.of_transaction().is_some() => {
                let tx = error.of_transaction().cloned().unwrap_or_default();
                invocations.refuse(tx, error.to_string(), &mut self.actions);
                Ok(())
            }
            (_, error) => Err(self.end(error)),
        }
    }

    /// Sends a request of an invocation. `Ok`: the answer follows as `ShimAction::Resume`. `Err`:
    /// there will be no answer; after [`ProtocolError::TooLarge`] the invocation may send other
    /// requests.
    pub fn handle_request(&mut self, tx: TxKey, request: Request) -> Result<(), ProtocolError> {
        match &mut self.state {
            State::Ready(_, invocations) => invocations.request(tx, request, &mut self.actions),
            State::Closed => Err(ProtocolError::StreamTerminated),
            _ => Err(ProtocolError::NotRunning(tx)),
        }
    }

    /// Ends an invocation with the chaincode's result or, if there is none (a trap), with the text
    /// of ERROR. Nothing is sent if the invocation was cancelled.
    pub fn handle_completed(&mut self, tx: TxKey, outcome: Result<Completed, String>) {
        if let State::Ready(_, invocations) = &mut self.state {
            invocations.complete(tx, outcome, &mut self.actions);
        }
    }

    /// Handles the end of the stream: answers every request with an error and cancels every
    /// invocation.
    pub fn handle_disconnected(&mut self) {
        if let State::Ready(_, invocations) = std::mem::replace(&mut self.state, State::Closed) {
            invocations.terminate(&mut self.actions);
        }
    }

    fn end(&mut self, error: ProtocolError) -> ProtocolError {
        let tx = error.tx().cloned().unwrap_or_default();
        let message = self.limit.error(tx, error.to_string());
        self.actions.push_back(ShimAction::Send(message));
        self.handle_disconnected();
        self.actions.push_back(ShimAction::Close);
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
        let put = |bytes| {
            Request::PutState(protos::PutState { value: vec![7; bytes], ..Default::default() })
        };
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
        let Some(ShimAction::Send(Message::Error { text, .. })) = shim.poll_action() else {
            panic!()
        };
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
}
