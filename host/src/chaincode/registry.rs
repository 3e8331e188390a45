//! Which chaincodes are ready, being launched, or failed to launch.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::chaincode::handler::Handler;

/// Handlers by chaincode id. A handler is handed out only when it is ready.
#[derive(Default)]
pub struct Registry {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Launching,
    Ready(Arc<Handler>),
    Failed(String),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// The ready handler of `ccid`, if there is one.
    pub fn ready(&self, ccid: &str) -> Option<Arc<Handler>> {
        match &*lock(&lock(&self.slots).get(ccid)?.state) {
            State::Ready(handler) => Some(Arc::clone(handler)),
            State::Launching | State::Failed(_) => None,
        }
    }

    /// The handler of `ccid`, launched by `start` if need be. All callers share one launch and each of
    /// them waits no longer than `timeout`. After a failure the next caller launches anew.
    pub fn launch(
        &self,
        ccid: &str,
        timeout: Duration,
        start: impl FnOnce() -> Result<Arc<Handler>, String> + Send + 'static,
    ) -> Result<Arc<Handler>, String> {
        let (slot, first) = self.slot(ccid);
        if first {
            let launching = Arc::clone(&slot);
            let spawned = thread::Builder::new().name("wasmcc-launch".into()).spawn(move || {
                let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(start));
                launching.finish(
                    started.unwrap_or_else(|_| Err("the launch panicked, see the log".into())),
                );
            });
            if let Err(error) = spawned {
                slot.finish(Err(format!("cannot start a thread: {error}")));
            }
        }
        slot.wait(timeout).map_err(|failure| {
            self.forget_failed(ccid, &slot);
            failure.unwrap_or_else(|| {
                format!("timeout expired while starting chaincode {ccid} for transaction")
            })
        })
    }

    fn slot(&self, ccid: &str) -> (Arc<Slot>, bool) {
        let mut slots = lock(&self.slots);
        match slots.get(ccid) {
            Some(slot) => (Arc::clone(slot), false),
            None => {
                let slot = Arc::<Slot>::default();
                slots.insert(ccid.to_owned(), Arc::clone(&slot));
                (slot, true)
            }
        }
    }

    fn forget_failed(&self, ccid: &str, slot: &Arc<Slot>) {
        let mut slots = lock(&self.slots);
        let same = slots.get(ccid).is_some_and(|current| Arc::ptr_eq(current, slot));
        if same && matches!(*lock(&slot.state), State::Failed(_)) {
            slots.remove(ccid);
        }
    }
}

impl Slot {
    fn finish(&self, result: Result<Arc<Handler>, String>) {
        *lock(&self.state) = match result {
            Ok(handler) => State::Ready(handler),
            Err(text) => State::Failed(text),
        };
        self.changed.notify_all();
    }

    /// The error holds the text of a failed launch, or none if the time ran out.
    fn wait(&self, timeout: Duration) -> Result<Arc<Handler>, Option<String>> {
        let deadline = Instant::now() + timeout;
        let mut state = lock(&self.state);
        loop {
            match &*state {
                State::Ready(handler) => return Ok(Arc::clone(handler)),
                State::Failed(text) => return Err(Some(text.clone())),
                State::Launching => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(None);
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
