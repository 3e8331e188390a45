//! Which chaincodes are ready, being launched, or failed to launch.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::chaincode::external::ExternalProgram;
use crate::chaincode::handler::Handler;

/// A chaincode that takes transactions.
#[derive(Clone)]
pub enum Launched {
    /// In this process.
    Here(Arc<Handler>),
    /// Behind a stream.
    External(Arc<ExternalProgram>),
}

/// What a launch came to.
pub enum Started {
    /// The chaincode is there.
    Ready(Launched),
    /// The chaincode has to come by itself.
    Awaited,
}

impl Launched {
    fn is_alive(&self) -> bool {
        match self {
            Self::Here(_) => true,
            Self::External(program) => program.is_open(),
        }
    }
}

/// How long one caller waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a launch.
    pub launch: Duration,
    /// For a chaincode to come by itself.
    pub connect: Duration,
}

/// Chaincodes by id. One is handed out only when it is ready and, behind a stream, while that
/// stands.
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
    /// It has to come by itself.
    Awaited,
    Ready(Launched),
    Failed(String),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// The chaincode `ccid`, if it is ready.
    pub fn ready(&self, ccid: &str) -> Option<Launched> {
        match &*lock(&lock(&self.slots).get(ccid)?.state) {
            State::Ready(launched) if launched.is_alive() => Some(launched.clone()),
            _ => None,
        }
    }

    /// Makes a chaincode known that came by itself, unless there is one of its id.
    pub fn register(&self, ccid: &str, program: &Arc<ExternalProgram>) -> Result<(), String> {
        // Held to the end: a slot that is taken out meanwhile would be nobody's.
        let mut slots = lock(&self.slots);
        let (slot, _) = slot(&mut slots, ccid);
        let mut state = lock(&slot.state);
        if matches!(&*state, State::Ready(launched) if launched.is_alive()) {
            return Err(format!("duplicate chaincodeID: {ccid}"));
        }
        *state = State::Ready(Launched::External(Arc::clone(program)));
        slot.changed.notify_all();
        Ok(())
    }

    /// The chaincode `ccid`, launched by `start` if need be. All callers share one launch and each
    /// of them waits on its own. After a failure the next caller launches anew.
    pub fn launch(
        &self,
        ccid: &str,
        patience: Patience,
        start: impl FnOnce() -> Result<Started, String> + Send + 'static,
    ) -> Result<Launched, String> {
        let (slot, first) = slot(&mut lock(&self.slots), ccid);
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
        slot.wait(patience).map_err(|failure| {
            self.forget_failed(ccid, &slot);
            failure.unwrap_or_else(|| {
                format!("timeout expired while starting chaincode {ccid} for transaction")
            })
        })
    }

    /// Lets go of the chaincodes of this process that are not wanted, and gives their ids. Whoever
    /// runs a transaction on one holds it until that ends. Those behind streams stay: they came by
    /// themselves, or end when their stream does.
    pub fn retire(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut retired = Vec::new();
        lock(&self.slots).retain(|ccid, slot| {
            let is_here = matches!(&*lock(&slot.state), State::Ready(Launched::Here(_)));
            let stays = !is_here || is_wanted(ccid);
            if !stays {
                retired.push(ccid.clone());
            }
            stays
        });
        retired
    }

    fn forget_failed(&self, ccid: &str, slot: &Arc<Slot>) {
        let mut slots = lock(&self.slots);
        let same = slots.get(ccid).is_some_and(|current| Arc::ptr_eq(current, slot));
        if same && matches!(*lock(&slot.state), State::Failed(_)) {
            slots.remove(ccid);
        }
    }
}

/// The slot of `ccid`, and whether it was made just now.
fn slot(slots: &mut HashMap<String, Arc<Slot>>, ccid: &str) -> (Arc<Slot>, bool) {
    let dead =
        |slot: &Slot| matches!(&*lock(&slot.state), State::Ready(launched) if !launched.is_alive());
    match slots.get(ccid) {
        Some(slot) if !dead(slot) => (Arc::clone(slot), false),
        _ => {
            let slot = Arc::<Slot>::default();
            slots.insert(ccid.to_owned(), Arc::clone(&slot));
            (slot, true)
        }
    }
}

impl Slot {
    /// A chaincode that came by itself meanwhile stays.
    fn finish(&self, result: Result<Started, String>) {
        let mut state = lock(&self.state);
        if let State::Launching = *state {
            *state = match result {
                Ok(Started::Ready(launched)) => State::Ready(launched),
                Ok(Started::Awaited) => State::Awaited,
                Err(text) => State::Failed(text),
            };
            self.changed.notify_all();
        }
    }

    /// The error holds the text of a failed launch, or none if the time ran out.
    fn wait(&self, patience: Patience) -> Result<Launched, Option<String>> {
        let begin = Instant::now();
        let mut state = lock(&self.state);
        loop {
            let deadline = match &*state {
                State::Ready(launched) => return Ok(launched.clone()),
                State::Failed(text) => return Err(Some(text.clone())),
                State::Launching => begin + patience.launch,
                State::Awaited => begin + patience.connect,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(None);
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaincode::handler::Program;
    use crate::chaincode::native::{NativeChaincode, Stub};
    use crate::types::Response;

    struct Nothing;

    impl NativeChaincode for Nothing {
        fn invoke(&self, _: &mut Stub<'_>) -> Response {
            Response::success("")
        }
    }

    const SOON: Duration = Duration::from_secs(60);
    const PATIENCE: Patience = Patience { launch: SOON, connect: SOON };

    fn launch(registry: &Registry, ccid: &'static str) -> Arc<Handler> {
        let start = move || {
            let handler = Handler::register(ccid, Program::Native(Arc::new(Nothing)));
            Ok(Started::Ready(Launched::Here(Arc::new(handler.map_err(|e| e.to_string())?))))
        };
        match registry.launch(ccid, PATIENCE, start) {
            Ok(Launched::Here(handler)) => handler,
            _ => panic!("{ccid} is not here"),
        }
    }

    #[test]
    fn what_nobody_wants_any_more_is_let_go_of_when_its_transactions_end() {
        let registry = Registry::default();
        let [old, new] = ["cc:1", "cc:2"].map(|ccid| launch(&registry, ccid));
        let gone = Arc::downgrade(&old);
        assert_eq!(registry.retire(|ccid| ccid == "cc:2"), ["cc:1"]);
        assert!(registry.ready("cc:1").is_none() && registry.ready("cc:2").is_some());
        assert!(gone.upgrade().is_some(), "a transaction holds it");
        drop(old);
        assert!(gone.upgrade().is_none());
        // Who has read an older state may still want it.
        assert!(Arc::strong_count(&launch(&registry, "cc:1")) > 1);
        assert!(Arc::ptr_eq(&launch(&registry, "cc:2"), &new));
    }
}
