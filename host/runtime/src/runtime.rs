//! The runtime, which all channels of a process share.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime::{CallHook, Engine, PoolConcurrencyLimitError, Store, StoreContextMut};

use crate::ahead::Ahead;
use crate::backend::Backend;
use crate::bindings::{Chaincode, v0_1};
use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::component::{Component, Keep, LoadError};
use crate::cost::Bill;
use crate::engine::{CodeShape, RunningEngine, engine};
use crate::failure::Failure;
use crate::fuel_gauge::FuelGauge;
use crate::guest_memory::{self, GuestMemory, SharedMemory};
use crate::hooks::{self, Hook};
use crate::instance::{Instance, Invocation, Outcome};
use crate::limits::Limits;
use crate::memory::MemoryLimiter;
use crate::output::Capture;
use crate::profile::{InstanceProfiler, Profilers, Profiling};
use crate::ready::Taken;
use crate::resident::ResidentPages;
use crate::ticker::Ticker;
use crate::time_left::TimeLeft;
use crate::tx_state::TxState;
use crate::variation::{Recording, Variation, Watches, recorded};
use crate::versions::Contract;
use crate::wait::wait_until;
use crate::wanted::Waiter;
use crate::wasi;
use wasmcc_types::TxId;
/// Settings of a [`Runtime`].
#[derive(Clone, Debug, Default)]
pub struct RuntimeConfig {
    /// Limits of guests.
    pub limits: Limits,
    /// Bytes of memory for all guests together; [`Limits::memory_bytes`] is for one guest. None:
    /// half of the memory of the machine or the control group. It differs between peers, so a guest
    /// that fails for lack of it is never endorsed.
    pub memory_of_all: Option<usize>,
    /// The folder of compiled code, which only this user can write to; None: in memory only.
    pub cache_dir: Option<PathBuf>,
    /// Selects where components are compiled.
    pub compiler: Compiler,
    /// Makes calls from guests to the host free of fuel, to measure the cost of metering. Results
    /// of such a peer differ from those of all others.
    pub free_host_calls: bool,
    /// Does not check whether calls are recorded or profiled ([`Runtime::record`],
    /// [`Runtime::profile`]), to measure the cost of that check.
    pub never_recorded: bool,
    /// Keeps the data about components and their stacks that [`Runtime::profile`] needs.
    pub profiles: bool,
    /// Recorded calls have their line in the source, if the component has debug information.
    /// Compiled code becomes larger.
    pub source_lines: bool,
    /// Makes no instances ahead of need, to measure the cost of a new one.
    pub none_ahead: bool,
}

