//! Instances that are made before a transaction needs one, while a core is idle.
//!
//! Invariant: a transaction cannot detect whether its instance was made ahead. A component that
//! calls its host while it starts is never started ahead, because the answer depends on the
//! transaction. Fuel and memory of the start are counted as if it started now.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use wasmtime::{CallHook, Engine, PoolConcurrencyLimitError, Store};

use crate::engine;
use crate::failure::{Failure, Stop};
use crate::guest_memory::{GuestMemory, SharedMemory};
use crate::held::Held;
use crate::instance_count::Needs;
use crate::limits::Limits;
use crate::memory::{MemoryLimiter, Sizes};
use crate::ready::{Before, Ready};
use crate::spent::Spent;
use crate::tx_state::TxState;
use crate::versions::ContractPre;
use crate::wait::wait;

/// Limit on the ready instances of one component: enough for the calls that a single client makes,
/// one after the other, between two rounds.
const MOST_OF_ONE: usize = 32;
/// The pool has one slot for a ready instance, and one for an instance that is not dropped yet, for
/// every `PART_OF_POOL` slots of transactions.
const PART_OF_POOL: u32 = 32;
/// Ready instances may hold this fraction of the memory that guests share. Instances that are not
/// dropped yet may hold as much again.
const PART_OF_MEMORY: usize = 16;
/// Handles that a guest may keep in addition to those of open iterators: of finished iterators and
/// of WASI. Each costs the fuel of a call.
const MAX_HANDLES: usize = 10_000;
/// Fuel for starting an instance ahead of need: about a millisecond of work.
const START_FUEL: u64 = 1_000_000;
/// A component that was not called for this number of rounds, a minute, has no ready instance.
const ROUNDS_UNUSED: usize = 6_000;

/// The ready instances of all components.
pub(crate) struct Ahead {
    engine: Engine,
    limits: Arc<Limits>,
    memory: GuestMemory,
    cores: usize,
    /// Limit on what ready instances hold.
    most: Held,
    /// With this number of running transactions or more, no instance is kept ready: the
    /// transactions get the whole pool.
    busy: usize,
    running: AtomicUsize,
    shelves: Mutex<Vec<Weak<Shelf>>>,
    spent: Spent,
}

/// A linked component, and its ready instances.
pub(crate) struct Shelf {
    pre: ContractPre,
    size: Size,
    ready: Mutex<Vec<Ready>>,
    /// Upper bound of the bytes that one ready instance holds; 0 before the first.
    bytes: AtomicUsize,
    /// Transactions since the last round.
    called: AtomicUsize,
    /// Rounds without a call, and the number of instances to keep ready. Only the rounds change
    /// them.
    unused: AtomicUsize,
    wanted: AtomicUsize,
    is_listed: AtomicBool,
    /// True if the component cannot start without a transaction.
    cannot: AtomicBool,
}

/// The needs of each instance of a component.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    places: usize,
    at_start: Sizes,
}

/// Counts a running transaction until it is dropped.
pub(crate) struct Running(Arc<Ahead>);

impl Running {
    /// Ends the sandbox of a transaction whose instance was ready, and returns the transaction's
    /// state. While a core is idle, the sandbox is dropped later, if there is room for it.
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
    /// Starts without instances. `instances` is the size of the pool, which has slots for some
    /// ready instances; with 0 none is made.
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
            bytes: memory.shared().limit / PART_OF_MEMORY,
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

    /// Makes a store for an instance.
    pub(crate) fn store(engine: &Engine, state: TxState) -> Store<TxState> {
        let handles = (state.limits().open_iterators as usize).saturating_add(MAX_HANDLES);
        let bytes = state.limits().host_call_bytes;
        let mut store = Store::new(engine, state);
        store.limiter(|state| state.memory());
        store.set_hostcall_fuel(bytes);
        store.set_max_component_handles(handles);
        store
    }

    /// Counts a transaction that begins. If there are many, drops the ready instances to free the
    /// pool.
    pub(crate) fn enter(self: &Arc<Self>) -> Running {
        if self.running.fetch_add(1, Ordering::Relaxed) >= self.busy {
            self.give_up();
        }
        Running(Arc::clone(self))
    }

    /// Takes a ready instance, if there is one.
    pub(crate) fn take(&self, shelf: &Arc<Shelf>) -> Option<Ready> {
        if self.most.places == 0 || shelf.cannot.load(Ordering::Relaxed) {
            return None;
        }
        shelf.called.fetch_add(1, Ordering::Relaxed);
        self.list(shelf);
        lock(&shelf.ready).pop()
    }

    /// Makes sure that an instance is ready now, even if the component was not called. Returns
    /// whether one is.
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

    /// Drops all instances without a transaction, because others need their memory or slots.
    pub(crate) fn give_up(&self) {
        self.spent.clear();
        for shelf in self.listed() {
            drop(shelf.above(0));
        }
    }

    /// Runs one round: drops spent instances. Then makes the instances that components should have
    /// ready, while a core is idle.
    pub(crate) fn round(&self) {
        self.spent.clear();
        let SharedMemory { used: taken, limit } = self.memory.shared();
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

    /// Makes one more instance, if all ready instances stay within `most`.
    fn add(&self, shelf: &Shelf, held: &mut Held) -> bool {
        if !held.and(shelf.one()).fits(self.most) {
            return false;
        }
        let Some(ready) = self.make(shelf) else { return false };
        // Now the number of pages that the start writes is known.
        shelf.bytes.store(ready.bytes(), Ordering::Relaxed);
        let all = held.and(shelf.one());
        if !all.fits(self.most) {
            return false;
        }
        *held = all;
        lock(&shelf.ready).push(ready);
        true
    }

    /// Returns the components that were called lately. Forgets the others.
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

    /// Makes an instance. Returns None if the pool is full, or if the component cannot start
    /// without a transaction.
    fn make(&self, shelf: &Shelf) -> Option<Ready> {
        let mut memory = MemoryLimiter::new(Arc::clone(&self.limits));
        memory.set(shelf.size.at_start).ok()?;
        let mut store = Self::store(&self.engine, TxState::of_nobody(memory));
        store.set_fuel(START_FUEL).ok()?;
        // The fuel bounds the start, so no deadline is needed.
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

    /// Returns the linked component.
    pub(crate) fn pre(&self) -> &ContractPre {
        &self.pre
    }

    /// Returns the slots of the pool that an instance takes.
    pub(crate) fn places(&self) -> usize {
        self.size.places
    }

    /// Returns the sizes of an instance before its code has run.
    pub(crate) fn at_start(&self) -> Sizes {
        self.size.at_start
    }

    fn one(&self) -> Held {
        Held { places: self.size.places, bytes: self.bytes.load(Ordering::Relaxed) }
    }

    /// Returns the number of instances to keep ready until the next round: the calls since the last
    /// round. As calls become fewer, it falls by one each round.
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

    /// Removes the instances beyond `count`; the caller drops them without the lock.
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

/// Returns the slots of a pool for instances without a transaction; `instances` is the number of
/// transactions that it serves.
pub(crate) fn places(instances: u32) -> u32 {
    instances / PART_OF_POOL * 2
}

/// Returns what the ready instances hold.
fn held_by(shelves: &[Arc<Shelf>]) -> Held {
    let all = shelves.iter().map(|shelf| shelf.one().times(lock(&shelf.ready).len()));
    all.fold(Held::default(), Held::and)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
