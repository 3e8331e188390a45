//! The runtime, and the one transaction that each instance lives for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store};
use wasmtime_wasi::WasiCtx;

use crate::runtime::backend::{Backend, BackendError};
use crate::runtime::bindings::{Chaincode, fabric};
use crate::runtime::cache::Cache;
use crate::runtime::component::{Component, LoadError};
use crate::runtime::engine::engine;
use crate::runtime::failure::{Failure, Stop, classify};
use crate::runtime::limits::Limits;
use crate::runtime::output::{Capture, one_line};
use crate::runtime::rules;
use crate::runtime::ticker::Ticker;
use crate::runtime::wasi;
use crate::types::{ChaincodeEvent, Entry, ProposalContext, Response, TxId};

/// How a [`Runtime`] is set up.
#[derive(Clone, Debug, Default)]
pub struct RuntimeConfig {
    /// What guests may use.
    pub limits: Limits,
    /// Where compiled code is kept, a folder that only this user can write; none: in memory only.
    pub cache_dir: Option<PathBuf>,
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
    cache: Cache,
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
    /// What the peer's decorators added.
    pub decorations: BTreeMap<String, Vec<u8>>,
    /// What the client signed.
    pub proposal: Arc<ProposalContext>,
    /// The MSP id of this peer; empty if it has none.
    pub peer_msp_id: String,
    /// The wall-clock backstop.
    pub timeout: Duration,
    /// Narrower limits than the runtime's, see [`Limits::narrowed`]; none: the runtime's own.
    pub limits: Option<Arc<Limits>>,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The contract's answer, whatever its status.
    pub response: Response,
    /// The event it set, if any.
    pub event: Option<ChaincodeEvent>,
    /// Units of work; the same on every endorser.
    pub fuel: u64,
}

/// One transaction's sandbox, not yet run.
pub struct Instance {
    store: Store<TxState>,
    contract: Chaincode,
    fuel: u64,
    stdout: Capture,
    stderr: Capture,
}

impl Runtime {
    /// Sets up the engine and links what components may import.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        let failed = |error: wasmtime::Error| RuntimeError::Engine(error.into());
        let engine = engine(&config.limits).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker).map_err(failed)?;
        Chaincode::add_to_linker::<TxState, Imports>(&mut linker, |state| state).map_err(failed)?;
        let cache = Cache::open(&engine, config.cache_dir)?;
        let ticker = Ticker::start(&engine).map_err(RuntimeError::Ticker)?;
        Ok(Self { engine, linker, limits: Arc::new(config.limits), cache, _ticker: ticker })
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Admits and compiles a component, or takes it from the cache.
    pub fn load(&self, wasm: &[u8]) -> Result<Arc<Component>, LoadError> {
        self.cache.load(wasm, &self.engine, &self.linker, &self.limits)
    }

    /// Runs one transaction in an instance of its own.
    pub fn invoke(
        &self,
        component: &Component,
        invocation: Invocation,
        backend: Box<dyn Backend>,
    ) -> Result<Outcome, Failure> {
        self.instantiate(component, invocation, backend)?.run()
    }

    /// Makes the sandbox of one transaction. The time for its deadline begins here, since
    /// instantiation may already run code of the guest.
    pub fn instantiate(
        &self,
        component: &Component,
        invocation: Invocation,
        backend: Box<dyn Backend>,
    ) -> Result<Instance, Failure> {
        let limits = invocation.limits.as_ref().unwrap_or(&self.limits);
        let limits = Arc::clone(limits);
        let stdout = Capture::new(limits.output_bytes);
        let stderr = Capture::new(limits.output_bytes);
        let timeout = invocation.timeout;
        let state = TxState {
            wasi: wasi::context(&invocation, stdout.clone(), stderr.clone()),
            table: ResourceTable::new(),
            memory: MemoryLimiter { used: 0, refused: false, limits: Arc::clone(&limits) },
            invocation,
            backend,
            event: None,
            calls: 0,
            open_iterators: 0,
            log_lines: 0,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_fuel(limits.fuel).map_err(|error| Failure::Host(format!("{error:#}")))?;
        store.set_epoch_deadline(Ticker::epochs(timeout));
        store.epoch_deadline_trap();
        store.set_hostcall_fuel(limits.host_call_bytes);
        store.set_max_component_handles(limits.open_iterators as usize + 64);
        let contract = component.pre().instantiate(&mut store).map_err(|error| {
            match error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>() {
                Some(full) => Failure::Host(format!("no free instance ({full})")),
                None => store.data().failure(&error, stderr.text()),
            }
        })?;
        Ok(Instance { store, contract, fuel: limits.fuel, stdout, stderr })
    }
}

impl Instance {
    /// Calls the contract and gives the sandbox back.
    pub fn run(mut self) -> Result<Outcome, Failure> {
        let response = self.call()?;
        let fuel = self.fuel - self.store.get_fuel().unwrap_or(0);
        let event = self.store.into_data().event;
        Ok(Outcome { response, event, fuel })
    }

