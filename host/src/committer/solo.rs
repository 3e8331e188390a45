//! The orderer of one channel: a queue and a thread that cuts blocks. Fabric: 1.4's
//! `orderer/consensus/solo/consensus.go`.
//!
//! Invariant: what a transaction did is not looked at; blocks come out in the order of the queue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use crate::committer::block_cutter::{BlockCutter, size};
use crate::committer::commit::Committer;
use crate::committer::error::CommitError;
use crate::committer::msg_processor::{self, Checked};
use crate::committer::order_error::OrderError;
use crate::proto::common::Envelope;

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

/// Orders the transactions of one channel on this machine alone. Dropping it is as `stop`.
pub struct Solo {
    committer: Arc<Committer>,
    config: SoloConfig,
    waiting_bytes: Arc<AtomicUsize>,
    /// None when stopped.
    queue: Mutex<Option<SyncSender<Checked>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Solo {
    /// Starts the orderer's thread, which hands its blocks to `committer`. Fails if the system
    /// gives no thread.
    pub fn start(committer: Arc<Committer>, config: SoloConfig) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(config.queue_messages.max(1));
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let chain = Chain {
            committer: Arc::clone(&committer),
            queue: receiver,
            waiting_bytes: Arc::clone(&waiting_bytes),
            cutter: BlockCutter::default(),
            deadline: None,
        };
        let thread = thread::Builder::new()
            .name(format!("solo-{}", committer.channel().ledger().channel_id()))
            .spawn(move || chain.run())?;
        let (queue, thread) = (Mutex::new(Some(sender)), Mutex::new(Some(thread)));
        Ok(Self { committer, config, waiting_bytes, queue, thread })
    }

    /// Checks an envelope and puts it into the queue; of an update of the configuration, the
    /// configuration that it leads to. That it is ordered does not mean that it is valid: see
    /// [`Notifier`](crate::committer::Notifier).
    pub fn order(&self, envelope: Envelope) -> Result<(), OrderError> {
        if let Some(reason) = self.committer.interruption() {
            return Err(OrderError::Interrupted { channel: self.channel_id(), reason });
        }
        let checked = msg_processor::check(&self.committer, envelope, SystemTime::now())?;
        let stopped = || OrderError::Stopped(self.channel_id());
        let sender = lock(&self.queue).clone().ok_or_else(stopped)?;
        let bytes = size(&checked.envelope);
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let outcome = if before > 0 && before.saturating_add(bytes) > self.config.queue_bytes {
            Err(OrderError::QueueFull)
        } else {
            sender.try_send(checked).map_err(|error| match error {
                TrySendError::Full(_) => OrderError::QueueFull,
                TrySendError::Disconnected(_) => stopped(),
            })
        };
        if outcome.is_err() {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        outcome
    }

    /// Takes nothing more, commits what is in the queue and waits for that.
    pub fn stop(&self) {
        // The thread ends when the queue is empty and has no sender.
        drop(lock(&self.queue).take());
        // It need not wait until this machine works again.
        self.committer.end_pauses();
        let thread = lock(&self.thread).take();
        // The last owner may go away in a listener, which runs on the orderer's own thread.
        let other = |handle: &JoinHandle<()>| handle.thread().id() != thread::current().id();
        if let Some(thread) = thread.filter(other)
            && thread.join().is_err()
        {
            tracing::error!(channel = self.channel_id(), "the orderer panicked");
        }
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the orderer's thread owns.
struct Chain {
    committer: Arc<Committer>,
    queue: Receiver<Checked>,
    waiting_bytes: Arc<AtomicUsize>,
    cutter: BlockCutter,
    /// When what is waiting becomes a block. None if nothing is waiting.
    deadline: Option<Instant>,
}

impl Chain {
    fn run(mut self) {
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return,
                // Nothing of the block is in the ledger, and the next one may fit.
                Err(error @ (CommitError::Block(_) | CommitError::EmptyBlock)) => {
                    tracing::error!(%error, "a block was refused");
                }
                // The committer was told to end. Without a receiver the queue refuses everything.
                Err(CommitError::Fatal(_) | CommitError::Stopped { .. }) => return,
            }
        }
    }

    /// Handles one message or the end of the timeout. False: stopped and all is committed.
    fn step(&mut self) -> Result<bool, CommitError> {
        let received = match self.deadline {
            Some(deadline) => match deadline.saturating_duration_since(Instant::now()) {
                // Even if the queue never runs empty.
                Duration::ZERO => Err(RecvTimeoutError::Timeout),
                left => self.queue.recv_timeout(left),
            },
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(checked) => self.order(checked).map(|()| true),
            Err(RecvTimeoutError::Timeout) => self.cut().map(|()| true),
            Err(RecvTimeoutError::Disconnected) => self.cut().map(|()| false),
        }
    }

    fn order(&mut self, checked: Checked) -> Result<(), CommitError> {
        self.waiting_bytes.fetch_sub(size(&checked.envelope), Ordering::Relaxed);
        let current = self.committer.channel().config().sequence();
        let checked = match checked.sequence < current {
            true => msg_processor::check_again(&self.committer, checked, SystemTime::now()),
            false => Ok(checked),
        };
        match checked {
            Ok(Checked { envelope, is_config: true, .. }) => self.configure(&envelope),
            Ok(Checked { envelope, .. }) => self.order_normal(envelope),
            Err(error) => {
                // It was good when it was taken; the configuration has changed since.
                tracing::warn!(%error, "dropped a transaction");
                Ok(())
            }
        }
    }

    /// A configuration has a block of its own, after all that waits.
    fn configure(&mut self, envelope: &Envelope) -> Result<(), CommitError> {
        self.cut()?;
        self.committer.commit_config(envelope).map(drop)
    }

    fn order_normal(&mut self, envelope: Envelope) -> Result<(), CommitError> {
        let limits = self.committer.channel().config().batch_limits();
        let ordered = match self.cutter.ordered(&limits, envelope) {
            Ok(ordered) => ordered,
            Err(error) => {
                // It was small enough when it was taken; the limits have changed since.
                tracing::warn!(%error, "dropped a transaction");
                return Ok(());
            }
        };
        // A running timer goes on when a batch was cut and messages wait, as in Fabric.
        self.deadline = match (ordered.pending, self.deadline) {
            (false, _) => None,
            (true, running @ Some(_)) => running,
            (true, None) => Instant::now().checked_add(limits.timeout),
        };
        for batch in ordered.batches {
            self.committer.commit_envelopes(batch)?;
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<(), CommitError> {
        self.deadline = None;
        match self.cutter.cut() {
            Some(batch) => self.committer.commit_envelopes(batch).map(drop),
            None => Ok(()),
        }
    }
}
