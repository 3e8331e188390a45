//! Instances that are made before a transaction needs one, while a core is idle.
//!
//! Invariant: a transaction cannot tell whether its instance was made ahead. One that asks its host
//! for anything while it starts is never made ahead, since the answer is the transaction's; fuel
//! and memory of the start are counted as if it started now.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use wasmtime::{CallHook, Engine, PoolConcurrencyLimitError, Store};

use crate::engine;
use crate::failure::{Failure, Stop};
use crate::guest_memory::GuestMemory;
use crate::held::Held;
use crate::instance_count::Needs;
use crate::limits::Limits;
use crate::memory::{MemoryLimiter, Sizes};
use crate::ready::{Before, Ready};
use crate::spent::Spent;
use crate::tx_state::TxState;
use crate::versions::ContractPre;
use crate::wait::wait;

/// Instances that one component has ready at most: those that a single client calls one after the
/// other between two rounds.
const MOST_OF_ONE: usize = 32;
/// For so many places of transactions, the pool has one for an instance that is made ahead, and one
/// for an instance that is not dropped yet.
const PART_OF_POOL: u32 = 32;
/// Of the memory that guests share, those that are ready may hold one part in so many, and those
/// that are not dropped yet another one.
const PART_OF_MEMORY: usize = 16;
/// Handles that a guest may keep beside those of open iterators: of iterators that came to their
/// end, and of WASI. Each costs the fuel of a call.
const MAX_HANDLES: usize = 10_000;
/// Fuel for starting an instance ahead of need: what takes about a millisecond.
const START_FUEL: u64 = 1_000_000;
/// A component that was not called for so many rounds, a minute, has none ready.
const ROUNDS_UNUSED: usize = 6_000;

/// The instances of all components that are ready.
pub(crate) struct Ahead {
    engine: Engine,
    limits: Arc<Limits>,
    memory: GuestMemory,
    cores: usize,
    /// How much may be ready.
    most: Held,
    /// From so many running transactions on, the pool is theirs.
    busy: usize,
    running: AtomicUsize,
    shelves: Mutex<Vec<Weak<Shelf>>>,
    spent: Spent,
}

/// A linked component, and its instances that are ready.
pub(crate) struct Shelf {
    pre: ContractPre,
    size: Size,
    ready: Mutex<Vec<Ready>>,
    /// Bytes that one which is ready holds at most; 0 before the first.
    bytes: AtomicUsize,
    /// Transactions since the last round.
    called: AtomicUsize,
    /// Rounds without a call; and how many it should have ready. Only the rounds change them.
    unused: AtomicUsize,
    wanted: AtomicUsize,
    is_listed: AtomicBool,
    /// It needs its transaction to start.
    cannot: AtomicBool,
}

/// What each instance of a component takes.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    places: usize,
    at_start: Sizes,
}

/// Counts a transaction that runs, until it is dropped.
pub(crate) struct Running(Arc<Ahead>);

