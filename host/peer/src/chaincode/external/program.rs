//! One program behind one stream.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::select;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::chaincode::caught::caught;
use crate::chaincode::external::error::{Congested, RegistrationError};
use crate::chaincode::external::outgoing::Outgoing;
use crate::chaincode::external::requests::Served;
use crate::chaincode::external::{ExternalConfig, Outbox, Requests};
use crate::chaincode::timer::within;
use wasmcc_protocol::{
    Completed, InvokeMessage, Message, PeerAction, PeerSide, ProtocolError, Request, RunId, Ticket,
    TxKey,
};
use wasmcc_runtime::{Backend, BackendError, ErrorKind};
use wasmcc_types::proto::protos::ChaincodeMessage;
use wasmcc_types::shown;

/// The answer to a request whose service panicked.
const PANICKED: &str = "panic during execution";

/// The object that owns admitted programs, and ends them when it is dropped.
pub(crate) type Owner = Arc<dyn Any + Send + Sync>;

/// Decides whether a program may register.
pub(crate) trait Registrar: Send + Sync {
    /// Returns the owner of admitted programs, while it exists.
    fn owner(&self) -> Option<Owner>;

    /// Checks the id in REGISTER; returns the name of the program. `said` may contain a secret, so
    /// it must not be logged or be part of an error.
    fn admit(&self, said: &str) -> Result<String, RegistrationError>;

    /// Registers an admitted program. The program is not usable before this returns, and must not
    /// be called here.
    fn enter(&self, name: &str, program: &Arc<ExternalProgram>) -> Result<(), RegistrationError>;
}

/// A chaincode in another process, which is ready for transactions after it has registered. It
/// belongs to one stream: another stream is another program.
pub(crate) struct ExternalProgram {
    link: Mutex<Link>,
    /// A copy for the registry, which must not take the lock of `link`.
    open: AtomicBool,
    /// Used at most once, then dropped: it may refer to the owner of the program.
    registrar: Mutex<Option<Box<dyn Registrar>>>,
}

/// The peer's half of the stream. The holder of the lock performs all actions before it releases
/// the lock.
struct Link {
    peer: PeerSide,
    /// None after the stream has ended, or after this peer has closed it.
    outgoing: Option<Outgoing>,
    /// The receivers of the events of executions.
    runs: HashMap<RunId, UnboundedSender<RunEvent>>,
    /// True if the stream should end with the last execution.
    stopping: bool,
}

/// The end of an execution.
type RunEnd = Result<Completed, ProtocolError>;

/// An event of an execution: at most one request at a time, and one end.
enum RunEvent {
    Serve(Ticket, Request),
    Finish(RunEnd),
}

/// The reason why an execution has no result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RunError {
    /// It did not begin: too many messages wait to be read by the program.
    Congested(Congested),
    /// It did not begin.
    Refused(ProtocolError),
    /// It ended without a response.
    Ended(ProtocolError),
}

/// An execution. Dropping this removes it from the link, as a timeout does.
struct OpenRun<'a> {
    program: &'a ExternalProgram,
    tx: TxKey,
    run: RunId,
    events: UnboundedReceiver<RunEvent>,
}

/// The driver's handle of a stream: passes on received messages. Dropping this ends the stream.
pub struct ExternalStream {
    program: Arc<ExternalProgram>,
    keepalive: Option<Duration>,
}

impl ExternalProgram {
    /// Returns true if the stream is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Runs one transaction, at most until `deadline`. Meanwhile `requests` answers the program's
    /// requests. The end of the stream and the deadline also end a request that is being answered.
    /// Dropping the future ends the transaction.
    pub(crate) async fn execute<B: Backend>(
        &self,
        invocation: InvokeMessage,
        deadline: Instant,
        requests: &mut Requests<B>,
    ) -> Result<Completed, RunError> {
        let mut run = self.begin(invocation)?;
        let outcome = match within(deadline, run.follow(requests)).await {
            Ok(outcome) => outcome,
            Err(_) => run.time_out(),
        };
        outcome.map_err(RunError::Ended)
    }

