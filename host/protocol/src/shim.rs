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
mod tests;
