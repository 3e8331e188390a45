//! Chaincode support: the state for launching chaincodes and executing transactions on them (fabric
//! `core/chaincode/chaincode_support.go`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::chaincode::backend::{AccessControl, Observer, QueryLimits};
use crate::chaincode::execute::handler::{Handler, Program};
use crate::chaincode::execute::launch::Launch;
use crate::chaincode::execute::lookup::Lookup;
use crate::chaincode::execute::registry::Registry;
use crate::chaincode::execute::stand_ins::StandIns;
use crate::chaincode::external::{Dialer, ExternalConfig};
use crate::chaincode::native::NativeChaincode;
use crate::chaincode::package::{PackageStore, ccid};
use wasmcc_ledger::Ledgers;
use wasmcc_protocol::ProtocolError;
use wasmcc_runtime::Runtime;
use wasmcc_types::{Meter, NO_TIME_LIMIT, Share, Shares, deadline_after};

/// The version of system chaincodes (fabric `core/scc/scc.go`, `SysCCVersion`).
pub const SYSTEM_VERSION: &str = "syscc";

/// Settings of executions.
#[derive(Clone, Debug)]
pub struct SupportConfig {
    /// Time limit for one transaction on one chaincode; `Duration::MAX` for none.
    pub execute_timeout: Duration,
    /// Time limit for a chaincode to start; `Duration::MAX` for none.
    pub startup_timeout: Duration,
    /// Limit on nested chaincode calls.
    pub call_depth: u32,
    /// Limit on client calls in progress, including waiting ones. One client, and one chaincode,
    /// may have half of them. Fabric: `peer.limits.concurrency.endorserService`.
    pub calls: usize,
    /// Limit on the bytes of results, rows of open queries and events of all running transactions,
    /// beyond 256 KiB of each. Shared like `calls`.
    pub kept_bytes: usize,
    /// Limits of queries.
    pub queries: QueryLimits,
    /// Settings of chaincodes in other processes.
    pub external: ExternalConfig,
}

impl Default for SupportConfig {
    fn default() -> Self {
        Self {
            execute_timeout: Duration::from_secs(30),
            startup_timeout: Duration::from_secs(300),
            call_depth: 8,
            calls: 2_500,
            kept_bytes: 1 << 30,
            queries: QueryLimits::default(),
            external: ExternalConfig::default(),
        }
    }
}

/// Runs chaincodes for a peer.
pub struct ChaincodeSupport {
    runtime: Arc<Runtime>,
    pub(super) packages: Arc<PackageStore>,
    ledgers: Arc<Ledgers>,
    access: Arc<dyn AccessControl>,
    config: SupportConfig,
    pub(super) lookup: Lookup,
    dialer: Option<Arc<dyn Dialer>>,
    stand_ins: StandIns,
    observer: Option<Arc<dyn Observer>>,
    system: BTreeMap<&'static str, Arc<Handler>>,
    system_calls: AtomicU64,
    calls: Arc<Shares>,
    instances: Arc<Shares>,
    kept: Arc<Shares>,
    pub(super) registry: Arc<Registry>,
}

impl ChaincodeSupport {
    /// Makes the support, without system chaincodes.
    pub fn new(
        runtime: Arc<Runtime>,
        packages: Arc<PackageStore>,
        ledgers: Arc<Ledgers>,
        access: Arc<dyn AccessControl>,
        mut config: SupportConfig,
    ) -> Self {
        // Capped, since these are added to the current time.
        for limit in [&mut config.startup_timeout, &mut config.external.connect_wait] {
            *limit = (*limit).min(NO_TIME_LIMIT);
        }
        let instances = usize::try_from(runtime.limits().instances).unwrap_or(usize::MAX);
        Self {
            instances: Shares::new("instances of chaincodes", instances),
            calls: Shares::new("calls in progress", config.calls),
            kept: Shares::new("bytes of results", config.kept_bytes),
            runtime,
            packages,
            ledgers,
            access,
            config,
            lookup: Lookup::default(),
            dialer: None,
            stand_ins: StandIns::default(),
            observer: None,
            system: BTreeMap::new(),
            system_calls: AtomicU64::new(0),
            registry: Registry::new(wasmcc_runtime::launched_components),
        }
    }

    /// Enables connections to chaincode servers.
    pub fn set_dialer(&mut self, dialer: Arc<dyn Dialer>) {
        self.dialer = Some(dialer);
    }

    /// Runs these components instead of installed packages.
    pub fn set_stand_ins(&mut self, stand_ins: StandIns) {
        self.stand_ins = stand_ins;
    }

    /// Sets an observer of the guests' calls to this peer.
    pub fn set_observer(&mut self, observer: Arc<dyn Observer>) {
        self.observer = Some(observer);
    }

    pub(super) fn stand_ins(&self) -> &StandIns {
        &self.stand_ins
    }

    pub(super) fn observer(&self) -> Option<&dyn Observer> {
        self.observer.as_deref()
    }

    /// Registers a system chaincode.
    pub fn register_system(
        &mut self,
        name: &'static str,
        chaincode: Arc<dyn NativeChaincode>,
    ) -> Result<(), ProtocolError> {
        let handler = Handler::register(ccid(name, SYSTEM_VERSION), Program::Native(chaincode))?;
        self.system.insert(name, Arc::new(handler));
        Ok(())
    }

    /// Returns true if callers may call a system chaincode of this name (fabric `core/scc/scc.go`,
    /// `BuiltinSCCs`).
    pub fn is_system(&self, name: &str) -> bool {
        self.system.get(name).is_some_and(|handler| match handler.program() {
            Program::Native(chaincode) => chaincode.is_built_in(),
            Program::Wasm(_) => false,
        })
    }

    /// Returns the settings of executions.
    pub fn config(&self) -> &SupportConfig {
        &self.config
    }

    pub(super) fn ledgers(&self) -> &Ledgers {
        &self.ledgers
    }

    pub(crate) fn access(&self) -> &dyn AccessControl {
        self.access.as_ref()
    }

    /// Returns the meter for a transaction that begins now.
    pub fn meter(&self) -> Meter {
        Meter::new(self.runtime.limits().fuel, deadline_after(self.config.execute_timeout))
    }

    /// As [`meter`](Self::meter), for the call of a client: the bytes that it keeps count for
    /// `share`.
    pub fn meter_of(&self, share: &Share) -> Meter {
        self.meter().keeping(&self.kept, share.clone())
    }

    /// Returns the runtime of components.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Returns the handler of a system chaincode.
    pub(super) fn system(&self, name: &str) -> Option<&Arc<Handler>> {
        self.system.get(name)
    }

    /// Returns a number for a call of a system chaincode.
    pub(super) fn next_system_call(&self) -> u64 {
        self.system_calls.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the shares of client calls in progress.
    pub fn calls(&self) -> &Arc<Shares> {
        &self.calls
    }

    /// Returns the shares of running instances.
    pub fn instances(&self) -> &Arc<Shares> {
        &self.instances
    }

    /// Returns a launch for a chaincode.
    pub(super) fn launcher(&self) -> Launch {
        Launch {
            packages: Arc::clone(&self.packages),
            dialer: self.dialer.clone(),
            config: self.config.external.clone(),
        }
    }
}
