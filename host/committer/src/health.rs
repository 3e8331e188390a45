//! The health of a channel: whether it takes blocks, and what happens when it cannot.
//!
//! Invariant: a [`CommitTurn`] exists while a block is committed. However that ends, also
//! by a panic, the channel either goes on or is interrupted. An interruption wakes all waiters and
//! is logged. It ends with the next block that is committed, or with the next orderer.

use std::fmt::Display;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::notifier::Notifier;
use wasmcc_types::ChannelId;

/// The pause before a failed block is tried again: this at first, twice as long each time.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// And at most this.
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
    /// Waiting for the machine is not allowed any more.
    ending: bool,
    /// How many [`NoPauses`] there are.
    hurried: usize,
}

/// As long as this exists, nobody waits for the machine.
pub(crate) struct NoPauses<'a>(&'a Health);

impl Health {
    pub(crate) fn new(channel: ChannelId, notifier: Arc<Notifier>) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { channel, notifier, first_pause: FIRST_PAUSE, state, changed }
    }

    /// With another first pause.
    pub(crate) fn with_pause(self, first_pause: Duration) -> Self {
        Self { first_pause, ..self }
    }

    /// Why the channel cannot commit blocks just now, if it cannot.
    pub(crate) fn interruption(&self) -> Option<String> {
        self.state().interrupted.clone()
    }

    /// The commit of a block begins.
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

    /// The channel goes on.
    pub(crate) fn resume(&self) {
        let interrupted = self.state().interrupted.take();
        if interrupted.is_some() {
            self.notifier.reopen();
            tracing::info!(channel = %self.channel, "the channel goes on");
        }
    }

    /// Waits before a block is tried again for the `tries`-th time. False: it must not be.
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

    /// Ends all pauses, until the answer is dropped.
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

/// The commit of one block. If it is dropped before it has ended well, the channel is interrupted.
#[must_use = "dropping it interrupts the channel"]
pub(crate) struct CommitTurn<'a> {
    health: &'a Health,
    ended: bool,
}

impl CommitTurn<'_> {
    /// The commit ended and the channel can go on.
    pub(crate) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for CommitTurn<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.health.interrupt(&"the commit of a block did not end");
        }
    }
}