impl Running {
    /// Ends the sandbox of a transaction whose instance was ready. It is dropped at once only if no
    /// core is idle. Returns the transaction's state.
    pub(crate) fn end(&self, mut store: Store<TxState>, before: Before) -> TxState {
        let (state, held) = before.restore(&mut store);
        if self.0.is_idle() {
            self.0.spent.put(store, held);
        }
        state
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Ahead {
    /// Without instances yet. A pool of `instances` has a place for some of them; 0 for none.
    pub(crate) fn new(
        engine: &Engine,
        limits: Arc<Limits>,
        memory: GuestMemory,
        instances: u32,
    ) -> Arc<Self> {
        let count = |instances: u32| usize::try_from(instances).unwrap_or(usize::MAX);
        let is_affordable = limits.fuel >= START_FUEL;
        let most = Held {
            places: if is_affordable { count(instances / PART_OF_POOL) } else { 0 },
            bytes: memory.shared().1 / PART_OF_MEMORY,
        };
        Arc::new(Self {
            engine: engine.clone(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            most,
            busy: count(limits.instances / 4).max(1),
            limits,
            memory,
            running: AtomicUsize::new(0),
            shelves: Mutex::default(),
            spent: Spent::new(most),
        })
    }

    /// A store for an instance.
    pub(crate) fn store(engine: &Engine, state: TxState) -> Store<TxState> {
        let handles = (state.limits().open_iterators as usize).saturating_add(MAX_HANDLES);
        let bytes = state.limits().host_call_bytes;
        let mut store = Store::new(engine, state);
        store.limiter(|state| state.memory());
        store.set_hostcall_fuel(bytes);
        store.set_max_component_handles(handles);
        store
    }

    /// Counts a transaction that begins. If there are many, they get the whole pool.
    pub(crate) fn enter(self: &Arc<Self>) -> Running {
        if self.running.fetch_add(1, Ordering::Relaxed) >= self.busy {
            self.give_up();
        }
        Running(Arc::clone(self))
    }

    /// Takes an instance that is ready, if there is one.
    pub(crate) fn take(&self, shelf: &Arc<Shelf>) -> Option<Ready> {
        if self.most.places == 0 || shelf.cannot.load(Ordering::Relaxed) {
            return None;
        }
        shelf.called.fetch_add(1, Ordering::Relaxed);
        self.list(shelf);
        lock(&shelf.ready).pop()
    }

    /// Makes sure that an instance is ready now, even if none was called for. Returns whether there
    /// is one.
    pub(crate) fn prepare(&self, shelf: &Arc<Shelf>) -> bool {
        if self.most.places == 0 || shelf.cannot.load(Ordering::Relaxed) {
            return false;
        }
        self.list(shelf);
        self.spent.clear();
        let mut held = held_by(&self.listed());
        if lock(&shelf.ready).is_empty() {
            self.add(shelf, &mut held);
        }
        !lock(&shelf.ready).is_empty()
    }

    fn list(&self, shelf: &Arc<Shelf>) {
        if !shelf.is_listed.load(Ordering::Relaxed)
            && !shelf.is_listed.swap(true, Ordering::Relaxed)
        {
            lock(&self.shelves).push(Arc::downgrade(shelf));
        }
    }

    /// Drops all that no transaction has: others need their memory or places.
    pub(crate) fn give_up(&self) {
        self.spent.clear();
        for shelf in self.listed() {
            drop(shelf.above(0));
        }
    }

    /// One round: drops what is spent, and makes what components should have ready, as long as a
    /// core is idle.
    pub(crate) fn round(&self) {
        self.spent.clear();
        let (taken, limit) = self.memory.shared();
        if taken > limit / 2 {
            return self.give_up();
        }
        let shelves = self.listed();
        let mut held = held_by(&shelves);
        for shelf in shelves {
            let wanted = shelf.next_wanted();
            drop(shelf.above(wanted));
            while lock(&shelf.ready).len() < wanted && self.is_idle() {
                if !self.add(&shelf, &mut held) {
                    break;
                }
            }
        }
    }

    /// Makes one more, if it does not take too much beside what all hold.
    fn add(&self, shelf: &Shelf, held: &mut Held) -> bool {
        if !held.and(shelf.one()).fits(self.most) {
            return false;
        }
        let Some(ready) = self.make(shelf) else { return false };
        // Now it is known how much the start writes.
        shelf.bytes.store(ready.bytes(), Ordering::Relaxed);
        let all = held.and(shelf.one());
        if !all.fits(self.most) {
            return false;
        }
        *held = all;
        lock(&shelf.ready).push(ready);
        true
    }

    /// The components that were called lately. Forgets the others.
    fn listed(&self) -> Vec<Arc<Shelf>> {
        let mut shelves = lock(&self.shelves);
        let mut listed = Vec::with_capacity(shelves.len());
        shelves.retain(|shelf| {
            let Some(shelf) = shelf.upgrade() else { return false };
            let is_used = shelf.unused.load(Ordering::Relaxed) < ROUNDS_UNUSED
                && !shelf.cannot.load(Ordering::Relaxed);
            if !is_used {
                shelf.unused.store(0, Ordering::Relaxed);
                shelf.is_listed.store(false, Ordering::Relaxed);
            }
            listed.push(shelf);
            is_used
        });
        listed
    }

    fn is_idle(&self) -> bool {
        self.running.load(Ordering::Relaxed) < self.cores
    }

    /// Makes an instance. None if there is no place for it, or if it cannot start by itself.
    fn make(&self, shelf: &Shelf) -> Option<Ready> {
        let mut memory = MemoryLimiter::new(Arc::clone(&self.limits));
        memory.set(shelf.size.at_start).ok()?;
        let mut store = Self::store(&self.engine, TxState::of_nobody(memory));
        store.set_fuel(START_FUEL).ok()?;
        // Its fuel stops it.
        store.set_epoch_deadline(u64::from(u32::MAX));
        store.call_hook(|_, at| match at {
            CallHook::CallingHost => Err(Stop(Failure::Host("it starts alone".into())).into()),
            _ => Ok(()),
        });
        match wait(shelf.pre.instantiate(&mut store)) {
            Ok(contract) => {
                let fuel = START_FUEL - store.get_fuel().unwrap_or(0);
                let sizes = store.data_mut().memory().sizes();
                Some(Ready { store, contract, fuel, sizes })
            }
            Err(error) if error.is::<PoolConcurrencyLimitError>() => None,
            Err(_) => {
                shelf.cannot.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}

impl Shelf {
    pub(crate) fn new(pre: ContractPre, size: Size) -> Arc<Self> {
        Arc::new(Self {
            pre,
            size,
            ready: Mutex::default(),
            bytes: AtomicUsize::new(0),
            called: AtomicUsize::new(0),
            unused: AtomicUsize::new(0),
            wanted: AtomicUsize::new(0),
            is_listed: AtomicBool::new(false),
            cannot: AtomicBool::new(false),
        })
    }

    /// The linked component.
    pub(crate) fn pre(&self) -> &ContractPre {
        &self.pre
    }

    /// How many places an instance takes.
    pub(crate) fn places(&self) -> usize {
        self.size.places
    }

    /// What an instance has before its code has run.
    pub(crate) fn at_start(&self) -> Sizes {
        self.size.at_start
    }

    fn one(&self) -> Held {
        Held { places: self.size.places, bytes: self.bytes.load(Ordering::Relaxed) }
    }

    /// How many should be ready until the next round: as many as were called for since the last
    /// one, and, as calls become fewer, one less each round.
    fn next_wanted(&self) -> usize {
        let called = self.called.swap(0, Ordering::Relaxed);
        let unused = if called == 0 { self.unused.load(Ordering::Relaxed) + 1 } else { 0 };
        self.unused.store(unused, Ordering::Relaxed);
        let before = self.wanted.load(Ordering::Relaxed);
        let least = usize::from(unused < ROUNDS_UNUSED);
        let wanted = called.max(before.saturating_sub(1)).clamp(least, MOST_OF_ONE);
        self.wanted.store(wanted, Ordering::Relaxed);
        wanted
    }

    /// Takes those beyond `count` out, to be dropped without the lock.
    fn above(&self, count: usize) -> Vec<Ready> {
        let mut ready = lock(&self.ready);
        let count = count.min(ready.len());
        ready.split_off(count)
    }
}

impl Size {
    pub(crate) fn of(needs: Needs) -> Self {
        let beside = usize::try_from(needs.state_bytes).unwrap_or(usize::MAX);
        Self { places: engine::places_of(needs), at_start: Sizes { memories: 0, beside } }
    }
}

/// Places that a pool for so many transactions has for instances that no transaction has.
pub(crate) fn places(instances: u32) -> u32 {
    instances / PART_OF_POOL * 2
}

/// What the instances that are ready hold.
fn held_by(shelves: &[Arc<Shelf>]) -> Held {
    let all = shelves.iter().map(|shelf| shelf.one().times(lock(&shelf.ready).len()));
    all.fold(Held::default(), Held::and)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