    /// Calls the contract and stays alive, to be looked at.
    pub fn call(&mut self) -> Result<Response, Failure> {
        let invocation = &self.store.data().invocation;
        let span = tracing::info_span!(
            "invoke",
            channel = %invocation.channel_id,
            tx_id = invocation.tx_id.short(),
            chaincode = %invocation.chaincode,
        );
        let _entered = span.enter();
        let entry = invocation.entry;
        let contract = self.contract.fabric_chaincode_contract();
        let result = match entry {
            Entry::Init => contract.call_init(&mut self.store),
            Entry::Invoke => contract.call_invoke(&mut self.store),
        };
        self.log_output();
        let fabric::chaincode::types::Response { status, message, payload } =
            result.map_err(|error| self.store.data().failure(&error, self.stderr.text()))?;
        let (size, limit) =
            (message.len() + payload.len(), self.store.data().limits().response_bytes);
        if size > limit {
            let text = format!("response of {size} bytes is over the limit of {limit} bytes");
            return Err(Failure::Limit(text));
        }
        Ok(Response { status, message, payload })
    }

    fn log_output(&self) {
        for (name, output) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            for line in output.text().lines() {
                tracing::debug!(target: "wasmcc::chaincode", "{name}: {}", one_line(line));
            }
        }
    }
}

/// Tells wasmtime that imports work on the whole state.
struct Imports;

impl wasmtime::component::HasData for Imports {
    type Data<'a> = &'a mut TxState;
}

/// What the host functions of one transaction work on.
pub struct TxState {
    wasi: WasiCtx,
    table: ResourceTable,
    memory: MemoryLimiter,
    invocation: Invocation,
    backend: Box<dyn Backend>,
    event: Option<ChaincodeEvent>,
    calls: u64,
    open_iterators: u32,
    log_lines: u32,
}

impl TxState {
    pub fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    pub fn limits(&self) -> &Limits {
        &self.memory.limits
    }

    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    pub fn wasi_and_table(&mut self) -> (&mut WasiCtx, &mut ResourceTable) {
        (&mut self.wasi, &mut self.table)
    }

    /// Says what ended the guest. Who runs out of memory only traps, so the limit is named here.
    fn failure(&self, error: &wasmtime::Error, stderr: String) -> Failure {
        match classify(error, self.limits(), stderr) {
            Failure::Trapped { trap, stderr } if self.memory.refused => {
                let limit = self.limits().memory_bytes;
                let trap = format!("{trap} after it was refused more than {limit} bytes of memory");
                Failure::Trapped { trap, stderr }
            }
            failure => failure,
        }
    }

    /// Counts one call from the guest to the host.
    pub fn count_call(&mut self) -> wasmtime::Result<()> {
        self.calls += 1;
        let limit = self.memory.limits.host_calls;
        if self.calls > limit {
            return stop_at_limit(format!("more than {limit} calls to the peer"));
        }
        Ok(())
    }

    /// The port, for one call.
    pub fn backend(&mut self) -> wasmtime::Result<&mut dyn Backend> {
        self.count_call()?;
        Ok(self.backend.as_mut())
    }

    /// A key's own endorsement policy.
    pub fn validation_parameter(
        &mut self,
        collection: &str,
        key: &str,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, BackendError>> {
        let entries = self.backend()?.get_state_metadata(collection, key);
        Ok(entries.map(|entries| {
            let wanted = rules::VALIDATION_PARAMETER;
            entries.into_iter().find(|(name, _)| name == wanted).map(|(_, policy)| policy)
        }))
    }

    /// A cursor of the guest together with the port that feeds it, for one call.
    pub fn cursor_and_backend<C: Send + 'static>(
        &mut self,
        cursor: &Resource<C>,
    ) -> wasmtime::Result<(&mut C, &mut dyn Backend)> {
        self.count_call()?;
        Ok((self.table.get_mut(cursor)?, self.backend.as_mut()))
    }

    /// Makes room for one more iterator.
    pub fn reserve_iterator(&mut self) -> wasmtime::Result<()> {
        let limit = self.memory.limits.open_iterators;
        if self.open_iterators >= limit {
            return stop_at_limit(format!("more than {limit} open iterators"));
        }
        self.open_iterators += 1;
        Ok(())
    }

    /// Gives the room of one iterator back.
    pub fn release_iterator(&mut self) {
        self.open_iterators = self.open_iterators.saturating_sub(1);
    }

    pub fn set_event(&mut self, event: ChaincodeEvent) {
        self.event = Some(event);
    }

    /// Whether one more line may go to the log.
    pub fn take_log_line(&mut self) -> bool {
        let limit = self.memory.limits.log_lines;
        self.log_lines = self.log_lines.saturating_add(1);
        if self.log_lines == limit.saturating_add(1) {
            tracing::warn!(target: "wasmcc::chaincode", "more than {limit} lines, rest not shown");
        }
        self.log_lines <= limit
    }
}

fn stop_at_limit<T>(text: String) -> wasmtime::Result<T> {
    Err(Stop(Failure::Limit(text)).into())
}

/// Counts all linear memories of an instance together; wasmtime's own limit is for each of them.
struct MemoryLimiter {
    used: usize,
    refused: bool,
    limits: Arc<Limits>,
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let used = self.used.saturating_sub(current).saturating_add(desired);
        let allowed = used <= self.limits.memory_bytes;
        if allowed {
            self.used = used;
        } else {
            self.refused = true;
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= self.limits.table_elements)
    }

    /// What the limits allow and the machine does not give would look different on every peer, so
    /// the guest must not see it.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Stop(Failure::Host(format!("no memory: {error:#}"))).into())
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Stop(Failure::Host(format!("no memory: {error:#}"))).into())
    }

    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        4
    }
}
