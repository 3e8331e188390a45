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
mod tests;
