//! One stream to a peer.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost::Message as _;
use tokio::sync::{oneshot, watch};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use crate::budget::{BudgetPart, BudgetShare, StreamBudget};
use crate::error::BridgeError;
use crate::outbox::{Outbox, Recall, SentLarge};
use crate::program::{Program, not_run};
use crate::refusal;
use crate::room::{Admission, RoomStream};
use crate::stop::Stop;
use crate::stream_backend::{Asked, StreamBackend};
use crate::stream_bounds::StreamBounds;
use wasmcc_protocol::{
    Completed, InvokeMessage, Message, ProtocolError, Request, ShimAction, ShimSide, TxKey,
};
use wasmcc_runtime::{BackendError, ErrorKind};
use wasmcc_types::proto::protos::ChaincodeMessage;
use wasmcc_types::{shown, shown_name};

/// Time after REGISTER until a warning. A peer that accepts a registration answers at once;
/// Fabric's peer does not answer one that it refuses.
const REGISTER_PATIENCE: Duration = Duration::from_secs(3);

/// Drives a [`ShimSide`]: receives and sends messages, and runs each transaction as a task.
///
/// Invariant: nothing is sent while the lock is held.
pub struct Session {
    program: Arc<Program>,
    bounds: StreamBounds,
    /// Its share of the program's slots.
    room: RoomStream,
    budget: Arc<StreamBudget>,
    link: Mutex<SessionState>,
    outbox: Outbox,
    /// The number of running transactions.
    running: watch::Sender<usize>,
}

struct SessionState {
    shim: ShimSide,
    /// Running transactions, each with the sender of the answer it awaits. Cancelling removes the
    /// entry, which closes the channel.
    running: HashMap<TxKey, Option<oneshot::Sender<ShimAnswer>>>,
    stopping: bool,
}

type ShimAnswer = Result<Vec<u8>, String>;

/// Work to do after the lock is released.
#[derive(Default)]
struct LeftToDo {
    messages: Vec<Message>,
    calls: Vec<InvokeMessage>,
}

impl Session {
    /// Starts a session on a new stream. Also returns the messages to send, beginning with
    /// REGISTER.
    pub fn open(
        program: Arc<Program>,
        bounds: StreamBounds,
    ) -> (Arc<Self>, impl Stream<Item = ChaincodeMessage>) {
        let (outbox, outgoing) = Outbox::open();
        let mut shim = ShimSide::new(program.announced()).with_message_bytes(bounds.message_bytes);
        if let Some(ShimAction::Send(register)) = shim.poll_action() {
            outbox.begin(register.encode());
        }
        let link = Mutex::new(SessionState { shim, running: HashMap::new(), stopping: false });
        let (running, (room, budget)) = (watch::Sender::new(0), program.join());
        (Arc::new(Self { program, bounds, room, budget, link, outbox, running }), outgoing)
    }

    /// Serves until the peer ends the stream, which is an error, or until `stop` is set and the
    /// running transactions have ended. `opening` returns the stream of the peer's messages.
    pub async fn run<S>(
        self: &Arc<Self>,
        opening: impl Future<Output = Result<S, Status>>,
        stop: Stop,
    ) -> Result<(), BridgeError>
    where
        S: Stream<Item = Result<ChaincodeMessage, Status>> + Unpin,
    {
        let ended = tokio::select! {
            biased;
            ended = self.serve(opening, stop) => Some(ended),
            () = self.outbox.when_unread(self.bounds.unread) => None,
        };
        let work = {
            let mut link = self.lock();
            link.shim.handle_disconnected();
            link.drain()
        };
        let Some(ended) = ended else {
            // The end of the stream cannot be queued: the outbox is full.
            let (id, waited) = (self.program.id().into(), self.bounds.unread);
            return Err(BridgeError::NotRead { id, waited });
        };
        self.perform(work, 0).await;
        self.outbox.end().await;
        ended
    }

    async fn serve<S>(
        self: &Arc<Self>,
        opening: impl Future<Output = Result<S, Status>>,
        mut stop: Stop,
    ) -> Result<(), BridgeError>
    where
        S: Stream<Item = Result<ChaincodeMessage, Status>> + Unpin,
    {
        let id = self.program.id();
        let mut given_up = std::pin::pin!(self.when_not_registered());
        let mut opening = std::pin::pin!(opening);
        let mut stopped = std::pin::pin!(stop.wait());
        let mut inbound = tokio::select! {
            opened = &mut opening => opened.map_err(|status| BridgeError::not_opened(id, &status))?,
            error = &mut given_up => return Err(error),
            () = &mut stopped => return Ok(()),
        };
        let mut running = self.running.subscribe();
        // `wait_for` returns a lock guard, which must not be held across an await.
        let mut idle = async || drop(running.wait_for(|running| *running == 0).await);
        let mut stopping = false;
        loop {
            // The stop has priority, since a busy peer could delay it for ever.
            tokio::select! {
                biased;
                () = &mut stopped, if !stopping => {
                    stopping = true;
                    self.lock().stopping = true;
                }
                () = idle(), if stopping => return Ok(()),
                message = inbound.next() => match message {
                    Some(Ok(wire)) => self.receive(wire).await?,
                    Some(Err(status)) => return Err(BridgeError::lost(id, &status)),
                    None if stopping => return Ok(()),
                    None => return Err(BridgeError::Closed { id: id.into() }),
                },
                error = &mut given_up => return Err(error),
            }
        }
    }

