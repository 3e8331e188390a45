//! The threads that launch chaincodes.
//!
//! Invariant: there are at most [`THREADS`] of them, and they end when the queue is empty.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Limit on concurrent launches. They compile and read disks, but do not wait for connections.
const THREADS: usize = 8;

type LaunchJob = Box<dyn FnOnce() + Send>;

/// The queue of launches and its threads.
#[derive(Default)]
pub(super) struct LaunchThreads {
    state: Mutex<LaunchQueue>,
}

#[derive(Default)]
struct LaunchQueue {
    queue: VecDeque<LaunchJob>,
    threads: usize,
}

impl LaunchThreads {
    /// Runs a launch as soon as a thread is free. Drops it if no thread can be started.
    pub(super) fn run(self: &Arc<Self>, job: LaunchJob) {
        let mut state = self.lock();
        state.queue.push_back(job);
        if state.threads == THREADS {
            return;
        }
        state.threads += 1;
        drop(state);
        let this = Arc::clone(self);
        let thread = thread::Builder::new().name("wasmcc-launch".into());
        if let Err(error) = thread.spawn(move || this.work()) {
            tracing::error!(%error, "cannot start a thread to launch a chaincode");
            let mut state = self.lock();
            state.threads -= 1;
            let lost = if state.threads == 0 { std::mem::take(&mut state.queue) } else { return };
            drop(state);
            drop(lost);
        }
    }

    fn work(&self) {
        loop {
            let mut state = self.lock();
            let Some(job) = state.queue.pop_front() else {
                state.threads -= 1;
                return;
            };
            drop(state);
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a launch panicked");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, LaunchQueue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
