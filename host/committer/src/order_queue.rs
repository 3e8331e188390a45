//! Counts the envelopes that wait to be ordered.
//!
//! Invariant: only counts; the envelopes are in the channels between the orderer's threads.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::msg_processor::Checked;
use crate::order_error::OrderError;
use crate::solo::SoloConfig;

/// An envelope that waits for its block.
pub(crate) struct Queued {
    pub(crate) checked: Checked,
    /// Its number in the log of accepted envelopes; 0 without a log.
    pub(crate) number: u64,
}

/// Held by each running thread of the orderer: a panic of one of them stops the orderer.
pub(crate) struct RunningThread(pub(crate) Arc<Backlog>);

impl Drop for RunningThread {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("one of its threads panicked; the peer has to be restarted".into());
        }
    }
}

/// State that the orderer shares with its threads.
pub(crate) struct Backlog {
    config: SoloConfig,
    messages: AtomicUsize,
    bytes: AtomicUsize,
    settled: AtomicU64,
    failure: OnceLock<String>,
}

/// Envelopes of the orderer that are not settled.
pub(crate) struct Counted {
    messages: usize,
    bytes: usize,
}

impl Backlog {
    pub(crate) fn new(config: SoloConfig) -> Self {
        let (messages, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { config, messages, bytes, settled: AtomicU64::new(0), failure: OnceLock::new() }
    }

    /// Counts an envelope; fails if the queue is full.
    pub(crate) fn admit(&self, checked: &Checked) -> Result<(), OrderError> {
        let Counted { messages, bytes } = self.add(checked);
        let full = messages >= self.config.queue_messages.max(1)
            || (bytes > 0 && bytes.saturating_add(checked.size()) > self.config.queue_bytes);
        if full {
            self.remove(checked);
            return Err(OrderError::QueueFull);
        }
        Ok(())
    }

    /// Counts an envelope. Returns the messages and bytes counted before.
    pub(crate) fn add(&self, checked: &Checked) -> Counted {
        let bytes = self.bytes.fetch_add(checked.size(), Ordering::Relaxed);
        Counted { messages: self.messages.fetch_add(1, Ordering::Relaxed), bytes }
    }

    /// Removes an envelope from the count.
    pub(crate) fn remove(&self, checked: &Checked) {
        self.bytes.fetch_sub(checked.size(), Ordering::Relaxed);
        self.messages.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number up to which all envelopes are settled: in blocks on disk, or dropped.
    pub(crate) fn settled(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    /// Marks all envelopes up to `number` as settled.
    pub(crate) fn settle(&self, number: u64) {
        self.settled.fetch_max(number, Ordering::AcqRel);
    }

    /// Returns why the orderer had to stop; None if it did not.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Records that the orderer had to stop.
    pub(crate) fn fail(&self, reason: String) {
        // Keeps the first reason.
        let _ = self.failure.set(reason);
    }

    /// Returns the refusal of an envelope after the orderer has stopped.
    pub(crate) fn stopped(&self, channel: &str) -> OrderError {
        let reason = self.failure().unwrap_or("the peer is stopping").to_owned();
        OrderError::Stopped { channel: channel.to_owned(), reason }
    }
}
