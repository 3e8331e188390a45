//! The orderer of one channel: a queue and a thread that cuts blocks. Fabric:
//! `orderer/consensus/solo/consensus.go` of 1.4, with Raft's guarantee that an accepted envelope is
//! on disk.
//!
//! Invariant: blocks contain envelopes in the order of the queue. Does not check the results of
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

/// Limits of the queue. The channel's configuration decides when blocks are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoloConfig {
    /// Limit on the envelopes in the queue.
    pub queue_messages: usize,
    /// Limit on the bytes of the envelopes in the queue. One envelope is always allowed.
    pub queue_bytes: usize,
}

impl Default for SoloConfig {
    fn default() -> Self {
        Self { queue_messages: 10_000, queue_bytes: 256 << 20 }
    }
}

/// Called once with the outcome for an envelope, possibly on a thread of the orderer. It must
/// neither block nor panic.
pub type Ordered = Box<dyn FnOnce(Result<(), OrderError>, Times) + Send>;

/// Durations of the steps for an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Duration of the checks.
    pub validating: Duration,
    /// Time from there until it was queued; None if the checks refused it.
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

/// Orders the transactions of one channel on this machine alone. Dropping it calls `stop`.
pub struct Solo {
    committer: Arc<Committer>,
    backlog: Arc<Backlog>,
    /// None after `stop`.
    intake: Mutex<Option<Intake>>,
    threads: Mutex<Option<Threads>>,
}

/// The next step for a checked envelope.
#[derive(Clone)]
enum Intake {
    /// Writes to disk, then to the queue.
    Keeper(Sender<ToKeep>),
    Queue(Sender<Queued>),
}

struct Threads {
    /// The keeper returns its log when it ends.
    keeper: Option<JoinHandle<AcceptedLog>>,
    chain: JoinHandle<()>,
}

impl Solo {
    /// Starts the orderer's thread, which passes its blocks to `committer`. Accepted envelopes are
    /// only in memory. Fails if the thread cannot be started.
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

    /// As [`start`](Self::start), but accepts an envelope only when it is on disk, in a log in
    /// `folder`. Envelopes that are in the log and not in a block are ordered first. Fails if the
    /// log or the last blocks cannot be read.
    pub fn start_with_log(
        committer: Arc<Committer>,
        config: SoloConfig,
        folder: &Path,
    ) -> io::Result<Self> {
        let (log, accepted) = AcceptedLog::open(folder)?;
        Self::resume(committer, config, log, accepted)
    }

    /// Continues with an opened log; orders envelopes that are in the log and not in a block first.
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
            tracing::info!(%channel, envelopes, "ordering envelopes that were accepted before");
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

    /// True if there may be accepted envelopes in a log in `folder`.
    pub fn has_log(folder: &Path) -> bool {
        AcceptedLog::is_in(folder)
    }

    /// Checks an envelope, queues it and waits until it is stored; for an update of the
    /// configuration, queues the resulting configuration. Ordered transactions are not necessarily
    /// valid: see [`Notifier`](crate::Notifier).
    pub fn order(&self, envelope: Envelope) -> Result<(), OrderError> {
        let (sender, outcome) = sync_channel(1);
        // The receiver lives until the next line has returned.
        self.order_then(envelope, Box::new(move |ordered, _| drop(sender.send(ordered))));
        // If a thread of the orderer has ended, the sender is dropped unused.
        outcome.recv().unwrap_or_else(|_| Err(self.stopped()))
    }

    /// As [`order`](Self::order), but only checks, and calls `done` when the envelope is stored, or
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

    /// Returns why the channel, and with it this orderer, has stopped; None while it runs. Accepted
    /// envelopes stay in the log, if there is one.
    pub fn failure(&self) -> Option<&str> {
        self.backlog.failure()
    }

    /// Stops accepting, commits the queue and waits for that. After this returns, another orderer
    /// of the channel may start, even with the same committer.
    pub fn stop(&self) {
        // The threads end when the queue is empty and has no sender.
        drop(lock(&self.intake).take());
        let Some(Threads { keeper, chain }) = lock(&self.threads).take() else { return };
        // Threads that end must not wait until this machine works again; those of the next orderer
        // do.
        let _hurried = self.committer.hurry();
        // The last owner may be dropped in a listener, which runs on a thread of the orderer.
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
            // The log is emptied by the next write.
            tracing::warn!(channel = self.channel_id(), %error, "cannot empty the orderer's log");
        }
    }

    /// Returns None if the thread panicked.
    fn join<T>(&self, thread: JoinHandle<T>) -> Option<T> {
        let ended = thread.join();
        if ended.is_err() {
            tracing::error!(channel = self.channel_id(), "the orderer panicked");
        }
        ended.ok()
    }

    /// Checks an envelope and counts it in the queue.
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