    /// Warns once if the registration takes long. Completes after [`StreamBounds::register`], or
    /// never if the stream is ready by then.
    async fn when_not_registered(&self) -> BridgeError {
        let waited = self.bounds.register;
        let left = waited.saturating_sub(REGISTER_PATIENCE);
        tokio::time::sleep(REGISTER_PATIENCE.min(waited)).await;
        if !self.lock().shim.is_ready() {
            tracing::warn!(
                announced = self.program.id(),
                "the peer has not completed the registration within {} s. A Fabric peer that \
                 expects another package id does not answer: compare the announced id with `peer \
                 lifecycle chaincode queryinstalled`",
                REGISTER_PATIENCE.as_secs()
            );
            tokio::time::sleep(left).await;
            if !self.lock().shim.is_ready() {
                return BridgeError::NotAnswered { id: self.program.id().into(), waited };
            }
        }
        std::future::pending().await
    }

    /// Logs the transactions that have not ended, before the process exits without them.
    pub(crate) fn cut_off(&self) {
        let running: Vec<TxKey> = self.lock().running.keys().cloned().collect();
        for tx in &running {
            self.log_failure(tx, "the process ended before the transaction");
        }
    }

    /// Handles one message from the peer.
    async fn receive(self: &Arc<Self>, wire: ChaincodeMessage) -> Result<(), BridgeError> {
        let bytes = wire.encoded_len();
        let (handled, work) = {
            let mut link = self.lock();
            let was_ready = link.shim.is_ready();
            let handled = link.shim.handle_wire(wire);
            if !was_ready && link.shim.is_ready() {
                tracing::info!(chaincode = self.program.id(), "registered with the peer");
            }
            (handled, link.drain())
        };
        self.perform(work, bytes).await;
        handled.map_err(|error| match error {
            ProtocolError::NotRegistered(reason) => {
                BridgeError::NotRegistered { announced: self.program.id().into(), reason }
            }
            error => BridgeError::Protocol(error),
        })
    }

    /// Starts the calls and sends the messages. `bytes` is the size of the message with the call.
    async fn perform(self: &Arc<Self>, work: LeftToDo, bytes: usize) {
        let mut messages = work.messages;
        for invocation in work.calls {
            let tx = invocation.tx.clone();
            if let Err(refusal) = self.start(invocation, bytes) {
                messages.append(&mut self.complete(tx, Err(refusal)).messages);
            }
        }
        // If the stream is broken, the next read reports it.
        let _ = self.send_all(messages, None).await;
    }

    /// Starts a transaction, or returns the text of ERROR.
    fn start(self: &Arc<Self>, invocation: InvokeMessage, bytes: usize) -> Result<(), String> {
        if self.lock().stopping {
            return Err(not_run("the chaincode server is stopping"));
        }
        let share = self.budget.share();
        share.hold(BudgetPart::Input, bytes)?;
        let admission = self.program.admit(&self.room, &invocation)?;
        self.running.send_modify(|running| *running += 1);
        tokio::spawn(Arc::clone(self).work(admission, invocation, share));
        Ok(())
    }

    /// Runs a transaction from start to end.
    async fn work(
        self: Arc<Self>,
        admission: Admission,
        invocation: InvokeMessage,
        share: Arc<BudgetShare>,
    ) {
        let tx = invocation.tx.clone();
        let outcome = self.execute(admission, invocation, &share).await;
        let held = share.end_with(outcome.as_ref().map_or(0, bytes_of));
        let outcome = outcome.and_then(|completed| held.map(|()| completed));
        let work = self.complete(tx, outcome);
        // If the stream is broken, the result is not needed.
        let _ = self.send_all(work.messages, Some(&share)).await;
        self.running.send_modify(|running| *running -= 1);
    }

    async fn execute(
        self: &Arc<Self>,
        admission: Admission,
        invocation: InvokeMessage,
        share: &Arc<BudgetShare>,
    ) -> Result<Completed, String> {
        let turn = self.program.turn(admission).await?;
        let tx = invocation.tx.clone();
        if turn.has_waited && !self.lock().running.contains_key(&tx) {
            return Err(ProtocolError::StreamTerminated.to_string());
        }
        let backend = self.backend(tx, share);
        self.program.execute(turn, invocation, backend).await
    }

