//! The health of a channel: whether it can commit blocks, and the reaction if it cannot.
//!
//! Invariant: a [`CommitTurn`] exists while a block is committed. However the commit ends, even by
//! a panic, the channel then either works or is interrupted. An interruption wakes all waiters and
//! is logged. It ends with the next committed block, or with the next orderer.

use std::fmt::Display;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::notifier::Notifier;
use wasmcc_types::ChannelId;

/// The first pause before a failed block is tried again. Each further pause is twice as long.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The state of a channel's committer.
pub(crate) struct Health {
    channel: ChannelId,
    notifier: Arc<Notifier>,
    first_pause: Duration,
    state: Mutex<HealthState>,
    changed: Condvar,
}

#[derive(Default)]
struct HealthState {
    /// Why no block can be committed now.
    interrupted: Option<String>,
    /// True if commits must not wait for the machine any more.
    ending: bool,
    /// The number of existing [`NoPauses`].
    hurried: usize,
}

/// While this exists, commits do not wait for the machine.
pub(crate) struct NoPauses<'a>(&'a Health);

impl Health {
    pub(crate) fn new(channel: ChannelId, notifier: Arc<Notifier>) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { channel, notifier, first_pause: FIRST_PAUSE, state, changed }
    }

    /// Sets the first pause.
    pub(crate) fn with_pause(self, first_pause: Duration) -> Self {
        Self { first_pause, ..self }
    }

    /// Returns why the channel cannot commit blocks now; None if it can.
    pub(crate) fn interruption(&self) -> Option<String> {
        self.state().interrupted.clone()
    }

    /// Starts the commit of a block.
    pub(crate) fn turn(&self) -> CommitTurn<'_> {
        CommitTurn { health: self, ended: false }
    }

    /// Interrupts the channel: wakes all waiters and logs the reason.
    pub(crate) fn interrupt(&self, reason: &dyn Display) {
        let before = self.state().interrupted.replace(reason.to_string());
        if before.is_none() {
            tracing::error!(channel = %self.channel, %reason, "the channel is interrupted");
        }
        self.notifier.close();
    }

    /// Ends an interruption of the channel.
    pub(crate) fn resume(&self) {
        let interrupted = self.state().interrupted.take();
        if interrupted.is_some() {
            self.notifier.reopen();
            tracing::info!(channel = %self.channel, "the channel has resumed");
        }
    }

    /// Waits before the `tries`-th retry of a block. Returns false if the block must not be tried
    /// again.
    pub(crate) fn pause(&self, tries: u32) -> bool {
        let factor = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = self.first_pause.saturating_mul(factor).min(MAX_PAUSE);
        let until = Instant::now() + pause;
        let mut state = self.state();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let may_wait = !state.ending && state.hurried == 0;
            if !may_wait || left.is_zero() {
                return may_wait;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends all pauses, now and later.
    pub(crate) fn end_pauses(&self) {
        self.state().ending = true;
        self.changed.notify_all();
    }

    /// Ends all pauses until the result is dropped.
    pub(crate) fn hurry(&self) -> NoPauses<'_> {
        self.state().hurried += 1;
        self.changed.notify_all();
        NoPauses(self)
    }

    fn state(&self) -> MutexGuard<'_, HealthState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NoPauses<'_> {
    fn drop(&mut self) {
        self.0.state().hurried -= 1;
    }
}

/// The commit of one block. If this is dropped before `end`, the channel is interrupted.
#[must_use = "dropping it interrupts the channel"]
pub(crate) struct CommitTurn<'a> {
    health: &'a Health,
    ended: bool,
}

impl CommitTurn<'_> {
    /// Ends the commit normally.
    pub(crate) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for CommitTurn<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.health.interrupt(&"the commit of a block was aborted");
        }
    }
}
