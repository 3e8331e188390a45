//! One program behind one stream.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::chaincode::external::{ExternalConfig, Outbox};
use crate::proto::protos::ChaincodeMessage;
use crate::protocol::{
    Completed, Invocation, Message, PeerAction, PeerSide, ProtocolError, Request, RunId, Ticket,
};

/// Decides who a program may be.
pub trait Registrar: Send + Sync {
    /// Whether a program may call itself `name`.
    fn admit(&self, name: &str) -> Result<(), String>;

    /// Makes an admitted program known. It cannot be used before this has returned, and must not be
    /// asked for anything meanwhile.
    fn enter(&self, name: &str, program: &Arc<ExternalProgram>) -> Result<(), String>;
}

/// A chaincode in another process, which takes transactions once it is registered. It stays what it
/// was when its stream has ended: another stream is another program.
pub struct ExternalProgram {
    link: Mutex<Link>,
    /// So that the registry can ask without the lock.
    open: AtomicBool,
    registrar: Box<dyn Registrar>,
}

/// The peer's half of the stream. Whoever holds the lock does all actions before letting go.
struct Link {
    peer: PeerSide,
    /// None when the stream has ended, for this peer at least.
    outbox: Option<Outbox>,
    /// Who waits for what comes of an execution.
    runs: HashMap<RunId, mpsc::Sender<Event>>,
    /// The stream ends with the last execution.
    stopping: bool,
}

/// What a thread hears that executes a transaction.
enum Event {
    Serve(Ticket, Request),
    Finish(Result<Completed, ProtocolError>),
}

/// What drives a stream: passes on what comes, and says when nothing more will come by being
/// dropped.
pub struct ExternalStream {
    program: Arc<ExternalProgram>,
    keepalive: Option<Duration>,
}

impl ExternalProgram {
    /// Whether the stream stands.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Runs one transaction and waits for its end, for at most `timeout`. What the program asks
    /// meanwhile is answered by `serve`, on this thread; the error is a cause without Fabric's
    /// beginning. Neither the end of the stream nor the timeout interrupts `serve`.
    pub fn execute(
        &self,
        invocation: Invocation,
        timeout: Duration,
        mut serve: impl FnMut(Request) -> Result<Vec<u8>, String>,
    ) -> Result<Completed, ProtocolError> {
        let deadline = Instant::now() + timeout;
        let tx = invocation.tx.clone();
        let (sender, events) = mpsc::channel();
        let run = self.with(|link| {
            let run = link.peer.handle_execute(invocation)?;
            link.runs.insert(run, sender);
            Ok(run)
        })?;
        loop {
            match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Event::Serve(ticket, request)) => {
                    // A panic must end the request, not the peer.
                    let answer = catch_unwind(AssertUnwindSafe(|| serve(request)));
                    let answer = answer.unwrap_or_else(|_| Err("panic during execution".into()));
                    self.with(|link| link.peer.handle_served(ticket, answer));
                }
                Ok(Event::Finish(outcome)) => return outcome,
                Err(_) => break,
            }
        }
        self.with(|link| link.peer.handle_timeout(&tx, run));
        // Its end is there now, of one kind or the other; a request before it has been answered.
        let end = events.try_iter().find_map(|event| match event {
            Event::Finish(outcome) => Some(outcome),
            Event::Serve(..) => None,
        });
        end.unwrap_or(Err(ProtocolError::StreamTerminated))
    }

    /// Changes the link and does what comes of it.
    fn with<T>(&self, change: impl FnOnce(&mut Link) -> T) -> T {
        let mut link = self.lock();
        let result = change(&mut link);
        self.act(&mut link);
        result
    }

    /// Does all actions; gives the name that a program wants to be known under, if it just said
    /// one.
    fn act(&self, link: &mut Link) -> Option<String> {
        // Whoever hears that the stream has ended may come back at once, and must not find it open.
        if link.outbox.is_none() {
            self.open.store(false, Ordering::Release);
        }
        let name = link.act();
        self.open.store(link.outbox.is_some(), Ordering::Release);
        name
    }

    fn register(self: &Arc<Self>, name: &str) {
        let admitted = self.registrar.admit(name);
        let mut link = self.lock();
        // Known first and ready then, under one lock: nobody can use it in between.
        match admitted.and_then(|()| self.registrar.enter(name, self)) {
            Ok(()) => {
                tracing::info!(chaincode = name, "registered");
                link.peer.handle_launched();
            }
            Err(reason) => {
                tracing::warn!(chaincode = name, reason, "registration refused");
                link.peer.handle_refused(&reason);
            }
        }
        self.act(&mut link);
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
                if self.stopping && self.runs.is_empty() && self.outbox.take().is_some() {
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
                        // It waits until it has heard of the end.
                        let _ = waiting.send(Event::Serve(ticket, request));
                    }
                }
                PeerAction::Finish { run, outcome, .. } => {
                    if let Some(waiting) = self.runs.remove(&run) {
                        let _ = waiting.send(Event::Finish(outcome));
                    }
                }
                PeerAction::Close => self.outbox = None,
            }
        }
    }

    fn send(&mut self, message: Message) {
        let Some(outbox) = &self.outbox else { return };
        if let Err(error) = outbox.try_send(message.encode()) {
            tracing::warn!(%error, "a chaincode does not read its messages, its stream ends");
            self.outbox = None;
            self.peer.handle_disconnected();
        }
    }
}

impl ExternalStream {
    /// The peer's end of a stream that has just been opened.
    pub(in crate::chaincode) fn open(
        outbox: Outbox,
        config: &ExternalConfig,
        registrar: Box<dyn Registrar>,
    ) -> Self {
        let link = Link {
            peer: PeerSide::new(config.batch),
            outbox: Some(outbox),
            runs: HashMap::new(),
            stopping: false,
        };
        let program =
            ExternalProgram { link: Mutex::new(link), open: AtomicBool::new(true), registrar };
        Self { program: Arc::new(program), keepalive: config.keepalive }
    }

    /// A message came.
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

    /// How often [`ExternalStream::keepalive_due`] wants to be called.
    pub fn keepalive(&self) -> Option<Duration> {
        self.keepalive
    }

    /// Asks the chaincode whether it is there.
    pub fn keepalive_due(&self) {
        self.program.with(|link| link.peer.handle_keepalive_due());
    }

    /// Ends the stream as soon as no transaction runs.
    pub fn stop(&self) {
        self.program.with(|link| link.stopping = true);
    }

    /// Whether the stream stands for this peer.
    pub fn is_open(&self) -> bool {
        self.program.is_open()
    }
}

impl Drop for ExternalStream {
    fn drop(&mut self) {
        self.program.with(|link| {
            link.outbox = None;
            link.peer.handle_disconnected();
        });
    }
}
