//! Chaincode support: launches chaincodes and executes transactions on them
//! (fabric `core/chaincode/chaincode_support.go`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::chaincode::access::AccessControl;
use crate::chaincode::external::{
    Dialer, ExternalConfig, ExternalProgram, ExternalStream, Outbox, Requests,
};
use crate::chaincode::handler::{Handler, Program};
use crate::chaincode::installed::Guest;
use crate::chaincode::launch::{Arrivals, Launch};
use crate::chaincode::local_backend::LocalBackend;
use crate::chaincode::lookup::Lookup;
use crate::chaincode::native::{NativeChaincode, Stub};
use crate::chaincode::packages::{Packages, ccid};
use crate::chaincode::queries::QueryLimits;
use crate::chaincode::registry::{Launched, Patience, Registry};
use crate::chaincode::tx_params::TxParams;
use crate::ledger::Ledgers;
use crate::proto::protos;
use crate::protocol::{Completed, Invocation, ProtocolError, TxKey, failure_text};
use crate::runtime::{self, Failure, Runtime};
use crate::types::{Entry, Meter, Response};

/// The version that system chaincodes carry.
pub const SYSTEM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// How chaincodes are run.
#[derive(Clone, Debug)]
pub struct SupportConfig {
    /// How long one transaction may take on one chaincode.
    pub execute_timeout: Duration,
    /// How long a caller waits for a chaincode to start.
    pub startup_timeout: Duration,
    /// How deep chaincodes may call each other.
    pub call_depth: u32,
    /// Bounds of queries.
    pub queries: QueryLimits,
    /// Chaincodes in other processes.
    pub external: ExternalConfig,
}

impl Default for SupportConfig {
    fn default() -> Self {
        Self {
            execute_timeout: Duration::from_secs(30),
            startup_timeout: Duration::from_secs(300),
            call_depth: 8,
            queries: QueryLimits::default(),
            external: ExternalConfig::default(),
        }
    }
}

/// What an execution gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// The chaincode's answer, whatever its status.
    pub response: Response,
    /// The event, with chaincode and transaction filled in.
    pub event: Option<protos::ChaincodeEvent>,
    /// Units of work of the outermost chaincode; 0 for native ones.
    pub fuel: u64,
}

/// Why there is no answer. The texts are Fabric's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The chaincode could not be started.
    #[error("failed to execute transaction {tx_id}: could not launch chaincode {ccid}: {reason}")]
    Launch {
        /// The transaction.
        tx_id: String,
        /// "name:version".
        ccid: String,
        /// Why.
        reason: String,
    },
    /// The transaction could not begin.
    #[error("failed to execute transaction {tx_id}: {reason}")]
    Failed {
        /// The transaction.
        tx_id: String,
        /// Why.
        reason: String,
    },
    /// The transaction could not end: this peer was too slow or had no room. Nothing may be
    /// endorsed, since another peer may get further.
    #[error("failed to execute transaction {tx_id}: {reason}")]
    Infrastructure {
        /// The transaction.
        tx_id: String,
        /// Why.
        reason: String,
    },
    /// The chaincode answered ERROR.
    #[error("transaction returned with failure: {0}")]
    Returned(String),
}

impl ExecuteError {
    /// What a chaincode gets to read whose call failed. It knows the transaction.
    pub fn reason(&self) -> String {
        match self {
            Self::Launch { ccid, reason, .. } => {
                format!("could not launch chaincode {ccid}: {reason}")
            }
            Self::Failed { reason, .. } | Self::Infrastructure { reason, .. } => reason.clone(),
            Self::Returned(_) => self.to_string(),
        }
    }
}

/// Runs chaincodes for a peer.
pub struct ChaincodeSupport {
    runtime: Arc<Runtime>,
    pub(super) packages: Arc<Packages>,
    ledgers: Arc<Ledgers>,
    access: Arc<dyn AccessControl>,
    config: SupportConfig,
    pub(super) lookup: Lookup,
    dialer: Option<Arc<dyn Dialer>>,
    system: BTreeMap<&'static str, Arc<Handler>>,
    system_calls: AtomicU64,
    pub(super) registry: Arc<Registry>,
}

