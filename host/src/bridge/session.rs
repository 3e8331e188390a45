//! One stream to a peer.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use crate::bridge::error::BridgeError;
use crate::bridge::program::Program;
use crate::bridge::refusal;
use crate::bridge::stop::Stop;
use crate::bridge::stream_backend::StreamBackend;
use crate::proto::protos::ChaincodeMessage;
use crate::protocol::{
    Completed, Invocation, Message, ProtocolError, Request, ShimAction, ShimSide, TxKey, is_nested,
};
use crate::runtime::{BackendError, ErrorKind, Failure};

/// Messages that may wait for the peer to read. Who sends more waits too.
const OUTBOX_MESSAGES: usize = 64;
/// A peer that accepts a registration does so at once; Fabric's leaves one that it does not want
/// without an answer.
const REGISTER_PATIENCE: Duration = Duration::from_secs(3);

/// Drives a [`ShimSide`]: messages come in and go out here, transactions run on the program's
/// worker threads and wait there for answers.
///
/// Invariant: no guest code on asynchronous threads, and nothing is sent while the lock is held.
pub struct Session {
    program: Arc<Program>,
    link: Mutex<Link>,
    /// None is the end of the stream.
    outbox: mpsc::Sender<Option<ChaincodeMessage>>,
    /// Transactions that were taken and have not ended.
    running: watch::Sender<usize>,
}

struct Link {
    shim: ShimSide,
    /// Where the answers go. Who is cancelled is taken out, and so learns of it.
    waiting: HashMap<TxKey, SyncSender<Answer>>,
    stopping: bool,
}

type Answer = Result<Vec<u8>, String>;

/// What remains to be done when the lock is given back.
#[derive(Default)]
struct Work {
    messages: Vec<Message>,
    calls: Vec<(Invocation, Receiver<Answer>)>,
}

impl Session {
    /// A stream that has just been opened, and what to send on it, beginning with REGISTER.
    pub fn open(program: Arc<Program>) -> (Arc<Self>, impl Stream<Item = ChaincodeMessage>) {
        let (outbox, outgoing) = mpsc::channel(OUTBOX_MESSAGES);
        let mut shim = ShimSide::new(program.id());
        if let Some(ShimAction::Send(register)) = shim.poll_action() {
            // The outbox is empty.
            let _ = outbox.try_send(Some(register.encode()));
        }
        let link = Mutex::new(Link { shim, waiting: HashMap::new(), stopping: false });
        let running = watch::Sender::new(0);
        let outgoing = ReceiverStream::new(outgoing).map_while(|message| message);
        (Arc::new(Self { program, link, outbox, running }), outgoing)
    }

    /// Serves until the peer ends the stream, which is an error, or until `stop` and the end of the
    /// transactions that run then. `opening` gives the peer's half.
    pub async fn run<S>(
        self: &Arc<Self>,
        opening: impl Future<Output = Result<S, Status>>,
        stop: Stop,
    ) -> Result<(), BridgeError>
    where
        S: Stream<Item = Result<ChaincodeMessage, Status>> + Unpin,
    {
        let ended = self.serve(opening, stop).await;
        let work = {
            let mut link = self.lock();
            link.shim.handle_disconnected();
            link.drain()
        };
        self.perform(work).await;
        // Nobody may be there to read it.
        let _ = self.outbox.send(None).await;
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
        let mut patience = std::pin::pin!(self.warn_when_not_registered());
        let mut opening = std::pin::pin!(opening);
        let mut inbound = loop {
            tokio::select! {
                opened = &mut opening => break opened.map_err(|status| self.lost(status))?,
                () = &mut patience => {}
                () = stop.wait() => return Ok(()),
            }
        };
        let mut running = self.running.subscribe();
        // What `wait_for` gives is a lock, which must not live across an await.
        let mut idle = async || drop(running.wait_for(|running| *running == 0).await);
        let mut stopping = false;
        loop {
            tokio::select! {
                message = inbound.next() => match message {
                    Some(Ok(wire)) => self.receive(wire).await?,
                    Some(Err(status)) => return Err(self.lost(status)),
                    None if stopping => return Ok(()),
                    None => return Err(BridgeError::Closed { id: self.program.id().into() }),
                },
                () = &mut patience => {}
                () = stop.wait(), if !stopping => {
                    stopping = true;
                    self.lock().stopping = true;
                }
                () = idle(), if stopping => return Ok(()),
            }
        }
    }

    /// Says once what may be wrong, then never completes.
    async fn warn_when_not_registered(&self) {
        tokio::time::sleep(REGISTER_PATIENCE).await;
        if !self.lock().shim.is_ready() {
            tracing::warn!(
                announced = self.program.id(),
                "the peer has not gone on after REGISTER for {} s. A Fabric peer that expects \
                 another package id says nothing and hangs: compare the announced id with `peer \
                 lifecycle chaincode queryinstalled`",
                REGISTER_PATIENCE.as_secs()
            );
        }
        std::future::pending().await
    }

    fn lost(&self, status: Status) -> BridgeError {
        BridgeError::Status { id: self.program.id().into(), source: Box::new(status) }
    }

    /// Takes one message of the peer.
    async fn receive(self: &Arc<Self>, wire: ChaincodeMessage) -> Result<(), BridgeError> {
        let (handled, work) = {
            let mut link = self.lock();
            let was_ready = link.shim.is_ready();
            let handled = link.shim.handle_wire(wire);
            if !was_ready && link.shim.is_ready() {
                tracing::info!(chaincode = self.program.id(), "registered with the peer");
            }
            (handled, link.drain())
        };
        self.perform(work).await;
        handled.map_err(|error| match error {
            ProtocolError::NotRegistered(reason) => {
                BridgeError::NotRegistered { announced: self.program.id().into(), reason }
            }
            error => BridgeError::Protocol(error),
        })
    }

