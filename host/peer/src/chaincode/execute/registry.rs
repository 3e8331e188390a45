//! Which chaincodes are ready or being launched.
//!
//! Invariant: whoever waits here holds no thread, and a failed launch is told to those who waited
//! for it, not to those who come later.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use tokio::sync::Notify;

use crate::chaincode::execute::handler::Handler;
use crate::chaincode::execute::launch_threads::LaunchThreads;
use crate::chaincode::external::{Abort, ExternalProgram};
use crate::chaincode::timer::within;

/// A chaincode that takes transactions.
#[derive(Clone)]
pub(super) enum Launched {
    /// In this process.
    Here(Arc<Handler>),
    /// Behind a stream.
    External(Arc<ExternalProgram>),
}

/// What a launch came to.
pub(super) enum Started {
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
pub(super) struct Patience {
    /// For a launch.
    pub launch: Instant,
    /// For a chaincode to come by itself.
    pub connect: Instant,
}

/// Chaincodes by id. One is handed out only when it is ready and, behind a stream, while that
/// stands. Dropping the registry ends the streams.
#[derive(Default)]
pub(super) struct Registry {
    slots: Mutex<Slots>,
    threads: Arc<LaunchThreads>,
}

type Slots = HashMap<String, Arc<Slot>>;

#[derive(Default)]
struct Slot {
    place: Mutex<Place>,
    changed: Notify,
}

#[derive(Default)]
struct Place {
    state: State,
    /// Callers that wait.
    waiting: usize,
    /// Ends the launch when nobody waits any more.
    abort: Option<Abort>,
}

#[derive(Default)]
enum State {
    #[default]
    Launching,
    /// It has to come by itself.
    Awaited,
    Ready(Launched),
    /// For those who wait; the slot is not in the registry any more.
    Failed(String),
}

/// A launch that goes on. Dropping it is its failure.
pub(super) struct Launching {
    registry: Weak<Registry>,
    ccid: String,
    slot: Arc<Slot>,
    since: Instant,
}

/// One caller that waits.
struct Waiting<'a> {
    registry: &'a Registry,
    ccid: &'a str,
    slot: Arc<Slot>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// The chaincode `ccid`, if it is ready.
    pub(super) fn ready(&self, ccid: &str) -> Option<Launched> {
        match &lock(&lock(&self.slots).get(ccid)?.place).state {
            State::Ready(launched) if launched.is_alive() => Some(launched.clone()),
            _ => None,
        }
    }

    /// Makes a chaincode known that came by itself, unless there is one of its id.
    pub(super) fn register(
        &self,
        ccid: &str,
        program: &Arc<ExternalProgram>,
    ) -> Result<(), String> {
        // Held to the end: a slot that is taken out meanwhile would be nobody's.
        let mut slots = lock(&self.slots);
        let (slot, _) = slot(&mut slots, ccid);
        let mut place = lock(&slot.place);
        if matches!(&place.state, State::Ready(launched) if launched.is_alive()) {
            return Err(format!("duplicate chaincodeID: {ccid}"));
        }
        place.state = State::Ready(Launched::External(Arc::clone(program)));
        slot.changed.notify_waiters();
        Ok(())
    }

    /// The chaincode `ccid`, launched by `start` if need be, on a thread for launches. All callers
    /// share one launch and each of them waits on its own. After a failure the next caller launches
    /// anew.
    pub(super) async fn launch(
        self: &Arc<Self>,
        ccid: &str,
        patience: Patience,
        start: impl FnOnce(Launching) + Send + 'static,
    ) -> Result<Launched, String> {
        let (waiting, first) = self.wait_for(ccid);
        if first {
            let launching = Launching {
                registry: Arc::downgrade(self),
                ccid: ccid.to_owned(),
                slot: Arc::clone(&waiting.slot),
                since: Instant::now(),
            };
            self.threads.run(Box::new(move || start(launching)));
        }
        waiting.slot.wait(patience).await.map_err(|failure| {
            failure.unwrap_or_else(|| {
                wasmcc_metrics::get().launches.timed_out(ccid);
                format!("timeout expired while starting chaincode {ccid} for transaction")
            })
        })
    }

