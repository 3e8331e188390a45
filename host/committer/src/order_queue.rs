//! What waits to be ordered, counted.
//!
//! Invariant: counts only; the envelopes are in the channels between the orderer's threads.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::msg_processor::Checked;
use crate::order_error::OrderError;
use crate::solo::SoloConfig;

/// An envelope on its way into a block.
pub(crate) struct Queued {
    pub(crate) checked: Checked,
    /// Its number in the log of accepted envelopes; 0 without a log.
    pub(crate) number: u64,
}

/// Held by each thread of the orderer while it runs: a panic of one stops the orderer.
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

impl Backlog {
    pub(crate) fn new(config: SoloConfig) -> Self {
        let (messages, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { config, messages, bytes, settled: AtomicU64::new(0), failure: OnceLock::new() }
    }

    /// Counts an envelope if there is room for it.
    pub(crate) fn admit(&self, checked: &Checked) -> Result<(), OrderError> {
        let (messages, bytes) = self.add(checked);
        let full = messages >= self.config.queue_messages.max(1)
            || (bytes > 0 && bytes.saturating_add(checked.size()) > self.config.queue_bytes);
        if full {
            self.remove(checked);
            return Err(OrderError::QueueFull);
        }
        Ok(())
    }

    /// Counts an envelope; returns the messages and bytes before it.
    pub(crate) fn add(&self, checked: &Checked) -> (usize, usize) {
        let bytes = self.bytes.fetch_add(checked.size(), Ordering::Relaxed);
        (self.messages.fetch_add(1, Ordering::Relaxed), bytes)
    }

    /// An envelope waits no longer.
    pub(crate) fn remove(&self, checked: &Checked) {
        self.bytes.fetch_sub(checked.size(), Ordering::Relaxed);
        self.messages.fetch_sub(1, Ordering::Relaxed);
    }

    /// Up to which number all envelopes are in blocks on disk, or dropped.
    pub(crate) fn settled(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    /// All envelopes up to `number` are settled.
    pub(crate) fn settle(&self, number: u64) {
        self.settled.fetch_max(number, Ordering::AcqRel);
    }

    /// Why the channel had to stop, if it had to.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// The channel had to stop.
    pub(crate) fn fail(&self, reason: String) {
        // The first reason stays.
        let _ = self.failure.set(reason);
    }

    /// The refusal of an envelope after the orderer has stopped.
    pub(crate) fn stopped(&self, channel: &str) -> OrderError {
        let reason = self.failure().unwrap_or("the peer is stopping").to_owned();
        OrderError::Stopped { channel: channel.to_owned(), reason }
    }
}
