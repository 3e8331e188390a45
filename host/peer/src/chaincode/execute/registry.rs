//! The chaincodes that are ready or being launched.
//!
//! Invariant: waiting callers hold no thread. A failed launch is reported to its waiting callers,
//! not to later ones.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use tokio::sync::Notify;

use crate::chaincode::execute::error::LaunchError;
use crate::chaincode::execute::handler::Handler;
use crate::chaincode::execute::launch_threads::LaunchThreads;
use crate::chaincode::external::{AbortDial, ExternalProgram, RegistrationError};
use crate::chaincode::timer::within;

/// A chaincode that is ready for transactions.
#[derive(Clone)]
pub(super) enum Launched {
    /// In this process.
    Here(Arc<Handler>),
    /// Behind a stream.
    External(Arc<ExternalProgram>),
}

/// The result of a launch.
pub(super) enum Started {
    /// The chaincode is ready.
    Ready(Launched),
    /// The peer waits for the chaincode to connect.
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

/// The deadlines of one caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaunchPatience {
    /// Deadline for a launch.
    pub launch: Instant,
    /// Deadline for a chaincode to connect by itself.
    pub connect: Instant,
}

/// Chaincodes by id. A chaincode is returned only when it is ready and its stream, if it has one,
/// is open. Dropping the registry ends the streams.
pub(super) struct Registry {
    slots: Mutex<LaunchSlots>,
    threads: Arc<LaunchThreads>,
    /// Counts uses.
    uses: AtomicU64,
    /// Returns the limit on ready chaincodes of this process.
    most: fn() -> usize,
}

type LaunchSlots = HashMap<String, Arc<LaunchSlot>>;

#[derive(Default)]
struct LaunchSlot {
    place: Mutex<SlotState>,
    changed: Notify,
}

#[derive(Default)]
struct SlotState {
    state: LaunchState,
    /// The number of waiting callers.
    waiting: usize,
    /// Called to end the launch when no caller waits any more.
    abort: Option<AbortDial>,
    last_use: u64,
}

#[derive(Default)]
enum LaunchState {
    #[default]
    Launching,
    /// The peer waits for the chaincode to connect.
    Awaited,
    Ready(Launched),
    /// For the waiting callers only; the slot is no longer in the registry.
    Failed(Arc<LaunchError>),
}

/// A launch in progress. If it is dropped, the launch fails.
pub(super) struct Launching {
    registry: Weak<Registry>,
    ccid: String,
    slot: Arc<LaunchSlot>,
    since: Instant,
}