    /// A caller of `ccid`, and whether it is the first.
    fn wait_for<'a>(&'a self, ccid: &'a str) -> (Waiting<'a>, bool) {
        let (slot, first) = {
            let mut slots = lock(&self.slots);
            let (slot, first) = slot(&mut slots, ccid);
            // Before anybody can see that nobody waits.
            lock(&slot.place).waiting += 1;
            (slot, first)
        };
        (Waiting { registry: self, ccid, slot }, first)
    }

    /// Lets go of the chaincodes of this process that are not wanted, and gives their ids. Whoever
    /// runs a transaction on one holds it until that ends. Those behind streams stay: they came by
    /// themselves, or end when their stream does.
    pub(super) fn retire(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut retired = Vec::new();
        lock(&self.slots).retain(|ccid, slot| {
            let is_here = matches!(&lock(&slot.place).state, State::Ready(Launched::Here(_)));
            let stays = !is_here || is_wanted(ccid);
            if !stays {
                retired.push(ccid.clone());
            }
            stays
        });
        retired
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        for slot in lock(&self.slots).values() {
            let program = match &lock(&slot.place).state {
                State::Ready(Launched::External(program)) => Arc::clone(program),
                _ => continue,
            };
            program.close();
        }
    }
}

/// The slot of `ccid`, and whether it was made just now.
fn slot(slots: &mut Slots, ccid: &str) -> (Arc<Slot>, bool) {
    let is_dead = |slot: &Slot| match &lock(&slot.place).state {
        State::Ready(launched) => !launched.is_alive(),
        _ => false,
    };
    match slots.get(ccid) {
        Some(slot) if !is_dead(slot) => (Arc::clone(slot), false),
        _ => {
            let slot = Arc::<Slot>::default();
            slots.insert(ccid.to_owned(), Arc::clone(&slot));
            (slot, true)
        }
    }
}

/// Takes a slot out whose launch has failed, so that the next caller makes another.
fn forget(slots: &mut Slots, ccid: &str, slot: &Arc<Slot>) {
    if slots.get(ccid).is_some_and(|current| Arc::ptr_eq(current, slot)) {
        slots.remove(ccid);
    }
}

impl Slot {
    /// The error holds the text of a failed launch, or none if the time ran out.
    async fn wait(&self, patience: Patience) -> Result<Launched, Option<String>> {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let deadline = match &lock(&self.place).state {
                State::Ready(launched) => return Ok(launched.clone()),
                State::Failed(text) => return Err(Some(text.clone())),
                State::Launching => patience.launch,
                State::Awaited => patience.connect,
            };
            if within(deadline, changed).await.is_err() {
                return Err(None);
            }
        }
    }
}

impl Launching {
    /// What is launched.
    pub(super) fn ccid(&self) -> &str {
        &self.ccid
    }

    /// Ends the launch; whether the result counts. A chaincode that came by itself meanwhile stays,
    /// and only the first result counts.
    pub(super) fn finish(&self, result: Result<Started, String>) -> bool {
        let registry = self.registry.upgrade();
        let mut slots = registry.as_ref().map(|registry| lock(&registry.slots));
        let mut place = lock(&self.slot.place);
        if !matches!(place.state, State::Launching) {
            return false;
        }
        // Nobody may abort it any more.
        let abort = place.abort.take();
        if !matches!(result, Ok(Started::Awaited)) {
            let launches = &wasmcc_metrics::get().launches;
            launches.launched(&self.ccid, self.since.elapsed(), result.is_ok());
        }
        place.state = match result {
            Ok(Started::Ready(launched)) => State::Ready(launched),
            Ok(Started::Awaited) => State::Awaited,
            Err(text) => {
                if let Some(slots) = &mut slots {
                    forget(slots, &self.ccid, &self.slot);
                }
                State::Failed(text)
            }
        };
        self.slot.changed.notify_waiters();
        drop((place, slots, abort));
        true
    }

    /// `abort` ends what the launch waits for, when nobody waits for the launch any more.
    pub(super) fn abort_with(&self, abort: Abort) {
        let mut place = lock(&self.slot.place);
        if !matches!(place.state, State::Launching) {
            drop(place);
            // The launch may have been given up before there was anything to end.
            if !self.is_ready() {
                abort();
            }
            return;
        }
        if place.waiting > 0 {
            place.abort = Some(abort);
            return;
        }
        drop(place);
        self.finish(Err("nobody waits for it".into()));
        abort();
    }

    fn is_ready(&self) -> bool {
        matches!(lock(&self.slot.place).state, State::Ready(_))
    }
}