    async fn perform(self: &Arc<Self>, work: Work) {
        let mut messages = work.messages;
        for (invocation, answers) in work.calls {
            let tx = invocation.tx.clone();
            if let Err(refusal) = self.start(invocation, answers) {
                messages.append(&mut self.complete(tx, Err(refusal)).messages);
            }
        }
        for message in messages {
            // A stream that is gone ends with the next thing that is read.
            let _ = self.outbox.send(Some(message.encode())).await;
        }
    }

    /// Queues a transaction for a worker.
    fn start(
        self: &Arc<Self>,
        invocation: Invocation,
        answers: Receiver<Answer>,
    ) -> Result<(), String> {
        if self.lock().stopping {
            return Err(not_run("the chaincode server is stopping"));
        }
        let session = Arc::clone(self);
        self.running.send_modify(|running| *running += 1);
        let (workers, nested) = (self.program.workers(), is_nested(&invocation));
        let work = move || session.work(invocation, answers);
        // All workers may be waiting for such calls.
        let started = if nested { workers.start_aside(work) } else { workers.start(work) };
        started.map_err(|busy| {
            self.running.send_modify(|running| *running -= 1);
            not_run(&busy.to_string())
        })
    }

    /// Runs a transaction from beginning to end, on a worker.
    fn work(self: Arc<Self>, invocation: Invocation, answers: Receiver<Answer>) {
        let tx = invocation.tx.clone();
        let backend = self.backend(tx.clone(), answers);
        // A panic in here must end this transaction, and the peer must hear of it.
        let run = || self.program.execute(invocation, &backend);
        let outcome = catch_unwind(AssertUnwindSafe(run));
        let outcome = outcome.unwrap_or_else(|_| Err("panic during execution".into()));
        let work = self.complete(tx, outcome);
        // If the stream is gone, so is who waits for it.
        let _ = self.send_all(work.messages);
        self.running.send_modify(|running| *running -= 1);
    }

    fn complete(&self, tx: TxKey, outcome: Result<Completed, String>) -> Work {
        let mut link = self.lock();
        link.waiting.remove(&tx);
        link.shim.handle_completed(tx, outcome);
        link.drain()
    }

    /// The port of one transaction, whose time begins here.
    fn backend(self: &Arc<Self>, tx: TxKey, answers: Receiver<Answer>) -> StreamBackend {
        let limits = self.lock().shim.batch_limits();
        let session = Arc::clone(self);
        let deadline = Instant::now() + self.program.execute_timeout();
        let ask = move |request| session.ask(&tx, request, &answers, deadline);
        StreamBackend::new(Box::new(ask), limits)
    }

    fn ask(
        &self,
        tx: &TxKey,
        request: Request,
        answers: &Receiver<Answer>,
        deadline: Instant,
    ) -> Result<Vec<u8>, BackendError> {
        let work = {
            let mut link = self.lock();
            link.shim.handle_request(tx.clone(), request).map_err(|error| over(&error))?;
            link.drain()
        };
        let terminated = over(&ProtocolError::StreamTerminated);
        if self.send_all(work.messages).is_err() {
            return Err(terminated);
        }
        match answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(payload)) => Ok(payload),
            // Who is cancelled while it waits gets an answer too, but none to its request.
            Ok(Err(_)) if !self.lock().waiting.contains_key(tx) => Err(terminated),
            Ok(Err(text)) => Err(BackendError::new(refusal::kind(&text), text)),
            Err(RecvTimeoutError::Timeout) => Err(over(&ProtocolError::Timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(terminated),
        }
    }

    /// For workers: waits for room.
    fn send_all(&self, messages: Vec<Message>) -> Result<(), ProtocolError> {
        for message in messages {
            let sent = self.outbox.blocking_send(Some(message.encode()));
            sent.map_err(|_| ProtocolError::StreamTerminated)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// Does what needs the lock and gives the rest. Whoever called a `handle_*` calls this before
    /// it gives the lock back, so all actions are its own.
    fn drain(&mut self) -> Work {
        let mut work = Work::default();
        while let Some(action) = self.shim.poll_action() {
            match action {
                ShimAction::Send(message) => work.messages.push(message),
                ShimAction::Invoke(invocation) => {
                    // One request at a time, so one answer.
                    let (sender, answers) = sync_channel(1);
                    self.waiting.insert(invocation.tx.clone(), sender);
                    work.calls.push((invocation, answers));
                }
                ShimAction::Resume { tx, answer } => {
                    if let Some(waiting) = self.waiting.get(&tx) {
                        // Who gave up waiting does not read it.
                        let _ = waiting.try_send(answer);
                    }
                }
                ShimAction::Cancel { tx } => {
                    self.waiting.remove(&tx);
                }
                // An error of `handle_wire` says the same.
                ShimAction::Close => {}
            }
        }
        work
    }
}

/// Other peers' servers may have run it, and the text lets the embedded peer know.
fn not_run(why: &str) -> String {
    Failure::Host(why.to_owned()).to_string()
}

fn over(error: &ProtocolError) -> BackendError {
    BackendError::new(ErrorKind::TransactionOver, error.to_string())
}