impl ChaincodeSupport {
    /// Support without system chaincodes yet.
    pub fn new(
        runtime: Arc<Runtime>,
        packages: Arc<Packages>,
        ledgers: Arc<Ledgers>,
        access: Arc<dyn AccessControl>,
        config: SupportConfig,
    ) -> Self {
        Self {
            runtime,
            packages,
            ledgers,
            access,
            config,
            lookup: Lookup::default(),
            dialer: None,
            system: BTreeMap::new(),
            system_calls: AtomicU64::new(0),
            registry: Arc::default(),
        }
    }

    /// Lets it connect to chaincode servers.
    pub fn set_dialer(&mut self, dialer: Arc<dyn Dialer>) {
        self.dialer = Some(dialer);
    }

    /// A chaincode has connected to this peer.
    pub fn open_stream(&self, outbox: Outbox) -> ExternalStream {
        let registrar = Arrivals {
            packages: Arc::clone(&self.packages),
            registry: Arc::clone(&self.registry),
            dev: self.config.external.dev,
        };
        ExternalStream::open(outbox, &self.config.external, Box::new(registrar))
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

    /// The system chaincode of this name.
    pub fn system_chaincode(&self, name: &str) -> Option<&dyn NativeChaincode> {
        match self.system.get(name)?.program() {
            Program::Native(chaincode) => Some(chaincode.as_ref()),
            Program::Wasm(_) => None,
        }
    }

    /// How chaincodes are run.
    pub fn config(&self) -> &SupportConfig {
        &self.config
    }

    pub(super) fn ledgers(&self) -> &Ledgers {
        &self.ledgers
    }

    pub(super) fn access(&self) -> &dyn AccessControl {
        self.access.as_ref()
    }

    /// What a transaction that begins now may have its peer do.
    pub fn meter(&self) -> Meter {
        Meter::new(self.runtime.limits().fuel, Instant::now() + self.config.execute_timeout)
    }

    /// Runs one transaction on a system chaincode.
    pub fn execute_system(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        input: protos::ChaincodeInput,
    ) -> Result<Execution, ExecuteError> {
        self.execute(tx, name, &ccid(name, SYSTEM_VERSION), Entry::Invoke, input)
    }

    /// Runs one transaction on one chaincode, which is launched by its id, and waits for its end.
    pub fn execute(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        ccid: &str,
        entry: Entry,
        input: protos::ChaincodeInput,
    ) -> Result<Execution, ExecuteError> {
        let tx_id = || tx.tx_id.to_string();
        let launched = self.launch(name, ccid).map_err(|reason| ExecuteError::Launch {
            tx_id: tx_id(),
            ccid: ccid.to_owned(),
            reason,
        })?;
        let invocation = Invocation {
            tx: self.tx_key(tx, name),
            entry,
            input,
            proposal: Some(Arc::clone(&tx.signed_proposal)),
        };
        let mut fuel = 0;
        let mut is_deterministic = true;
        let backend = LocalBackend::new(Arc::clone(self), tx.clone(), name.into(), entry);
        let outcome = match &launched {
            Launched::External(program) => {
                let (outcome, over) = self.run_external(program, invocation, backend, name);
                is_deterministic = !over;
                outcome
            }
            Launched::Here(handler) => {
                handler.execute(invocation, |program, invocation| match program {
                    Program::Wasm(guest) => {
                        let call = self.wasm_call(tx, name, guest, invocation);
                        let backend = Box::new(backend);
                        let outcome = self.runtime.invoke(&guest.component, call, backend);
                        let outcome = outcome
                            .inspect_err(|failure| is_deterministic = failure.is_deterministic())?;
                        fuel = outcome.fuel;
                        Ok(Completed { response: outcome.response, event: outcome.event })
                    }
                    Program::Native(chaincode) => {
                        run_native(chaincode.as_ref(), tx, invocation, backend)
                    }
                })
            }
        };
        match outcome {
            Ok(Completed { response, event }) => {
                let event = event.map(|event| protos::ChaincodeEvent {
                    chaincode_id: name.to_owned(),
                    tx_id: tx_id(),
                    event_name: event.name,
                    payload: event.payload,
                });
                Ok(Execution { response, event, fuel })
            }
            Err(ProtocolError::Returned(text)) if is_deterministic => {
                Err(ExecuteError::Returned(text))
            }
            Err(ProtocolError::Returned(reason)) => {
                Err(ExecuteError::Infrastructure { tx_id: tx_id(), reason })
            }
            Err(error @ ProtocolError::NotReady { .. }) => {
                let reason = format!("error sending: {error}");
                Err(ExecuteError::Infrastructure { tx_id: tx_id(), reason })
            }
            Err(error @ ProtocolError::TxExists(_)) => {
                let reason = format!("error sending: {error}");
                Err(ExecuteError::Failed { tx_id: tx_id(), reason })
            }
            Err(error) => {
                let reason = error.to_string();
                Err(ExecuteError::Infrastructure { tx_id: tx_id(), reason })
            }
        }
    }

    /// What the handler knows the execution by. A transaction runs once at a time on an application
    /// chaincode. System chaincodes are asked on the side, for several copies of one proposal at
    /// the same time, and none may be in another's way: each call counts as a transaction of its
    /// own, as VSCC's did in Fabric 1.0.
    fn tx_key(&self, tx: &TxParams, name: &str) -> TxKey {
        let channel = Arc::clone(&tx.channel_id);
        if self.system.contains_key(name) {
            let call = self.system_calls.fetch_add(1, Ordering::Relaxed);
            return TxKey::new(channel, format!("{}#{call}", tx.tx_id));
        }
        TxKey::new(channel, tx.tx_id.as_str())
    }

    fn launch(&self, name: &str, ccid: &str) -> Result<Launched, String> {
        if let Some(handler) = self.system.get(name) {
            return Ok(Launched::Here(Arc::clone(handler)));
        }
        if let Some(launched) = self.registry.ready(ccid) {
            return Ok(launched);
        }
        let launch = Launch {
            packages: Arc::clone(&self.packages),
            dialer: self.dialer.clone(),
            config: self.config.external.clone(),
            timeout: self.config.startup_timeout,
        };
        let patience = Patience { launch: launch.timeout, connect: launch.config.connect_wait };
        let id = ccid.to_owned();
        self.registry.launch(ccid, patience, move || launch.run(&id))
    }

    /// Runs a transaction on a chaincode in another process; also gives whether it ended, or a
    /// request was answered, in a way that other peers may not agree with.
    fn run_external(
        &self,
        program: &ExternalProgram,
        invocation: Invocation,
        backend: LocalBackend,
        name: &str,
    ) -> (Result<Completed, ProtocolError>, bool) {
        let mut requests = Requests::new(backend.bare(), name, self.config.external.batch);
        let timeout = self.config.execute_timeout;
        let tx = invocation.tx.clone();
        let outcome = program.execute(invocation, timeout, |request| requests.serve(request));
        match requests.over() {
            Some((kind, cause)) => {
                let text = failure_text(kind, &tx, &cause);
                (Err(ProtocolError::Returned(text)), true)
            }
            None => {
                // ERROR has only a text, so that is what tells.
                let over = matches!(&outcome, Err(ProtocolError::Returned(text))
                    if Failure::is_text_of_one_host(text));
                (outcome, over)
            }
        }
    }

    fn wasm_call(
        &self,
        tx: &TxParams,
        name: &str,
        guest: &Guest,
        invocation: Invocation,
    ) -> runtime::Invocation {
        let timeout = self.config.execute_timeout;
        runtime::Invocation {
            entry: invocation.entry,
            chaincode: name.to_owned(),
            channel_id: tx.channel_id.to_string(),
            tx_id: tx.tx_id.clone(),
            args: invocation.input.args,
            decorations: invocation.input.decorations,
            proposal: Arc::clone(&tx.proposal),
            peer_msp_id: tx.org.to_string(),
            timeout: guest.timeout.map_or(timeout, |shorter| shorter.min(timeout)),
            limits: guest.limits.clone(),
        }
    }
}

fn run_native(
    chaincode: &dyn NativeChaincode,
    tx: &TxParams,
    invocation: Invocation,
    mut backend: LocalBackend,
) -> Result<Completed, Failure> {
    let mut stub = Stub {
        args: &invocation.input.args,
        channel_id: &tx.channel_id,
        tx_id: &tx.tx_id,
        peer_msp_id: &tx.org,
        called_by_chaincode: tx.depth > 0,
        proposal: &tx.proposal,
        signed_proposal: &tx.signed_proposal,
        simulator: tx.simulator.as_ref(),
        backend: &mut backend,
    };
    let response = match invocation.entry {
        Entry::Init => chaincode.init(&mut stub),
        Entry::Invoke => chaincode.invoke(&mut stub),
    };
    Ok(Completed { response, event: None })
}