/// An error of setting up the runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// wasmtime refused its configuration.
    #[error("cannot set up the WebAssembly engine")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread for deadlines, or the one that makes instances, did not start.
    #[error("cannot start a thread of the runtime")]
    Thread(#[source] std::io::Error),
    /// The cache folder cannot be used.
    #[error(transparent)]
    Cache(#[from] LoadError),
}

/// Loads components and runs their transactions. Shared by all channels of a process.
pub struct Runtime {
    engine: Engine,
    linker: Linker<TxState>,
    limits: Arc<Limits>,
    memory: GuestMemory,
    free_host_calls: bool,
    cache: Cache,
    watches: Watches,
    profilers: Profilers,
    ahead: Arc<Ahead>,
    pages: Arc<ResidentPages>,
    _tickers: [Ticker; 2],
}

impl Runtime {
    /// Sets up the engine and links all that components may import.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        let failed = |error: wasmtime::Error| RuntimeError::Engine(error.into());
        let keep = Keep { lines: config.source_lines, import_calls: config.profiles };
        let has_places = keep.lines || keep.import_calls;
        let shape = CodeShape { stack_bytes: config.limits.stack_bytes, has_places };
        let running = engine(&config.limits, shape, config.profiles).map_err(failed)?;
        let RunningEngine { engine, resets_pages } = running;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker).map_err(failed)?;
        Chaincode::add_to_linker::<TxState, Imports>(&mut linker, |state| state).map_err(failed)?;
        v0_1::Chaincode::add_to_linker::<TxState, Imports>(&mut linker, |state| state)
            .map_err(failed)?;
        let cache = Cache::open(&engine, config.cache_dir, config.compiler, shape, keep)?;
        let memory_of_all = config.memory_of_all.unwrap_or_else(guest_memory::default_bytes);
        let memory = GuestMemory::new(memory_of_all, config.limits.instances);
        let limits = Arc::new(config.limits);
        // With free host calls, no hook replaces the one that refuses calls during a start, so no
        // instance is made ahead.
        let is_without = config.none_ahead || config.free_host_calls;
        let most = if is_without { 0 } else { limits.instances };
        let ahead = Ahead::new(&engine, Arc::clone(&limits), memory.clone(), most);
        let tickers = [Ticker::of_epochs(&engine), Ticker::of_instances(&ahead)];
        let [epochs, instances] = tickers.map(|ticker| ticker.map_err(RuntimeError::Thread));
        Ok(Self {
            engine,
            linker,
            limits,
            memory,
            free_host_calls: config.free_host_calls,
            cache,
            watches: Watches::new(config.never_recorded),
            profilers: Profilers::new(config.never_recorded),
            ahead,
            pages: Arc::new(ResidentPages::new(resets_pages)),
            _tickers: [epochs?, instances?],
        })
    }

    /// Returns true if instances come from a pool. Without one, for example if the address space is
    /// too small, each instance is allocated on demand, which takes longer.
    pub fn has_pool(&self) -> bool {
        self.engine.pooling_allocator_metrics().is_some()
    }

    /// Returns the limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns the bytes that guests use beyond their own parts, and the limit on these.
    pub fn shared_memory(&self) -> SharedMemory {
        self.memory.shared()
    }

    /// Returns the number of components in memory, including refused ones.
    pub fn components(&self) -> usize {
        self.cache.count()
    }

    /// Admits and compiles a component, or returns it from the cache.
    pub fn load(&self, wasm: &[u8]) -> Result<Arc<Component>, LoadError> {
        self.cache.load(wasm, &self.engine, &self.linker, &self.limits, None)
    }

    /// As [`load`](Self::load), for a caller that may leave. When all waiting callers have left,
    /// the compilation does not begin, or its process is killed.
    pub fn load_for(&self, wasm: &[u8], waiter: &Waiter) -> Result<Arc<Component>, LoadError> {
        self.cache.load(wasm, &self.engine, &self.linker, &self.limits, Some(waiter))
    }

    /// Records the calls of a transaction to its peer while the returned value lives. Its runs
    /// differ from a peer's as `variation` says. For tests of contracts.
    pub fn record(&self, tx_id: &TxId, variation: Variation) -> Recording<'_> {
        Recording::start(&self.watches, tx_id, variation)
    }

    /// Profiles the fuel of a transaction while the returned value lives. The runtime needs
    /// [`RuntimeConfig::profiles`], and the component needs probes ([`with_probes`]). Without
    /// probes, the fuel of a function may count for one that ran before it.
    ///
    /// [`with_probes`]: crate::with_probes
    pub fn profile(&self, tx_id: &TxId) -> Profiling<'_> {
        Profiling::start(&self.profilers, tx_id)
    }

    /// Makes an instance for the next transaction of a component now. A runtime does that by itself
    /// for components that are called often, while a core is idle. Returns whether an instance is
    /// ready. Only a part of the pool is for such instances, and a component that calls its host
    /// while it starts cannot be started ahead.
    pub fn prepare(&self, component: &Component) -> bool {
        self.ahead.prepare(component.shelf())
    }

    /// Runs one transaction in its own instance. Blocks the thread while it waits for the backend,
    /// until the transaction's time is up.
    pub fn invoke(
        &self,
        component: &Component,
        invocation: Invocation,
        backend: Box<dyn Backend>,
    ) -> Result<Outcome, Failure> {
        let deadline = TimeLeft::new(&invocation.meter, invocation.timeout).deadline();
        let outcome = wait_until(self.invoke_async(component, invocation, backend), deadline);
        outcome.unwrap_or(Err(Failure::Timeout))
    }

    /// As [`invoke`](Self::invoke), for asynchronous code. The guest yields its thread while it
    /// waits for the backend, and every 10 ms while it computes. Waits for the backend without a
    /// limit; dropping the future ends the transaction.
    pub async fn invoke_async(
        &self,
        component: &Component,
        invocation: Invocation,
        backend: Box<dyn Backend>,
    ) -> Result<Outcome, Failure> {
        self.instantiate(component, invocation, backend).await?.run().await
    }

    /// As [`invoke_async`](Self::invoke_async), with a gauge that `backend` can read during the
    /// guest's calls. The results are the same.
    pub async fn invoke_gauged(
        &self,
        component: &Component,
        invocation: Invocation,
        backend: Box<dyn Backend>,
        gauge: FuelGauge,
    ) -> Result<Outcome, Failure> {
        let limits = invocation.limits.as_ref().unwrap_or(&self.limits);
        let fuel = limits.fuel;
        let hook = move |store: StoreContextMut<'_, TxState>, at: CallHook| {
            if matches!(at, CallHook::CallingHost) {
                let left = store.get_fuel()?;
                gauge.set(fuel.saturating_sub(left));
            }
            hooks::pay(store, at)
        };
        self.instantiate_with(component, invocation, backend, hook).await?.run().await
    }

    /// Makes the sandbox of one transaction. Its time limit starts here, since instantiation may
    /// already run code of the guest.
    pub async fn instantiate(
        &self,
        component: &Component,
        invocation: Invocation,
        backend: Box<dyn Backend>,
    ) -> Result<Instance, Failure> {
        self.instantiate_with(component, invocation, backend, hooks::pay).await
    }

    /// As [`instantiate`](Self::instantiate), with a `hook` around the guest's calls to the host.
    async fn instantiate_with(
        &self,
        component: &Component,
        invocation: Invocation,
        backend: Box<dyn Backend>,
        hook: impl Hook,
    ) -> Result<Instance, Failure> {
        let limits = invocation.limits.as_ref().unwrap_or(&self.limits);
        let limits = Arc::clone(limits);
        let bill = Bill::default();
        let stdout = Capture::new(limits.output_bytes, bill.clone());
        let stderr = Capture::new(limits.output_bytes, bill.clone());
        let watch = self.watches.of(&invocation.tx_id);
        let import_calls = component.sources().import_calls.as_ref();
        let profiler = InstanceProfiler::of(&self.profilers, &invocation.tx_id, import_calls);
        let variation = watch.as_ref().map_or(Variation::None, |watch| watch.variation);
        let backend = recorded(watch.as_ref(), &invocation.chaincode, backend);
        let wasi = wasi::context(&invocation, variation, stdout.clone(), stderr.clone(), &bill);
        let used = self.memory.begin(Arc::clone(&invocation.share));
        let memory = MemoryLimiter::of_transaction(Arc::clone(&limits), used);
        let mut state = TxState::new(invocation, backend, wasi, bill, memory);
        state.vary(variation);
        let time = state.time().clone();
        let running = self.ahead.enter();
        // Ready instances have the runtime's own limits.
        let is_plain = watch.is_none() && profiler.is_none();
        let may_be_ready = is_plain && Arc::ptr_eq(&limits, &self.limits);
        let ready = if may_be_ready { self.ahead.take(component.shelf()) } else { None };
        let (mut store, ready, used) = match ready {
            Some(ready) => {
                let Taken { store, contract, fuel, before } =
                    ready.given_to(state, component.shelf().places())?;
                (store, Some((contract, before)), fuel)
            }
            None => {
                state.memory().set(component.shelf().at_start())?;
                (Ahead::store(&self.engine, state), None, 0)
            }
        };
        let left = limits.fuel.saturating_sub(used);
        store.set_fuel(left).map_err(|error| Failure::Host(format!("{error:#}")))?;
        let pay = if self.free_host_calls { None } else { Some(hook) };
        match profiler.clone() {
            Some(profiler) => hooks::profile(&mut store, profiler, limits.fuel, pay)
                .map_err(|error| Failure::Host(format!("{error:#}")))?,
            None => {
                let watch = watch.clone().map(|watch| (watch, component.sources().lines.clone()));
                hooks::set(&mut store, watch, pay);
            }
        }
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| hooks::go_on(&time));
        let (contract, before) = match ready {
            Some((contract, before)) => (contract, Some(before)),
            None => (self.contract(component, &mut store, &stderr).await?, None),
        };
        Ok(Instance {
            store,
            contract,
            fuel: limits.fuel,
            stdout,
            stderr,
            watch,
            profiler,
            before,
            running,
            pages: Arc::clone(&self.pages),
        })
    }

    /// Starts the component for the transaction of the store.
    async fn contract(
        &self,
        component: &Component,
        store: &mut Store<TxState>,
        stderr: &Capture,
    ) -> Result<Contract, Failure> {
        component.shelf().pre().instantiate(store).await.map_err(|error| {
            match error.downcast_ref::<PoolConcurrencyLimitError>() {
                Some(full) => {
                    self.ahead.give_up();
                    Failure::Host(format!("no free instance ({full})"))
                }
                None => store.data().failure_at_start(&error, stderr.text()),
            }
        })
    }
}

/// Gives imports access to the whole state.
struct Imports;

impl wasmtime::component::HasData for Imports {
    type Data<'a> = &'a mut TxState;
}
