//! Executes transactions on chaincodes (fabric `core/chaincode/chaincode_support.go`).
//!
//! A transaction has a thread while it computes here, and none while a guest that has used up its
//! slice, a chaincode in another process, or a launch is waited for. Dropping an execution ends it.

use std::sync::Arc;
use std::time::Instant;

use crate::chaincode::backend::LocalBackend;
use crate::chaincode::caught::caught;
use crate::chaincode::execute::handler::{Handler, Program};
use crate::chaincode::execute::registry::{Launched, Patience};
use crate::chaincode::execute::support::{ChaincodeSupport, SYSTEM_VERSION};
use crate::chaincode::external::{ExternalProgram, Requests, RunError};
use crate::chaincode::lent::Lent;
use crate::chaincode::native::{NativeChaincode, Stub};
use crate::chaincode::package::Guest;
use crate::chaincode::package::ccid;
use crate::chaincode::tx_params::TxParams;
use wasmcc_protocol::{Completed, Invocation, ProtocolError, TxKey, failure_text};
use wasmcc_runtime as runtime;
use wasmcc_runtime::{Failure, FuelGauge};
use wasmcc_types::proto::protos;
use wasmcc_types::{Entry, Response};

/// What an execution gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// The chaincode's answer, whatever its status.
    pub response: Response,
    /// The event, with chaincode and transaction filled in.
    pub event: Option<protos::ChaincodeEvent>,
    /// Units of work of the outermost chaincode; 0 for native ones.
    pub fuel: u64,
    /// Calls of the outermost chaincode to its peer; 0 for native ones and those elsewhere.
    pub host_calls: u64,
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

/// How an execution ended.
struct Ended {
    outcome: Result<Completed, ProtocolError>,
    fuel: u64,
    host_calls: u64,
    /// Whether every peer would come to it.
    is_deterministic: bool,
}

impl ChaincodeSupport {
    /// Runs one transaction on a system chaincode. These do not wait for anything.
    pub fn execute_system(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        input: protos::ChaincodeInput,
    ) -> Result<Execution, ExecuteError> {
        self.execute_lending(tx, name, input, Lent::Nothing)
    }

    /// As [`execute_system`](Self::execute_system), for a caller that has opened already what the
    /// arguments would hold.
    pub fn execute_lending(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        input: protos::ChaincodeInput,
        lent: Lent<'_>,
    ) -> Result<Execution, ExecuteError> {
        let handler = self.system(name).ok_or_else(|| ExecuteError::Launch {
            tx_id: tx.tx_id.to_string(),
            ccid: ccid(name, SYSTEM_VERSION),
            reason: "there is no such system chaincode".into(),
        })?;
        // System chaincodes are asked on the side, for several copies of one proposal at the same
        // time, and none may be in another's way: each call counts as a transaction of its own, as
        // VSCC's did in Fabric 1.0.
        let key = format!("{}#{}", tx.tx_id, self.next_system_call());
        let key = TxKey::new(Arc::clone(&tx.channel_id), key);
        let invocation = invocation(tx, key, Entry::Invoke, input);
        let backend = self.backend(tx, name, Entry::Invoke);
        let outcome = handler.begin(invocation).and_then(|(begun, invocation)| {
            begun.finish(match handler.program() {
                Program::Native(chaincode) => {
                    Ok(run_native(chaincode.as_ref(), tx, invocation, (backend, lent)))
                }
                Program::Wasm(_) => Err(Failure::Host("a component among the system's".into())),
            })
        });
        let (fuel, host_calls) = (0, 0);
        execution(tx, name, Ended { outcome, fuel, host_calls, is_deterministic: true })
    }

