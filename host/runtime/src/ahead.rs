//! Instances that are made before a transaction needs one, while a core is idle.
//!
//! Invariant: a transaction cannot tell whether its instance was made ahead. One that asks its host
//! for anything while it starts is never made ahead, since the answer is the transaction's; fuel
//! and memory of the start are counted as if it started now.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use wasmtime::{CallHook, Engine, PoolConcurrencyLimitError, Store};

use crate::failure::{Failure, Stop};
use crate::guest_memory::GuestMemory;
use crate::limits::Limits;
use crate::memory::MemoryLimiter;
use crate::tx_state::TxState;
use crate::versions::{Contract, ContractPre};
use crate::wait::wait;

/// Instances that one component has ready at most: those that a single client calls one after the
/// other between two rounds.
const MOST_OF_ONE: usize = 32;
/// Of the places in the pool, one in so many is for instances that are made ahead.
const PART_OF_POOL: u32 = 32;
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
    /// How many may be ready.
    most: usize,
    /// From so many running transactions on, the pool is theirs.
    busy: usize,
    running: Arc<AtomicUsize>,
    shelves: Mutex<Vec<Weak<Shelf>>>,
}

/// A linked component, and its instances that are ready.
pub(crate) struct Shelf {
    pre: ContractPre,
    ready: Mutex<Vec<Ready>>,
    /// Transactions since the last round.
    called: AtomicUsize,
    /// Rounds without a call; and how many it should have ready. Only the rounds change them.
    unused: AtomicUsize,
    wanted: AtomicUsize,
    is_listed: AtomicBool,
    /// It needs its transaction to start.
    cannot: AtomicBool,
}

/// An instance that has started and not been called.
pub(crate) struct Ready {
    store: Store<TxState>,
    contract: Contract,
    /// What its start took of [`START_FUEL`].
    fuel: u64,
}

/// Counts a transaction that runs, until it is dropped.
pub(crate) struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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
        Arc::new(Self {
            engine: engine.clone(),
            memory,
            cores: thread::available_parallelism().map_or(1, usize::from),
            most: if is_affordable { count(instances / PART_OF_POOL) } else { 0 },
            busy: count(limits.instances / 4).max(1),
            limits,
            running: Arc::default(),
            shelves: Mutex::default(),
        })
    }

    /// A store for an instance.
    pub(crate) fn store(engine: &Engine, state: TxState) -> Store<TxState> {
        let (handles, bytes) =
            (state.limits().open_iterators as usize + 64, state.limits().host_call_bytes);
        let mut store = Store::new(engine, state);
        store.limiter(|state| state.memory());
        store.set_hostcall_fuel(bytes);
        store.set_max_component_handles(handles);
        store
    }

    /// Counts a transaction that begins. If there are many, they get the whole pool.
    pub(crate) fn enter(&self) -> Running {
        if self.running.fetch_add(1, Ordering::Relaxed) >= self.busy {
            self.give_up();
        }
        Running(Arc::clone(&self.running))
    }

    /// Takes an instance that is ready, if there is one.
    pub(crate) fn take(&self, shelf: &Arc<Shelf>) -> Option<Ready> {
        if self.most == 0 || shelf.cannot.load(Ordering::Relaxed) {
            return None;
        }
        shelf.called.fetch_add(1, Ordering::Relaxed);
        self.list(shelf);
        lock(&shelf.ready).pop()
    }

    /// Makes sure that an instance is ready now, even if none was called for. Returns whether there
    /// is one.
    pub(crate) fn prepare(&self, shelf: &Arc<Shelf>) -> bool {
        if self.most == 0 || shelf.cannot.load(Ordering::Relaxed) {
            return false;
        }
        self.list(shelf);
        let may_be_more = ready_in(&self.listed()) < self.most;
        if lock(&shelf.ready).is_empty()
            && may_be_more
            && let Some(ready) = self.make(shelf)
        {
            lock(&shelf.ready).push(ready);
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

    /// Drops all that are ready: transactions need their memory or places.
    pub(crate) fn give_up(&self) {
        for shelf in self.listed() {
            drop(shelf.above(0));
        }
    }

    /// One round: makes what components should have ready, as long as a core is idle.
    pub(crate) fn round(&self) {
        let (taken, limit) = self.memory.shared();
        if taken > limit / 2 {
            return self.give_up();
        }
        let shelves = self.listed();
        let mut count = ready_in(&shelves);
        for shelf in shelves {
            let wanted = shelf.next_wanted();
            drop(shelf.above(wanted));
            while lock(&shelf.ready).len() < wanted && count < self.most && self.is_idle() {
                let Some(ready) = self.make(&shelf) else { break };
                lock(&shelf.ready).push(ready);
                count += 1;
            }
        }
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
        let memory = MemoryLimiter::new(Arc::clone(&self.limits));
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
                Some(Ready { store, contract, fuel })
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
    pub(crate) fn new(pre: ContractPre) -> Arc<Self> {
        Arc::new(Self {
            pre,
            ready: Mutex::default(),
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

impl Ready {
    /// Gives it to a transaction: its store, its contract, and the fuel that its start took.
    ///
    /// # Errors
    /// The transaction may not have the memory that the instance has.
    pub(crate) fn given_to(
        self,
        mut state: TxState,
    ) -> Result<(Store<TxState>, Option<Contract>, u64), Failure> {
        let Self { mut store, contract, fuel } = self;
        let used = store.data_mut().memory().used();
        state.memory().begin_with(used)?;
        *store.data_mut() = state;
        Ok((store, Some(contract), fuel))
    }
}

/// How many instances are ready.
fn ready_in(shelves: &[Arc<Shelf>]) -> usize {
    shelves.iter().map(|shelf| lock(&shelf.ready).len()).sum()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