    fn begin(&self, invocation: InvokeMessage) -> Result<OpenRun<'_>, RunError> {
        let (sender, events) = unbounded_channel();
        let tx = invocation.tx.clone();
        self.with(|link| {
            if let Some(outgoing) = &mut link.outgoing {
                outgoing.admit(&invocation, link.runs.len()).map_err(RunError::Congested)?;
            }
            let run = link.peer.handle_execute(invocation).map_err(RunError::Refused)?;
            link.runs.insert(run, sender);
            Ok(OpenRun { program: self, tx, run, events })
        })
    }

    /// Ends the stream.
    pub(crate) fn close(&self) {
        self.with(|link| {
            link.outgoing = None;
            link.peer.handle_disconnected();
        });
    }

    /// Changes the link and performs the resulting actions.
    fn with<T>(&self, change: impl FnOnce(&mut Link) -> T) -> T {
        let mut link = self.lock();
        let result = change(&mut link);
        self.act(&mut link);
        result
    }

    /// Performs all actions. Returns the id of a program that has just sent REGISTER.
    fn act(&self, link: &mut Link) -> Option<String> {
        // Callers that are informed of the end may retry at once and must not find the stream open.
        if link.outgoing.is_none() {
            self.open.store(false, Ordering::Release);
        }
        let name = link.act();
        self.open.store(link.outgoing.is_some(), Ordering::Release);
        name
    }

    fn register(self: &Arc<Self>, said: &str) {
        let registrar = self.registrar.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A program can register only once.
        let Some(registrar) = registrar else { return };
        let admitted = registrar.admit(said);
        // Held until the link is unlocked: dropping the last reference to the owner ends this
        // program, too.
        let _owner = registrar.owner();
        let mut link = self.lock();
        // Registered and made ready under one lock, so that no caller uses it in between.
        let entered = |name: String| registrar.enter(&name, self).map(|()| name);
        match admitted.and_then(entered) {
            Ok(name) => {
                tracing::info!(chaincode = name, "registered");
                link.peer.handle_launched();
            }
            Err(error) => {
                let reason = error.to_string();
                tracing::warn!(reason = shown(&reason), "registration refused");
                link.peer.handle_refused(&reason);
            }
        }
        self.act(&mut link);
    }

    /// Answers a request, if the answer fits.
    fn answer(&self, ticket: Ticket, answer: Served) -> Result<(), Congested> {
        self.with(|link| {
            let room = match (&mut link.outgoing, &answer) {
                (Some(outgoing), Ok(payload)) => outgoing.admit_bytes(payload.len()),
                _ => Ok(()),
            };
            let served = match &room {
                Ok(()) => answer.map_err(|error| error.text),
                Err(congested) => Err(congested.to_string()),
            };
            link.peer.handle_served(ticket, served);
            room
        })
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn act(&mut self) -> Option<String> {
        let mut registering = None;
        loop {
            let Some(action) = self.peer.poll_action() else {
                if self.stopping && self.runs.is_empty() && self.outgoing.take().is_some() {
                    self.peer.handle_disconnected();
                    continue;
                }
                return registering;
            };
            match action {
                PeerAction::Send(message) => self.send(message),
                PeerAction::Register { name } => registering = Some(name),
                PeerAction::Serve { ticket, request } => {
                    if let Some(waiting) = self.runs.get(&ticket.run()) {
                        // Cannot fail before the end of the execution.
                        let _ = waiting.send(RunEvent::Serve(ticket, request));
                    }
                }
                PeerAction::Finish { run, outcome, .. } => {
                    if let Some(waiting) = self.runs.remove(&run) {
                        let _ = waiting.send(RunEvent::Finish(outcome));
                    }
                }
                PeerAction::Close => self.outgoing = None,
            }
        }
    }

    fn send(&mut self, message: Message) {
        let Some(outgoing) = &mut self.outgoing else { return };
        if !outgoing.send(message) {
            tracing::warn!(
                "a chaincode does not read the answers to its requests, its stream ends"
            );
            self.outgoing = None;
            self.peer.handle_disconnected();
        }
    }
}

