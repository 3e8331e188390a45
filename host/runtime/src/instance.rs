//! The runtime, and the one transaction that each instance lives for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Linker;
use wasmtime::{CallHook, Engine, Store, StoreContextMut};

use crate::backend::{Backend, CARRIED_BYTES};
use crate::bindings::{Chaincode, fabric, v0_1};
use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::component::{Component, Keep, LoadError};
use crate::cost::Bill;
use crate::engine::{CodeShape, engine};
use crate::failure::Failure;
use crate::fuel_gauge::FuelGauge;
use crate::guest_memory::{self, GuestMemory};
use crate::hooks::{self, Hook};
use crate::limits::Limits;
use crate::memory::MemoryLimiter;
use crate::output::{Capture, one_line};
use crate::profile::{InstanceProfiler, Profilers, Profiling};
use crate::ticker::Ticker;
use crate::tx_state::TxState;
use crate::variation::{Recording, Variation, Watch, Watches, recorded};
use crate::versions::Contract;
use crate::wait::wait;
use crate::wasi;
use wasmcc_types::{
    ChaincodeEvent, Entry, Exhausted, Meter, ProposalContext, Response, Share, TxId,
};

/// How a [`Runtime`] is set up.
#[derive(Clone, Debug, Default)]
pub struct RuntimeConfig {
    /// What guests may use.
    pub limits: Limits,
    /// Bytes of memory for all guests together, see [`Limits::memory_bytes`] for that of one. None:
    /// half of what the machine, or the control group, has. It differs between peers, so a guest
    /// that fails for lack of it is never endorsed.
    pub memory_of_all: Option<usize>,
    /// Where compiled code is kept, a folder that only this user can write; none: in memory only.
    pub cache_dir: Option<PathBuf>,
    /// Where components are compiled.
    pub compiler: Compiler,
    /// Makes calls from guests to the host free of fuel, to measure the cost of metering. Results
    /// of such a peer differ from those of all others.
    pub free_host_calls: bool,
    /// Nothing looks whether calls are recorded or profiled ([`Runtime::record`],
    /// [`Runtime::profile`]), to measure what that costs.
    pub never_recorded: bool,
    /// Keeps what [`Runtime::profile`] needs to know of components and their stacks.
    pub profiles: bool,
    /// Recorded calls tell their line in the source, if the component has debug information.
    /// Compiled code is larger.
    pub source_lines: bool,
}

/// The runtime could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// wasmtime refused its configuration.
    #[error("cannot set up the WebAssembly engine")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread behind deadlines did not start.
    #[error("cannot start the deadline thread")]
    Ticker(#[source] std::io::Error),
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
    _ticker: Ticker,
}

/// One call of a contract.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Which function.
    pub entry: Entry,
    /// The chaincode's name, for logs.
    pub chaincode: String,
    /// The channel's name; empty for a proposal without one.
    pub channel_id: String,
    /// The transaction's id.
    pub tx_id: TxId,
    /// What the contract is called with.
    pub args: Vec<Vec<u8>>,
    /// Decorations that the peer added.
    pub decorations: BTreeMap<String, Vec<u8>>,
    /// What the client signed.
    pub proposal: Arc<ProposalContext>,
    /// The MSP id of this peer; empty if it has none.
    pub peer_msp_id: String,
    /// The wall-clock backstop.
    pub timeout: Duration,
    /// The peer's work and the time for the transaction. The guest is stopped when it is exhausted.
    pub meter: Arc<Meter>,
    /// The client, chaincode and channel, which have shares of the guests' memory.
    pub share: Arc<Share>,
    /// Narrower limits than the runtime's, see [`Limits::narrowed`]; none: the runtime's own.
    pub limits: Option<Arc<Limits>>,
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The contract's answer, whatever its status.
    pub response: Response,
    /// The event it set, if any.
    pub event: Option<ChaincodeEvent>,
    /// Units of work; the same on every endorser.
    pub fuel: u64,
    /// Calls of the guest to its peer; the same on every endorser.
    pub host_calls: u64,
}

