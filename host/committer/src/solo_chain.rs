//! The thread of an orderer that cuts blocks and passes them to the committer.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use crate::block_cutter::BlockCutter;
use crate::commit::Committer;
use crate::entry::Entry;
use crate::error::CommitError;
use crate::msg_processor::{self, Checked};
use crate::order_queue::{Backlog, Queued};

/// State of the thread.
pub(crate) struct SoloChain {
    committer: Arc<Committer>,
    queue: Receiver<Queued>,
    backlog: Arc<Backlog>,
    cutter: BlockCutter<Entry>,
    /// When the waiting messages become a block; None if there are none.
    deadline: Option<Instant>,
    /// True if blocks are cut when the queue is empty, without waiting for the deadline.
    is_group_commit: bool,
    /// When the first waiting message came; None if there is none.
    waiting_since: Option<Instant>,
    /// The number of the last envelope taken from the queue.
    taken: u64,
    /// The number of the first envelope that waits in the cutter.
    waiting: Option<u64>,
}

impl SoloChain {
    pub(crate) fn new(
        committer: Arc<Committer>,
        queue: Receiver<Queued>,
        backlog: Arc<Backlog>,
    ) -> Self {
        let cutter = BlockCutter::new();
        Self {
            committer,
            queue,
            backlog,
            cutter,
            deadline: None,
            is_group_commit: false,
            waiting_since: None,
            taken: 0,
            waiting: None,
        }
    }

    pub(crate) fn run(mut self) {
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return,
                // Nothing of the block is in the ledger, and the next one may be valid.
                Err(error @ (CommitError::Block(_) | CommitError::EmptyBlock)) => {
                    tracing::error!(%error, "a block was refused");
                    // Only the last message can be waiting: all others were in the block.
                    self.waiting = self.deadline.is_some().then_some(self.taken);
                    self.settle();
                }
                // The committer had to end, and has logged why. Without a receiver the queue
                // refuses all envelopes.
                Err(error @ (CommitError::Fatal(_) | CommitError::Stopped { .. })) => {
                    return self.backlog.fail(error.to_string());
                }
            }
        }
    }

    /// Handles one message or the end of the timeout. Returns false if stopped and all is
    /// committed.
    fn step(&mut self) -> Result<bool, CommitError> {
        let received = match self.deadline {
            // Everything that arrived during the last commit is in the queue by now.
            Some(_) if self.is_group_commit => {
                self.queue.try_recv().map_err(|_| RecvTimeoutError::Timeout)
            }
            Some(deadline) => match deadline.saturating_duration_since(Instant::now()) {
                // Cuts even if the queue never becomes empty.
                Duration::ZERO => Err(RecvTimeoutError::Timeout),
                left => self.queue.recv_timeout(left),
            },
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let goes_on = !matches!(received, Err(RecvTimeoutError::Disconnected));
        match received {
            Ok(queued) => self.order(queued)?,
            Err(_) => self.cut()?,
        }
        self.settle();
        Ok(goes_on)
    }

    /// Settles all envelopes before the first waiting one: they are in blocks, or dropped.
    fn settle(&self) {
        self.backlog.settle(self.waiting.map_or(self.taken, |first| first.saturating_sub(1)));
    }

    fn order(&mut self, Queued { checked, number }: Queued) -> Result<(), CommitError> {
        self.backlog.remove(&checked);
        self.taken = number;
        let current = self.committer.channel().config().sequence();
        let checked = match checked.sequence < current {
            true => msg_processor::check_again(&self.committer, checked, SystemTime::now()),
            false => Ok(checked),
        };
        match checked {
            Ok(checked) if checked.is_config() => self.configure(checked.into_entry()),
            Ok(checked) => self.order_normal(checked),
            Err(error) => {
                // It was valid when it was accepted; the configuration has changed since.
                tracing::warn!(%error, "dropped a transaction");
                Ok(())
            }
        }
    }

    /// Cuts the waiting messages into a block, then commits the configuration as a block of its
    /// own.
    fn configure(&mut self, config: Entry) -> Result<(), CommitError> {
        self.cut()?;
        self.committer.commit_config(config).map(drop)
    }

    fn order_normal(&mut self, checked: Checked) -> Result<(), CommitError> {
        let limits = self.committer.channel().config().batch_limits();
        let now = Instant::now();
        let bytes = checked.size();
        let ordered = match self.cutter.ordered(&limits, checked.into_entry(), bytes) {
            Ok(ordered) => ordered,
            Err(error) => {
                // It was small enough when it was accepted; the limits have changed since.
                tracing::warn!(%error, "dropped a transaction");
                return Ok(());
            }
        };
        // A running timer keeps running when a batch was cut and messages wait, as in Fabric.
        self.deadline = match (ordered.pending, self.deadline) {
            (false, _) => None,
            (true, running @ Some(_)) => running,
            (true, None) => Instant::now().checked_add(limits.timeout),
        };
        self.is_group_commit = limits.is_group_commit();
        let before = self.waiting.filter(|_| ordered.batches.is_empty());
        let mut since = self.waiting_since.take().unwrap_or(now);
        for batch in ordered.batches {
            self.count_cut(since);
            since = now;
            self.committer.commit_entries(batch)?;
        }
        self.waiting_since = ordered.pending.then_some(since);
        // This message waits first, unless others before it still wait.
        self.waiting = ordered.pending.then(|| before.unwrap_or(self.taken));
        Ok(())
    }

    /// Records that a block was cut whose first envelope came at `since`.
    fn count_cut(&self, since: Instant) {
        let channel = self.committer.channel().ledger().channel_id();
        wasmcc_metrics::channel(channel.as_str()).cut(since.elapsed());
    }

    fn cut(&mut self) -> Result<(), CommitError> {
        self.deadline = None;
        let since = self.waiting_since.take();
        if let Some(batch) = self.cutter.cut() {
            since.into_iter().for_each(|since| self.count_cut(since));
            self.committer.commit_entries(batch)?;
        }
        self.waiting = None;
        Ok(())
    }
}
