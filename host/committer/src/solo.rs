//! The orderer of one channel: a queue and a thread that cuts blocks. Fabric: 1.4's
//! `orderer/consensus/solo/consensus.go`, with Raft's promise that an accepted envelope is on disk.
//!
//! Invariant: blocks come out in the order of the queue. Does not look at the results of
//! transactions.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use crate::accepted_log::{Accepted, AcceptedLog};
use crate::commit::Committer;
use crate::keeper::{Keeper, ToKeep, not_in_blocks};
use crate::msg_processor::{self, Checked};
use crate::order_error::OrderError;
use crate::order_queue::{Backlog, Queued, RunningThread};
use crate::solo_chain::SoloChain;
use wasmcc_types::proto::common::Envelope;

/// How much may wait to be ordered. When blocks are cut is for the channel's configuration to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoloConfig {
    /// Envelopes in the queue.
    pub queue_messages: usize,
    /// Bytes of the envelopes in the queue. One envelope may always wait.
    pub queue_bytes: usize,
}

impl Default for SoloConfig {
    fn default() -> Self {
        Self { queue_messages: 10_000, queue_bytes: 256 << 20 }
    }
}

/// Called once with the outcome for an envelope, maybe on a thread of the orderer. It must neither
/// block nor panic.
pub type Ordered = Box<dyn FnOnce(Result<(), OrderError>, Times) + Send>;

/// How long an envelope took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// To be checked.
    pub validating: Duration,
    /// From there until it was in the queue; None: it was refused by the checks.
    pub enqueuing: Option<Duration>,
}

/// The callback for a checked envelope, and the time of its checks.
pub(crate) struct ToTell {
    done: Ordered,
    validating: Duration,
    since: Instant,
}

impl ToTell {
    pub(crate) fn tell(self, ordered: Result<(), OrderError>) {
        let enqueuing = Some(self.since.elapsed());
        (self.done)(ordered, Times { validating: self.validating, enqueuing });
    }
}

/// Orders the transactions of one channel on this machine alone. Dropping it is as `stop`.
pub struct Solo {
    committer: Arc<Committer>,
    backlog: Arc<Backlog>,
    /// None when stopped.
    intake: Mutex<Option<Intake>>,
    threads: Mutex<Option<Threads>>,
}

/// Where a checked envelope goes next.
#[derive(Clone)]
enum Intake {
    /// To disk, and into the queue from there.
    Keeper(Sender<ToKeep>),
    Queue(Sender<Queued>),
}

struct Threads {
    /// The keeper returns its log.
    keeper: Option<JoinHandle<AcceptedLog>>,
    chain: JoinHandle<()>,
}

impl Solo {
    /// Starts the orderer's thread, which hands its blocks to `committer`. What is accepted is in
    /// memory only. Fails if the system gives no thread.
    pub fn start(committer: Arc<Committer>, config: SoloConfig) -> io::Result<Self> {
        committer.go_on();
        let backlog = Arc::new(Backlog::new(config));
        let (queue, queued) = channel();
        let chain = SoloChain::new(Arc::clone(&committer), queued, Arc::clone(&backlog));
        let chain = spawn(&committer, "solo", &backlog, move || chain.run())?;
        let intake = Mutex::new(Some(Intake::Queue(queue)));
        let threads = Mutex::new(Some(Threads { keeper: None, chain }));
        Ok(Self { committer, backlog, intake, threads })
    }

    /// As [`start`](Self::start), but an envelope is accepted when it is on disk, in a log in
    /// `folder`. What the log holds and no block does is ordered first. Fails if the log or the
    /// last blocks cannot be read.
    pub fn start_with_log(
        committer: Arc<Committer>,
        config: SoloConfig,
        folder: &Path,
    ) -> io::Result<Self> {
        let (log, accepted) = AcceptedLog::open(folder)?;
        Self::resume(committer, config, log, accepted)
    }

    /// Goes on where the log ends, after what it holds and no block does.
    pub(crate) fn resume(
        committer: Arc<Committer>,
        config: SoloConfig,
        log: AcceptedLog,
        accepted: Vec<Accepted>,
    ) -> io::Result<Self> {
        committer.go_on();
        let backlog = Arc::new(Backlog::new(config));
        let waiting = not_in_blocks(accepted, &committer)?;
        backlog.settle(waiting.first().map_or(log.last(), |first| first.number - 1));
        let (queue, queued) = channel();
        if !waiting.is_empty() {
            let channel = committer.channel().ledger().channel_id();
            let envelopes = waiting.len();
            tracing::info!(%channel, envelopes, "ordering what was accepted before");
        }
        for queued in waiting {
            backlog.add(&queued.checked);
            queue.send(queued).map_err(|_| io::Error::other("the queue has no reader"))?;
        }
        let (intake, incoming) = channel();
        let keeper = Keeper::new(&committer, log, incoming, queue, Arc::clone(&backlog));
        let chain = SoloChain::new(Arc::clone(&committer), queued, Arc::clone(&backlog));
        let chain = spawn(&committer, "solo", &backlog, move || chain.run())?;
        let keeper = Some(spawn(&committer, "accepted", &backlog, move || keeper.run())?);
        let intake = Mutex::new(Some(Intake::Keeper(intake)));
        Ok(Self {
            committer,
            backlog,
            intake,
            threads: Mutex::new(Some(Threads { keeper, chain })),
        })
    }