impl OpenRun<'_> {
    /// Answers the program's requests until the end of the execution.
    async fn follow<B: Backend>(&mut self, requests: &mut Requests<B>) -> RunEnd {
        loop {
            let (ticket, request) = match self.events.recv().await {
                Some(RunEvent::Serve(ticket, request)) => (ticket, request),
                Some(RunEvent::Finish(outcome)) => return outcome,
                None => return Err(ProtocolError::StreamTerminated),
            };
            let kind = request.kind();
            let (answer, end) = self.serve(requests, request).await?;
            if let Err(error) = &answer
                && error.kind == ErrorKind::TransactionOver
            {
                requests.lost(kind, &error.text);
            }
            if let Some(outcome) = end {
                return outcome;
            }
            if let Err(lost) = self.program.answer(ticket, answer) {
                requests.lost(kind, &lost.to_string());
            }
        }
    }

    /// Answers a request. If the program wrongly ends its transaction meanwhile, the request is
    /// still completed, as on other peers. The end of the stream ends it.
    async fn serve<B: Backend>(
        &mut self,
        requests: &mut Requests<B>,
        request: Request,
    ) -> Result<(Served, Option<RunEnd>), ProtocolError> {
        let mut end = None;
        let mut serving = Box::pin(caught(requests.serve(request)));
        loop {
            select! {
                biased;
                answer = &mut serving => {
                    let panicked = |_| Err(BackendError::new(ErrorKind::TransactionOver, PANICKED));
                    return Ok((answer.unwrap_or_else(panicked), end));
                }
                event = self.events.recv(), if end.is_none() => match event {
                    None | Some(RunEvent::Finish(Err(ProtocolError::StreamTerminated))) => {
                        return Err(ProtocolError::StreamTerminated);
                    }
                    Some(RunEvent::Finish(outcome)) => end = Some(outcome),
                    // The link refuses a second request.
                    Some(RunEvent::Serve(..)) => {}
                },
            }
        }
    }

    /// Ends an execution that took too long. Returns its end, which may have just arrived.
    fn time_out(&mut self) -> RunEnd {
        self.program.with(|link| link.peer.handle_timeout(&self.tx, self.run));
        while let Ok(event) = self.events.try_recv() {
            if let RunEvent::Finish(outcome) = event {
                return outcome;
            }
        }
        Err(ProtocolError::StreamTerminated)
    }
}

impl Drop for OpenRun<'_> {
    fn drop(&mut self) {
        // Ignored if the execution has ended.
        self.program.with(|link| link.peer.handle_timeout(&self.tx, self.run));
    }
}

impl ExternalStream {
    /// Creates the peer's end of a new stream.
    pub(in crate::chaincode) fn open(
        outbox: Outbox,
        config: &ExternalConfig,
        registrar: Box<dyn Registrar>,
    ) -> Self {
        let link = Link {
            peer: PeerSide::new(config.batch),
            outgoing: Some(Outgoing::new(outbox)),
            runs: HashMap::new(),
            stopping: false,
        };
        let program = ExternalProgram {
            link: Mutex::new(link),
            open: AtomicBool::new(true),
            registrar: Mutex::new(Some(registrar)),
        };
        Self { program: Arc::new(program), keepalive: config.keepalive }
    }

    /// Handles a message from the chaincode.
    pub fn receive(&self, wire: ChaincodeMessage) {
        let mut link = self.program.lock();
        if let Err(error) = link.peer.handle_wire(wire) {
            tracing::warn!(%error, "a chaincode stream ends");
            self.program.open.store(false, Ordering::Release);
        }
        let name = self.program.act(&mut link);
        drop(link);
        if let Some(name) = name {
            self.program.register(&name);
        }
    }

    /// Returns the interval at which [`ExternalStream::keepalive_due`] should be called.
    pub fn keepalive(&self) -> Option<Duration> {
        self.keepalive
    }

    /// Sends a keepalive message.
    pub fn keepalive_due(&self) {
        self.program.with(|link| {
            // Unread messages serve the same purpose.
            if link.outgoing.as_mut().is_some_and(Outgoing::is_empty) {
                link.peer.handle_keepalive_due();
            }
        });
    }

    /// Ends the stream as soon as no transaction runs.
    pub fn stop(&self) {
        self.program.with(|link| link.stopping = true);
    }

    /// Returns true if the stream is open for this peer.
    pub fn is_open(&self) -> bool {
        self.program.is_open()
    }
}

impl Drop for ExternalStream {
    fn drop(&mut self) {
        self.program.close();
    }
}