/// One transaction's sandbox, not yet run.
pub struct Instance {
    store: Store<TxState>,
    contract: Contract,
    fuel: u64,
    stdout: Capture,
    stderr: Capture,
    /// Of a transaction whose run is recorded.
    watch: Option<Arc<Watch>>,
    /// Of a transaction that is profiled.
    profiler: Option<Arc<InstanceProfiler>>,
}

impl Runtime {
    /// Sets up the engine and links what components may import.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        let failed = |error: wasmtime::Error| RuntimeError::Engine(error.into());
        let keep = Keep { lines: config.source_lines, import_calls: config.profiles };
        let has_places = keep.lines || keep.import_calls;
        let shape = CodeShape { stack_bytes: config.limits.stack_bytes, has_places };
        let engine = engine(&config.limits, shape, config.profiles).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker).map_err(failed)?;
        Chaincode::add_to_linker::<TxState, Imports>(&mut linker, |state| state).map_err(failed)?;
        v0_1::Chaincode::add_to_linker::<TxState, Imports>(&mut linker, |state| state)
            .map_err(failed)?;
        let cache = Cache::open(&engine, config.cache_dir, config.compiler, shape, keep)?;
        let ticker = Ticker::start(&engine).map_err(RuntimeError::Ticker)?;
        let memory_of_all = config.memory_of_all.unwrap_or_else(guest_memory::default_bytes);
        let memory = GuestMemory::new(memory_of_all, config.limits.instances);
        let limits = Arc::new(config.limits);
        Ok(Self {
            engine,
            linker,
            limits,
            memory,
            free_host_calls: config.free_host_calls,
            cache,
            watches: Watches::new(config.never_recorded),
            profilers: Profilers::new(config.never_recorded),
            _ticker: ticker,
        })
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes that all guests use beyond what each may have without asking, and how many they may.
    pub fn shared_memory(&self) -> (usize, usize) {
        self.memory.shared()
    }

    /// Components in memory, refused ones included.
    pub fn components(&self) -> usize {
        self.cache.count()
    }

    /// Admits and compiles a component, or takes it from the cache.
    pub fn load(&self, wasm: &[u8]) -> Result<Arc<Component>, LoadError> {
        self.cache.load(wasm, &self.engine, &self.linker, &self.limits)
    }

    /// Records what a transaction asks of its peer, in runs that differ from a peer's as
    /// `variation` says, as long as the returned value lives. For tests of contracts.
    pub fn record(&self, tx_id: &TxId, variation: Variation) -> Recording<'_> {
        Recording::start(&self.watches, tx_id, variation)
    }

    /// Tells where a transaction spends its fuel, as long as the returned value lives. The runtime
    /// needs [`RuntimeConfig::profiles`], the component probes ([`with_probes`]): without them,
    /// the fuel of a function may count for one that ran before it.
    ///
    /// [`with_probes`]: crate::with_probes
    pub fn profile(&self, tx_id: &TxId) -> Profiling<'_> {
        Profiling::start(&self.profilers, tx_id)
    }

    /// Runs one transaction in an instance of its own. Blocks the thread while the backend is
    /// waited for.
    pub fn invoke(
        &self,
        component: &Component,
        invocation: Invocation,
        backend: Box<dyn Backend>,
    ) -> Result<Outcome, Failure> {
        wait(self.invoke_async(component, invocation, backend))
    }

    /// As [`invoke`](Self::invoke), for asynchronous code: the guest gives its thread back while
    /// the backend is waited for, and every 10 ms while it computes.
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

    /// `hook` is called around calls of the guest to the host.
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
        let meter = Arc::clone(&invocation.meter);
        let deadline = Instant::now() + invocation.timeout;
        let watch = self.watches.of(&invocation.tx_id);
        let import_calls = component.sources().import_calls.as_ref();
        let profiler = InstanceProfiler::of(&self.profilers, &invocation.tx_id, import_calls);
        let variation = watch.as_ref().map_or(Variation::None, |watch| watch.variation);
        let backend = recorded(watch.as_ref(), &invocation.chaincode, backend);
        let wasi = wasi::context(&invocation, variation, stdout.clone(), stderr.clone(), &bill);
        let used = self.memory.begin(Arc::clone(&invocation.share));
        let memory = MemoryLimiter::new(Arc::clone(&limits), used);
        let mut state = TxState::new(invocation, backend, wasi, bill, memory);
        state.vary(variation);
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| state.memory());
        store.set_fuel(limits.fuel).map_err(|error| Failure::Host(format!("{error:#}")))?;
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
        store.epoch_deadline_callback(move |_| hooks::go_on(&meter, deadline));
        store.set_hostcall_fuel(limits.host_call_bytes);
        store.set_max_component_handles(limits.open_iterators as usize + 64);
        let contract = component.pre().instantiate(&mut store).await.map_err(|error| {
            match error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>() {
                Some(full) => Failure::Host(format!("no free instance ({full})")),
                None => store.data().failure(&error, stderr.text()),
            }
        })?;
        Ok(Instance { store, contract, fuel: limits.fuel, stdout, stderr, watch, profiler })
    }
}