/// A waiting caller.
struct WaitingCaller<'a> {
    registry: &'a Registry,
    ccid: &'a str,
    slot: Arc<LaunchSlot>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// Makes an empty registry. When more than `most()` chaincodes of this process are ready,
    /// releases the least recently used one; a later call launches it again.
    pub(super) fn new(most: fn() -> usize) -> Arc<Self> {
        Arc::new(Self {
            slots: Mutex::default(),
            threads: Arc::default(),
            uses: AtomicU64::new(0),
            most,
        })
    }

    /// Returns the chaincode `ccid`, if it is ready.
    pub(super) fn ready(&self, ccid: &str) -> Option<Launched> {
        let slots = lock(&self.slots);
        let mut place = lock(&slots.get(ccid)?.place);
        place.last_use = self.next_use();
        match &place.state {
            LaunchState::Ready(launched) if launched.is_alive() => Some(launched.clone()),
            _ => None,
        }
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// Registers a chaincode that has connected by itself, unless another one with its id is
    /// connected.
    pub(super) fn register(
        &self,
        ccid: &str,
        program: &Arc<ExternalProgram>,
    ) -> Result<(), RegistrationError> {
        // Held to the end, so that the slot is not removed meanwhile.
        let mut slots = lock(&self.slots);
        let (slot, _) = slot(&mut slots, ccid);
        let mut place = lock(&slot.place);
        if matches!(&place.state, LaunchState::Ready(launched) if launched.is_alive()) {
            return Err(RegistrationError::Duplicate(ccid.to_owned()));
        }
        place.state = LaunchState::Ready(Launched::External(Arc::clone(program)));
        slot.changed.notify_waiters();
        Ok(())
    }

    /// Returns the chaincode `ccid`. If necessary, `start` launches it on a thread for launches.
    /// All callers share one launch, each with its own deadlines. After a failure the next caller
    /// starts a new launch.
    pub(super) async fn launch(
        self: &Arc<Self>,
        ccid: &str,
        patience: LaunchPatience,
        start: impl FnOnce(Launching) + Send + 'static,
    ) -> Result<Launched, Arc<LaunchError>> {
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
        waiting.slot.wait(ccid, patience).await
    }

    /// Counts a waiting caller of `ccid`, and returns whether it is the first one.
    fn wait_for<'a>(&'a self, ccid: &'a str) -> (WaitingCaller<'a>, bool) {
        let (slot, first) = {
            let mut slots = lock(&self.slots);
            let (slot, first) = slot(&mut slots, ccid);
            // Counted under the lock, so that the launch is not aborted for lack of callers.
            lock(&slot.place).waiting += 1;
            (slot, first)
        };
        (WaitingCaller { registry: self, ccid, slot }, first)
    }

    /// Removes the chaincodes of this process that are not wanted, and returns their ids. A running
    /// transaction holds its chaincode until it ends. Chaincodes behind streams stay: they
    /// connected by themselves, or end with their stream.
    pub(super) fn retire(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut retired = Vec::new();
        lock(&self.slots).retain(|ccid, slot| {
            let is_here = matches!(&lock(&slot.place).state, LaunchState::Ready(Launched::Here(_)));
            let stays = !is_here || is_wanted(ccid);
            if !stays {
                retired.push(ccid.clone());
            }
            stays
        });
        retired
    }
}

/// Removes the least recently used chaincodes of this process until `most` are left. `new` has just
/// become ready. A running transaction holds its chaincode until it ends.
fn keep_last_used(slots: &mut LaunchSlots, new: &str, most: usize) {
    let last_use = |slot: &LaunchSlot| {
        let place = lock(&slot.place);
        let is_here = matches!(place.state, LaunchState::Ready(Launched::Here(_)));
        is_here.then_some(place.last_use)
    };
    let others = slots.iter().filter(|(ccid, _)| *ccid != new);
    let used = others.filter_map(|(ccid, slot)| Some((last_use(slot)?, ccid.clone())));
    let mut used: Vec<_> = used.collect();
    let over = (used.len() + 1).saturating_sub(most);
    used.sort_unstable();
    for (_, chaincode) in used.into_iter().take(over) {
        tracing::info!(%chaincode, "released: many other chaincodes were called since");
        slots.remove(&chaincode);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        for slot in lock(&self.slots).values() {
            let program = match &lock(&slot.place).state {
                LaunchState::Ready(Launched::External(program)) => Arc::clone(program),
                _ => continue,
            };
            program.close();
        }
    }
}

/// Returns the slot of `ccid`, and whether it is new.
fn slot(slots: &mut LaunchSlots, ccid: &str) -> (Arc<LaunchSlot>, bool) {
    let is_dead = |slot: &LaunchSlot| match &lock(&slot.place).state {
        LaunchState::Ready(launched) => !launched.is_alive(),
        _ => false,
    };
    match slots.get(ccid) {
        Some(slot) if !is_dead(slot) => (Arc::clone(slot), false),
        _ => {
            let slot = Arc::<LaunchSlot>::default();
            slots.insert(ccid.to_owned(), Arc::clone(&slot));
            (slot, true)
        }
    }
}

/// Removes a slot whose launch has failed, so that the next caller makes a new one.
fn forget(slots: &mut LaunchSlots, ccid: &str, slot: &Arc<LaunchSlot>) {
    if slots.get(ccid).is_some_and(|current| Arc::ptr_eq(current, slot)) {
        slots.remove(ccid);
    }
}