    /// Runs one transaction on one application chaincode, which is launched by its id.
    pub async fn execute(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        ccid: &str,
        entry: Entry,
        input: protos::ChaincodeInput,
    ) -> Result<Execution, ExecuteError> {
        let launched = self.launch(tx, ccid).await.map_err(|reason| ExecuteError::Launch {
            tx_id: tx.tx_id.to_string(),
            ccid: ccid.to_owned(),
            reason,
        })?;
        // A transaction runs once at a time on an application chaincode.
        let key = TxKey::new(Arc::clone(&tx.channel_id), tx.tx_id.as_str());
        let invocation = invocation(tx, key, entry, input);
        let backend = self.backend(tx, name, entry);
        let ended = match &launched {
            Launched::External(program) => {
                let ran = self.run_external(program, tx, invocation, backend, name).await;
                ran.map_err(|reason| {
                    let tx_id = tx.tx_id.to_string();
                    ExecuteError::Infrastructure { tx_id, reason }
                })?
            }
            Launched::Here(handler) => self.run_here(handler, tx, invocation, backend, name).await,
        };
        let executed = execution(tx, name, ended);
        if executed.is_err() && tx.meter.deadline() <= Instant::now() {
            wasmcc_metrics::chaincode(&tx.channel_id, name).execution_timed_out();
        }
        executed
    }

    fn backend(self: &Arc<Self>, tx: &TxParams, name: &str, entry: Entry) -> LocalBackend {
        LocalBackend::new(Arc::clone(self), tx.clone(), name.into(), entry)
    }

    async fn launch(&self, tx: &TxParams, ccid: &str) -> Result<Launched, String> {
        if let Some(handler) = self.stand_ins().handler(ccid)? {
            return Ok(Launched::Here(handler));
        }
        if let Some(launched) = self.registry.ready(ccid) {
            wasmcc_metrics::get().launches.found.inc();
            return Ok(launched);
        }
        let (now, deadline) = (Instant::now(), tx.meter.deadline());
        let patience = Patience {
            launch: deadline.min(now + self.config().startup_timeout),
            connect: deadline.min(now + self.config().external.connect_wait),
        };
        let launch = self.launcher();
        self.registry.launch(ccid, patience, move |launching| launch.run(launching)).await
    }

    async fn run_here(
        &self,
        handler: &Handler,
        tx: &TxParams,
        invocation: Invocation,
        backend: LocalBackend,
        name: &str,
    ) -> Ended {
        let mut ended = Ended {
            outcome: Err(ProtocolError::StreamTerminated),
            fuel: 0,
            host_calls: 0,
            is_deterministic: true,
        };
        let (begun, invocation) = match handler.begin(invocation) {
            Ok(begun) => begun,
            Err(error) => return Ended { outcome: Err(error), ..ended },
        };
        let outcome = match handler.program() {
            Program::Native(chaincode) => {
                Ok(run_native(chaincode.as_ref(), tx, invocation, (backend, Lent::Nothing)))
            }
            Program::Wasm(guest) => {
                let call = self.wasm_call(tx, name, guest, invocation);
                let outcome = self.run_guest(guest, tx, call, backend).await;
                outcome.map(|outcome| {
                    (ended.fuel, ended.host_calls) = (outcome.fuel, outcome.host_calls);
                    Completed { response: outcome.response, event: outcome.event }
                })
            }
        };
        if let Err(failure) = &outcome {
            ended.is_deterministic = failure.is_deterministic();
        }
        ended.outcome = begun.finish(outcome);
        ended
    }

    async fn run_guest(
        &self,
        guest: &Guest,
        tx: &TxParams,
        call: runtime::Invocation,
        backend: LocalBackend,
    ) -> Result<runtime::Outcome, Failure> {
        let place = self.instances().enter(&tx.share);
        let _place = place.map_err(|full| Failure::Host(full.to_string()))?;
        let (component, backend) = (&guest.component, Box::new(backend));
        let outcome = match self.observer() {
            None => caught(self.runtime().invoke_async(component, call, backend)).await,
            Some(observer) => {
                let gauge = FuelGauge::default();
                let backend = observer.observe(&call.chaincode, tx, backend, gauge.clone());
                caught(self.runtime().invoke_gauged(component, call, backend, gauge)).await
            }
        };
        outcome.unwrap_or_else(|_| Err(Failure::Host("panic during execution".into())))
    }