impl Instance {
    /// Calls the contract and drops the sandbox.
    pub async fn run(mut self) -> Result<Outcome, Failure> {
        self.call_before().await?;
        let called = self.call().await;
        let fuel = self.fuel - self.store.get_fuel().unwrap_or(0);
        if let Some(profiler) = &self.profiler {
            profiler.end(fuel);
        }
        let response = called?;
        let host_calls = self.store.data().host_calls();
        let event = self.store.into_data().into_event();
        Ok(Outcome { response, event, fuel, host_calls })
    }

    /// Calls the contract once before the call that counts, if the run should find its traces in
    /// memory.
    async fn call_before(&mut self) -> Result<(), Failure> {
        let watch = self.watch.clone().filter(|watch| watch.takes_earlier_call());
        let Some(watch) = watch else { return Ok(()) };
        self.call().await?;
        watch.forget();
        self.store.data_mut().forget_event();
        let refilled = self.store.set_fuel(self.fuel);
        refilled.map_err(|error| Failure::Host(format!("{error:#}")))
    }

    /// Calls the contract and keeps the sandbox, for inspection.
    pub async fn call(&mut self) -> Result<Response, Failure> {
        let entry = self.store.data().invocation().entry;
        let result = self.contract.call(&mut self.store, entry).await;
        self.log_output();
        // The guest may have ignored a refusal; nothing after it is endorsed.
        if let Err(why @ (Exhausted::Work { .. } | Exhausted::Abandoned)) =
            self.store.data().invocation().meter.check()
        {
            return Err(Failure::TransactionOver(why.to_string()));
        }
        let fabric::chaincode::types::Response { status, message, payload } =
            result.map_err(|error| self.store.data().failure(&error, self.stderr.text()))?;
        let (size, limit) =
            (message.len() + payload.len(), self.store.data().limits().response_bytes);
        if size > limit {
            let text = format!("response of {size} bytes is over the limit of {limit} bytes");
            return Err(Failure::Limit(text));
        }
        let size = size + self.store.data().event_bytes();
        if size > CARRIED_BYTES {
            let what = format!("response and event of {size} bytes");
            let text = format!("{what} together are over the limit of {CARRIED_BYTES} bytes");
            return Err(Failure::Limit(text));
        }
        Ok(Response { status, message, payload })
    }

    fn log_output(&mut self) {
        for (name, output) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            for line in output.text().lines() {
                self.store.data_mut().in_span(|| {
                    tracing::debug!(target: "wasmcc::chaincode", "{name}: {}", one_line(line));
                });
            }
        }
    }
}

/// Lets imports work on the whole state.
struct Imports;

impl wasmtime::component::HasData for Imports {
    type Data<'a> = &'a mut TxState;
}