impl Drop for Launching {
    fn drop(&mut self) {
        self.finish(Err("the launch did not come to its end, see the log".into()));
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut slots = lock(&self.registry.slots);
        let mut place = lock(&self.slot.place);
        place.waiting -= 1;
        if place.waiting > 0 || !matches!(place.state, State::Launching) {
            return;
        }
        // Without it the launch comes to an end by itself, and the next caller may use what it
        // gives.
        let Some(abort) = place.abort.take() else { return };
        place.state = State::Failed("nobody waits for it".into());
        forget(&mut slots, self.ccid, &self.slot);
        drop((place, slots));
        abort();
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::*;
    use crate::chaincode::execute::handler::Program;
    use crate::chaincode::native::{NativeChaincode, Stub};
    use wasmcc_runtime::wait;
    use wasmcc_types::Response;

    struct Nothing;

    impl NativeChaincode for Nothing {
        fn invoke(&self, _: &mut Stub<'_>) -> Response {
            Response::success("")
        }
    }

    fn patience() -> Patience {
        let soon = Instant::now() + Duration::from_secs(60);
        Patience { launch: soon, connect: soon }
    }

    fn launch(registry: &Arc<Registry>, ccid: &'static str) -> Arc<Handler> {
        let start = move |launching: Launching| {
            let handler = Handler::register(ccid, Program::Native(Arc::new(Nothing))).unwrap();
            launching.finish(Ok(Started::Ready(Launched::Here(Arc::new(handler)))));
        };
        match wait(registry.launch(ccid, patience(), start)) {
            Ok(Launched::Here(handler)) => handler,
            _ => panic!("{ccid} is not here"),
        }
    }

    fn failure(launched: Result<Launched, String>) -> String {
        launched.err().unwrap()
    }

    #[test]
    fn a_failed_launch_is_told_to_those_who_waited_for_it_only() {
        let registry = Arc::<Registry>::default();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let start = move |launching: Launching| {
            may_go_on.recv().unwrap();
            launching.finish(Err("first".into()));
        };
        let mut first = pin!(registry.launch("cc:1", patience(), start));
        let mut second = pin!(registry.launch("cc:1", patience(), |_| panic!("there is one")));
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        go_on.send(()).unwrap();
        assert_eq!(failure(wait(first)), "first");
        let third = registry.launch("cc:1", patience(), |launching| {
            launching.finish(Err("third".into()));
        });
        assert_eq!(failure(wait(third)), "third", "though one has not heard of the first yet");
        assert_eq!(failure(wait(second)), "first");
        assert!(lock(&registry.slots).is_empty());
    }

    #[test]
    fn a_launch_that_panics_has_failed() {
        let registry = Arc::<Registry>::default();
        let failed = wait(registry.launch("cc:1", patience(), |_| panic!("on purpose")));
        assert_eq!(failure(failed), "the launch did not come to its end, see the log");
    }

    #[test]
    fn a_connection_that_nobody_waits_for_ends() {
        let registry = Arc::<Registry>::default();
        let (sender, receiver) = std::sync::mpsc::channel();
        let start = move |launching: Launching| {
            let launching = Arc::new(launching);
            let its = Arc::clone(&launching);
            let (aborted, has_aborted) = std::sync::mpsc::channel();
            launching.abort_with(Box::new(move || {
                aborted.send(its.finish(Err("too late".into()))).unwrap();
            }));
            sender.send(has_aborted).unwrap();
        };
        let mut waiting = Box::pin(registry.launch("cc:1", patience(), start));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        let has_aborted = receiver.recv().unwrap();
        assert!(has_aborted.try_recv().is_err());
        drop(waiting);
        assert!(!has_aborted.recv().unwrap());
        assert!(lock(&registry.slots).is_empty());
    }

    #[test]
    fn what_nobody_wants_any_more_is_let_go_of_when_its_transactions_end() {
        let registry = Arc::<Registry>::default();
        let [old, new] = ["cc:1", "cc:2"].map(|ccid| launch(&registry, ccid));
        let gone = Arc::downgrade(&old);
        assert_eq!(registry.retire(|ccid| ccid == "cc:2"), ["cc:1"]);
        assert!(registry.ready("cc:1").is_none() && registry.ready("cc:2").is_some());
        assert!(gone.upgrade().is_some(), "a transaction holds it");
        drop(old);
        // The thread that has launched it may hold it for a moment longer.
        let end = patience().launch;
        while gone.upgrade().is_some() {
            assert!(Instant::now() < end, "somebody holds it");
            std::thread::yield_now();
        }
        // Who has read an older state may still want it.
        assert!(Arc::strong_count(&launch(&registry, "cc:1")) > 1);
        assert!(Arc::ptr_eq(&launch(&registry, "cc:2"), &new));
    }
}