impl LaunchSlot {
    async fn wait(
        &self,
        ccid: &str,
        patience: LaunchPatience,
    ) -> Result<Launched, Arc<LaunchError>> {
        loop {
            let mut changed = pin!(self.changed.notified());
            // No change is missed after this.
            changed.as_mut().enable();
            let deadline = match &lock(&self.place).state {
                LaunchState::Ready(launched) => return Ok(launched.clone()),
                LaunchState::Failed(why) => return Err(Arc::clone(why)),
                LaunchState::Launching => patience.launch,
                LaunchState::Awaited => patience.connect,
            };
            if within(deadline, changed).await.is_err() {
                wasmcc_metrics::get().launches.timed_out(ccid);
                return Err(Arc::new(LaunchError::Timeout { ccid: ccid.to_owned() }));
            }
        }
    }
}

impl Launching {
    /// Returns the id of the chaincode.
    pub(super) fn ccid(&self) -> &str {
        &self.ccid
    }

    /// Returns the registry that the launched chaincode belongs to.
    pub(super) fn registry(&self) -> Weak<Registry> {
        Weak::clone(&self.registry)
    }

    /// Ends the launch. Returns false if the result is ignored: only the first result counts, and a
    /// chaincode that connected by itself meanwhile stays.
    pub(super) fn finish(&self, result: Result<Started, LaunchError>) -> bool {
        let registry = self.registry.upgrade();
        let mut slots = registry.as_ref().map(|registry| lock(&registry.slots));
        let mut place = lock(&self.slot.place);
        if !matches!(place.state, LaunchState::Launching) {
            return false;
        }
        // The launch can no longer be aborted.
        let abort = place.abort.take();
        if !matches!(result, Ok(Started::Awaited)) {
            let launches = &wasmcc_metrics::get().launches;
            launches.launched(&self.ccid, self.since.elapsed(), result.is_ok());
        }
        let is_here = matches!(result, Ok(Started::Ready(Launched::Here(_))));
        place.last_use = registry.as_ref().map_or(0, |registry| registry.next_use());
        place.state = match result {
            Ok(Started::Ready(launched)) => LaunchState::Ready(launched),
            Ok(Started::Awaited) => LaunchState::Awaited,
            Err(why) => {
                if let Some(slots) = &mut slots {
                    forget(slots, &self.ccid, &self.slot);
                }
                LaunchState::Failed(Arc::new(why))
            }
        };
        self.slot.changed.notify_waiters();
        drop((place, abort));
        if let (true, Some(registry), Some(slots)) = (is_here, &registry, &mut slots) {
            keep_last_used(slots, &self.ccid, (registry.most)());
        }
        true
    }