    /// Runs a transaction on a chaincode in another process. It is not deterministic if it ended,
    /// or a request was answered, in a way that other peers may not agree with. The error: it was
    /// not begun.
    async fn run_external(
        &self,
        program: &ExternalProgram,
        tx: &TxParams,
        invocation: Invocation,
        backend: LocalBackend,
        name: &str,
    ) -> Result<Ended, String> {
        let series = wasmcc_metrics::chaincode(&tx.channel_id, name);
        let batch = self.config().external.batch;
        let mut requests = Requests::new(backend.bare(), name, batch, series);
        let key = invocation.tx.clone();
        let outcome = match program.execute(invocation, tx.meter.deadline(), &mut requests).await {
            Ok(completed) => Ok(completed),
            Err(RunError::Protocol(error)) => Err(error),
            Err(RunError::NotRead(reason)) => return Err(reason),
        };
        let (fuel, host_calls) = (0, 0);
        let ended =
            |outcome, is_deterministic| Ended { outcome, fuel, host_calls, is_deterministic };
        Ok(match requests.over() {
            Some((kind, cause)) => {
                let text = failure_text(kind, &key, &cause);
                ended(Err(ProtocolError::Returned(text)), false)
            }
            None => {
                // ERROR carries only a text; host-dependent failures are recognized by it.
                let is_of_one_host = matches!(&outcome, Err(ProtocolError::Returned(text))
                    if Failure::is_text_of_one_host(text));
                ended(outcome, !is_of_one_host)
            }
        })
    }

    fn wasm_call(
        &self,
        tx: &TxParams,
        name: &str,
        guest: &Guest,
        invocation: Invocation,
    ) -> runtime::Invocation {
        let left = tx.meter.deadline().saturating_duration_since(Instant::now());
        runtime::Invocation {
            entry: invocation.entry,
            chaincode: name.to_owned(),
            channel_id: tx.channel_id.to_string(),
            tx_id: tx.tx_id.clone(),
            args: invocation.input.args,
            decorations: invocation.input.decorations,
            proposal: Arc::clone(&tx.proposal),
            peer_msp_id: tx.org.to_string(),
            timeout: guest.timeout.map_or(left, |shorter| shorter.min(left)),
            meter: Arc::clone(&tx.meter),
            share: Arc::clone(&tx.share),
            limits: guest.limits.clone(),
        }
    }
}

fn invocation(
    tx: &TxParams,
    key: TxKey,
    entry: Entry,
    input: protos::ChaincodeInput,
) -> Invocation {
    Invocation { tx: key, entry, input, proposal: Some(Arc::clone(&tx.proposal.signed)) }
}

fn run_native(
    chaincode: &dyn NativeChaincode,
    tx: &TxParams,
    invocation: Invocation,
    (mut backend, lent): (LocalBackend, Lent<'_>),
) -> Completed {
    let mut stub = Stub {
        args: &invocation.input.args,
        channel_id: &tx.channel_id,
        tx_id: &tx.tx_id,
        peer_msp_id: &tx.org,
        called_by_chaincode: tx.depth > 0,
        proposal: &tx.proposal,
        lent,
        simulator: tx.simulator.as_ref(),
        backend: &mut backend,
    };
    let response = match invocation.entry {
        Entry::Init => chaincode.init(&mut stub),
        Entry::Invoke => chaincode.invoke(&mut stub),
    };
    Completed { response, event: None }
}

fn execution(tx: &TxParams, name: &str, ended: Ended) -> Result<Execution, ExecuteError> {
    let tx_id = tx.tx_id.to_string();
    let Ended { outcome, fuel, host_calls, is_deterministic } = ended;
    match outcome {
        Ok(Completed { response, event }) => {
            let event = event.map(|event| protos::ChaincodeEvent {
                chaincode_id: name.to_owned(),
                tx_id,
                event_name: event.name,
                payload: event.payload,
            });
            Ok(Execution { response, event, fuel, host_calls })
        }
        Err(ProtocolError::Returned(text)) if is_deterministic => Err(ExecuteError::Returned(text)),
        Err(ProtocolError::Returned(reason)) => Err(ExecuteError::Infrastructure { tx_id, reason }),
        Err(error @ ProtocolError::NotReady { .. }) => {
            let reason = format!("error sending: {error}");
            Err(ExecuteError::Infrastructure { tx_id, reason })
        }
        Err(error @ ProtocolError::TxExists(_)) => {
            let reason = format!("error sending: {error}");
            Err(ExecuteError::Failed { tx_id, reason })
        }
        Err(error) => {
            let reason = error.to_string();
            Err(ExecuteError::Infrastructure { tx_id, reason })
        }
    }
}