    fn complete(&self, tx: TxKey, outcome: Result<Completed, String>) -> LeftToDo {
        let failure = outcome.as_ref().err().cloned();
        let (is_ready, work) = {
            let mut link = self.lock();
            link.running.remove(&tx);
            link.shim.handle_completed(tx.clone(), outcome);
            (link.shim.is_ready(), link.drain())
        };
        if let (Some(reason), false) = (failure, is_ready) {
            // The stream has ended, so ERROR is not sent.
            self.log_failure(&tx, &reason);
        }
        work
    }

    /// Logs a transaction without a response, in one line.
    fn log_failure(&self, tx: &TxKey, reason: &str) {
        tracing::warn!(
            channel = shown_name(&tx.channel_id),
            tx_id = shown_name(&tx.tx_id),
            chaincode = self.program.id(),
            reason = shown(reason),
            "a transaction failed"
        );
    }

    /// Returns the port of one transaction.
    fn backend(self: &Arc<Self>, tx: TxKey, share: &Arc<BudgetShare>) -> StreamBackend {
        let limits = self.lock().shim.batch_limits();
        let (session, held) = (Arc::clone(self), Arc::clone(share));
        let ask = move |request| -> Asked {
            Box::pin(Arc::clone(&session).ask(tx.clone(), request, Arc::clone(&held)))
        };
        let backend = StreamBackend::new(Arc::new(ask), limits);
        backend.holding(self.program.batch_bytes(), Arc::clone(share))
    }

    async fn ask(
        self: Arc<Self>,
        tx: TxKey,
        request: Request,
        share: Arc<BudgetShare>,
    ) -> Result<Vec<u8>, BackendError> {
        let no_room = |text| BackendError::new(ErrorKind::TransactionOver, text);
        share.hold(BudgetPart::Message, request.encoded_len()).map_err(no_room)?;
        let terminated = || over(&ProtocolError::StreamTerminated);
        let (messages, answer) = {
            let mut link = self.lock();
            link.shim.handle_request(tx.clone(), request).map_err(|error| not_asked(&error))?;
            let (sender, answer) = oneshot::channel();
            *link.running.get_mut(&tx).ok_or_else(terminated)? = Some(sender);
            (link.drain().messages, answer)
        };
        let sent = self.send_all(messages, Some(&share)).await;
        // Drops the payload of a request that is still queued when its transaction is given up.
        let _recall = Recall::new(sent.map_err(|error| over(&error))?);
        match answer.await {
            Ok(Ok(payload)) => {
                share.hold(BudgetPart::Message, payload.len()).map_err(no_room)?;
                Ok(payload)
            }
            // A cancelled transaction also gets an answer here, but not the answer to its request.
            Ok(Err(_)) if !self.lock().running.contains_key(&tx) => Err(terminated()),
            Ok(Err(text)) => Err(BackendError::new(refusal::kind(&text), text)),
            Err(_) => Err(terminated()),
        }
    }

    /// Queues the messages, waiting for room. Returns the last one if it is large.
    async fn send_all(
        &self,
        messages: Vec<Message>,
        share: Option<&Arc<BudgetShare>>,
    ) -> Result<Option<SentLarge>, ProtocolError> {
        let mut last = None;
        for message in messages {
            // ERROR from a chaincode always ends a transaction.
            if let Message::Error { tx, text } = &message
                && !tx.tx_id.is_empty()
            {
                self.log_failure(tx, text);
            }
            last = self.outbox.send(message.encode(), share.cloned()).await?;
        }
        Ok(last)
    }

    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionState {
    /// Performs the actions that need the lock and returns the rest. Must be called after each
    /// `handle_*` before the lock is released, so that all actions belong to that caller.
    fn drain(&mut self) -> LeftToDo {
        let mut work = LeftToDo::default();
        while let Some(action) = self.shim.poll_action() {
            match action {
                ShimAction::Send(message) => work.messages.push(message),
                ShimAction::Invoke(invocation) => {
                    self.running.insert(invocation.tx.clone(), None);
                    work.calls.push(invocation);
                }
                ShimAction::Resume { tx, answer } => {
                    if let Some(waiting) = self.running.get_mut(&tx).and_then(Option::take) {
                        // The receiver may have stopped waiting.
                        let _ = waiting.send(answer);
                    }
                }
                ShimAction::Cancel { tx } => {
                    self.running.remove(&tx);
                }
                // `handle_wire` has returned an error as well.
                ShimAction::Close => {}
            }
        }
        work
    }
}

fn bytes_of(Completed { response, event }: &Completed) -> usize {
    let event = event.as_ref().map_or(0, |event| event.name.len() + event.payload.len());
    response.message.len() + response.payload.len() + event
}

/// A request over the size limit of a message fails like one that the peer refuses as too large.
fn not_asked(error: &ProtocolError) -> BackendError {
    match error {
        ProtocolError::TooLarge { .. } => {
            BackendError::new(ErrorKind::LimitExceeded, error.to_string())
        }
        error => over(error),
    }
}

fn over(error: &ProtocolError) -> BackendError {
    BackendError::new(ErrorKind::TransactionOver, error.to_string())
}