    /// Sets `abort`, which is called when no caller waits for the launch any more.
    pub(super) fn abort_with(&self, abort: AbortDial) {
        let mut place = lock(&self.slot.place);
        if !matches!(place.state, LaunchState::Launching) {
            drop(place);
            // The launch may have been given up before `abort` was set.
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
        self.finish(Err(LaunchError::Abandoned));
        abort();
    }

    fn is_ready(&self) -> bool {
        matches!(lock(&self.slot.place).state, LaunchState::Ready(_))
    }
}

impl Drop for Launching {
    fn drop(&mut self) {
        self.finish(Err(LaunchError::Unfinished));
    }
}

impl Drop for WaitingCaller<'_> {
    fn drop(&mut self) {
        let mut slots = lock(&self.registry.slots);
        let mut place = lock(&self.slot.place);
        place.waiting -= 1;
        if place.waiting > 0 || !matches!(place.state, LaunchState::Launching) {
            return;
        }
        // A launch without `abort` ends by itself, and the next caller may use its result.
        let Some(abort) = place.abort.take() else { return };
        place.state = LaunchState::Failed(Arc::new(LaunchError::Abandoned));
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
    use crate::chaincode::native::{NativeChaincode, NativeError, Stub};
    use wasmcc_runtime::wait;

    struct Nothing;

    impl NativeChaincode for Nothing {
        fn invoke(&self, _: &mut Stub<'_>) -> Result<Vec<u8>, NativeError> {
            Ok(Vec::new())
        }
    }

    fn patience() -> LaunchPatience {
        let soon = Instant::now() + Duration::from_secs(60);
        LaunchPatience { launch: soon, connect: soon }
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

    fn failure(launched: Result<Launched, Arc<LaunchError>>) -> String {
        launched.err().unwrap().to_string()
    }

    #[test]
    fn a_failed_launch_is_told_to_those_who_waited_for_it_only() {
        let registry = Registry::new(|| usize::MAX);
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let start = move |launching: Launching| {
            may_go_on.recv().unwrap();
            launching.finish(Err(LaunchError::NoDialer));
        };
        let mut first = pin!(registry.launch("cc:1", patience(), start));
        let mut second = pin!(registry.launch("cc:1", patience(), |_| panic!("there is one")));
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        go_on.send(()).unwrap();
        let text = LaunchError::NoDialer.to_string();
        assert_eq!(failure(wait(first)), text);
        let third = registry.launch("cc:1", patience(), |launching| {
            launching.finish(Err(LaunchError::Abandoned));
        });
        let later = LaunchError::Abandoned.to_string();
        assert_eq!(failure(wait(third)), later, "though one has not heard of the first yet");
        assert_eq!(failure(wait(second)), text);
        assert!(lock(&registry.slots).is_empty());
    }

    #[test]
    fn a_launch_that_panics_has_failed() {
        let registry = Registry::new(|| usize::MAX);
        let failed = wait(registry.launch("cc:1", patience(), |_| panic!("on purpose")));
        assert_eq!(failure(failed), "the launch was interrupted; the peer's log has the reason");
    }

    #[test]
    fn a_connection_that_nobody_waits_for_ends() {
        let registry = Registry::new(|| usize::MAX);
        let (sender, receiver) = std::sync::mpsc::channel();
        let start = move |launching: Launching| {
            let launching = Arc::new(launching);
            let its = Arc::clone(&launching);
            let (aborted, has_aborted) = std::sync::mpsc::channel();
            launching.abort_with(Box::new(move || {
                aborted.send(its.finish(Err(LaunchError::NoDialer))).unwrap();
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
    fn of_many_those_that_were_called_last_are_ready() {
        let registry = Registry::new(|| 2);
        let first = launch(&registry, "cc:1");
        launch(&registry, "cc:2");
        assert!(registry.ready("cc:1").is_some(), "it is called again");
        launch(&registry, "cc:3");
        let ready = ["cc:1", "cc:2", "cc:3"].map(|ccid| lock(&registry.slots).contains_key(ccid));
        assert_eq!(ready, [true, false, true]);
        launch(&registry, "cc:2");
        let again = launch(&registry, "cc:1");
        assert!(!Arc::ptr_eq(&first, &again), "a running transaction holds the one of before");
        assert_eq!(lock(&registry.slots).len(), 2);
    }

    #[test]
    fn what_nobody_wants_any_more_is_let_go_of_when_its_transactions_end() {
        let registry = Registry::new(|| usize::MAX);
        let [old, new] = ["cc:1", "cc:2"].map(|ccid| launch(&registry, ccid));
        let gone = Arc::downgrade(&old);
        assert_eq!(registry.retire(|ccid| ccid == "cc:2"), ["cc:1"]);
        assert!(registry.ready("cc:1").is_none() && registry.ready("cc:2").is_some());
        assert!(gone.upgrade().is_some(), "a transaction holds it");
        drop(old);
        // The thread that has launched it may hold it a moment longer.
        let end = patience().launch;
        while gone.upgrade().is_some() {
            assert!(Instant::now() < end, "somebody holds it");
            std::thread::yield_now();
        }
        // A transaction that has read an older state may still need it.
        assert!(Arc::strong_count(&launch(&registry, "cc:1")) > 1);
        assert!(Arc::ptr_eq(&launch(&registry, "cc:2"), &new));
    }
}