    /// Whether there may be accepted envelopes in a log in `folder`.
    pub fn has_log(folder: &Path) -> bool {
        AcceptedLog::is_in(folder)
    }

    /// Checks an envelope, puts it into the queue and waits until it is kept; of an update of the
    /// configuration, the configuration that it leads to. That it is ordered does not mean that it
    /// is valid: see [`Notifier`](crate::Notifier).
    pub fn order(&self, envelope: Envelope) -> Result<(), OrderError> {
        let (sender, outcome) = sync_channel(1);
        // The receiver lives until the next line has returned.
        self.order_then(envelope, Box::new(move |ordered, _| drop(sender.send(ordered))));
        // The sender is dropped unused if a thread of the orderer has ended.
        outcome.recv().unwrap_or_else(|_| Err(self.stopped()))
    }

    /// As [`order`](Self::order), but checks only and calls `done` when the envelope is kept, or
    /// at once when it is refused.
    pub fn order_then(&self, envelope: Envelope, done: Ordered) {
        let begun = Instant::now();
        let admitted = self.admit(envelope);
        let since = Instant::now();
        let validating = since.duration_since(begun);
        let checked = match admitted {
            Ok(checked) => checked,
            Err(error) => return done(Err(error), Times { validating, enqueuing: None }),
        };
        let done = ToTell { done, validating, since };
        let refused = match lock(&self.intake).clone() {
            Some(Intake::Keeper(keeper)) => match keeper.send(ToKeep { checked, done }) {
                Ok(()) => return,
                Err(back) => back.0,
            },
            Some(Intake::Queue(queue)) => match queue.send(Queued { checked, number: 0 }) {
                Ok(()) => return done.tell(Ok(())),
                Err(back) => ToKeep { checked: back.0.checked, done },
            },
            None => ToKeep { checked, done },
        };
        self.backlog.remove(&refused.checked);
        refused.done.tell(Err(self.stopped()));
    }

    /// Why the channel had to stop, and this orderer with it; None: it did not. What it had
    /// accepted is in the log, if it has one.
    pub fn failure(&self) -> Option<&str> {
        self.backlog.failure()
    }

    /// Stops accepting, commits the queue and waits for that. Another orderer of the channel may
    /// start when this has returned, on the same committer, too.
    pub fn stop(&self) {
        // The threads end when the queue is empty and has no sender.
        drop(lock(&self.intake).take());
        let Some(Threads { keeper, chain }) = lock(&self.threads).take() else { return };
        // They need not wait until this machine works again; the next orderer's threads do.
        let _hurried = self.committer.hurry();
        // The last owner may go away in a listener, which runs on a thread of the orderer.
        let own = thread::current().id();
        if chain.thread().id() == own || keeper.as_ref().is_some_and(|it| it.thread().id() == own) {
            self.committer.end_pauses();
            return;
        }
        let log = keeper.and_then(|keeper| self.join(keeper));
        self.join(chain);
        if let Some(mut log) = log
            && log.last() <= self.backlog.settled()
            && let Err(error) = log.clear()
        {
            // It is emptied when it is written next.
            tracing::warn!(channel = self.channel_id(), %error, "cannot empty the orderer's log");
        }
    }

    /// None: it panicked.
    fn join<T>(&self, thread: JoinHandle<T>) -> Option<T> {
        let ended = thread.join();
        if ended.is_err() {
            tracing::error!(channel = self.channel_id(), "the orderer panicked");
        }
        ended.ok()
    }

    /// Checks an envelope and reserves its place in the queue.
    fn admit(&self, envelope: Envelope) -> Result<Checked, OrderError> {
        if self.failure().is_some() {
            return Err(self.stopped());
        }
        if let Some(reason) = self.committer.interruption() {
            return Err(OrderError::Interrupted { channel: self.channel_id(), reason });
        }
        let checked = msg_processor::check(&self.committer, envelope, SystemTime::now())?;
        self.backlog.admit(&checked)?;
        Ok(checked)
    }

    fn stopped(&self) -> OrderError {
        self.backlog.stopped(&self.channel_id())
    }

    fn channel_id(&self) -> String {
        self.committer.channel().ledger().channel_id().to_string()
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn<T: Send + 'static>(
    committer: &Committer,
    name: &str,
    backlog: &Arc<Backlog>,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let name = format!("{name}-{}", committer.channel().ledger().channel_id());
    let running = RunningThread(Arc::clone(backlog));
    thread::Builder::new().name(name).spawn(move || {
        let _noted_if_it_panics = running;
        run()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
