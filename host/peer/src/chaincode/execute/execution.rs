//! Executes transactions on chaincodes (fabric `core/chaincode/chaincode_support.go`).
//!
//! A transaction holds a thread only while it computes in this process. It releases the thread
//! while it waits for a launch, for a chaincode in another process, or for the next slice of its
//! guest. Dropping an execution ends it.

use std::sync::Arc;
use std::time::Instant;

use tracing::Instrument;

use crate::chaincode::backend::LocalBackend;
use crate::chaincode::caught::caught;
use crate::chaincode::execute::error::{ExecuteCause, ExecuteError, InvocationError, LaunchError};
use crate::chaincode::execute::handler::{Handler, Program, ended_elsewhere, refused};
use crate::chaincode::execute::not_ended::NotEnded;
use crate::chaincode::execute::registry::{LaunchPatience, Launched};
use crate::chaincode::execute::support::{ChaincodeSupport, SYSTEM_VERSION};
use crate::chaincode::external::{ExternalProgram, Over, Requests, RunError};
use crate::chaincode::lent::Lent;
use crate::chaincode::native::{NativeChaincode, NativeError, Stub};
use crate::chaincode::package::{Guest, ccid};
use crate::chaincode::tx_params::TxParams;
use wasmcc_protocol::{Completed, InvokeMessage, ProtocolError, TxKey, failure_text};
use wasmcc_runtime as runtime;
use wasmcc_runtime::{Failure, FuelGauge};
use wasmcc_types::proto::protos;
use wasmcc_types::{Entry, Response};

/// The result of an execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// The chaincode's answer, whatever its status.
    pub response: Response,
    /// The event, with the names of its chaincode and transaction.
    pub event: Option<protos::ChaincodeEvent>,
    /// Units of work of the outermost chaincode; 0 for native ones.
    pub fuel: u64,
    /// Calls of the outermost chaincode to its peer; 0 for native ones and those in other
    /// processes.
    pub host_calls: u64,
}

/// The result of a chaincode, and its cost.
struct Ran {
    completed: Completed,
    fuel: u64,
    host_calls: u64,
}

type RunResult = Result<Ran, NotEnded<ExecuteCause>>;

impl ChaincodeSupport {
    /// Runs one transaction on a system chaincode, which never waits.
    pub fn execute_system(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        input: protos::ChaincodeInput,
    ) -> Result<Execution, ExecuteError> {
        self.execute_lending(tx, name, input, Lent::Nothing)
    }

    /// As [`execute_system`](Self::execute_system), for a caller that passes decoded values instead
    /// of serialized arguments.
    pub fn execute_lending(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        input: protos::ChaincodeInput,
        lent: Lent<'_>,
    ) -> Result<Execution, ExecuteError> {
        let failed = |end| ExecuteError::new(tx, end);
        if input.is_init {
            return Err(failed(InvocationError::InitNotRequired(name.to_owned()).into()));
        }
        let unknown = || ExecuteCause::NoSystemChaincode(ccid(name, SYSTEM_VERSION));
        let (handler, chaincode) = self
            .system(name)
            .and_then(|handler| Some((handler, handler.native()?)))
            .ok_or_else(|| failed(NotEnded::OnThisPeer(unknown())))?;
        // A transaction calls several system chaincodes, and several copies of one proposal may run
        // at the same time. They must not exclude each other, so each call counts as its own
        // transaction, as VSCC's did in Fabric 1.0.
        let key = format!("{}#{}", tx.tx_id, self.next_system_call());
        let key = TxKey::new(Arc::clone(&tx.channel_id), key);
        let invocation = invocation(tx, key, Entry::Invoke, input);
        let backend = self.backend(tx, name, Entry::Invoke);
        let (begun, invocation) =
            handler.begin(invocation).map_err(|end| failed(end.map(ExecuteCause::Send)))?;
        let completed = run_native(chaincode, tx, invocation, Lendings { backend, lent });
        let completed = begun.finish(completed).map_err(|end| failed(end.into()))?;
        Ok(execution(tx, name, Ran { completed, fuel: 0, host_calls: 0 }))
    }

    /// Runs one transaction on an application chaincode, after launching it if necessary.
    pub async fn execute(
        self: &Arc<Self>,
        tx: &TxParams,
        name: &str,
        ccid: &str,
        entry: Entry,
        input: protos::ChaincodeInput,
    ) -> Result<Execution, ExecuteError> {
        let failed = |end| ExecuteError::new(tx, end);
        let launched = self.launch(tx, ccid).await.map_err(|why| {
            let ccid = ccid.to_owned();
            failed(NotEnded::OnThisPeer(ExecuteCause::Launch { ccid, why }))
        })?;
        // An application chaincode runs a transaction only once at a time.
        let key = TxKey::new(Arc::clone(&tx.channel_id), tx.tx_id.as_str());
        let invocation = invocation(tx, key, entry, input);
        let backend = self.backend(tx, name, entry);
        let span = tracing::debug_span!("execute", chaincode = name);
        let ran = match &launched {
            Launched::External(program) => {
                let series = wasmcc_metrics::launched(&tx.channel_id, ccid);
                let batch = self.config().external.batch;
                let requests = Requests::new(backend.bare(), name, batch, series);
                let run = run_external(program, tx, invocation, requests);
                run.instrument(span).await
            }
            Launched::Here(handler) => {
                self.run_here(handler, tx, invocation, backend, name).instrument(span).await
            }
        };
        ran.map(|ran| execution(tx, name, ran)).map_err(|end| {
            if let ExecuteCause::Send(ProtocolError::Timeout) = end.cause() {
                tx.meter.note_late();
            }
            if tx.meter.deadline() <= Instant::now() {
                wasmcc_metrics::launched(&tx.channel_id, ccid).execution_timed_out();
            }
            failed(end)
        })
    }

    fn backend(self: &Arc<Self>, tx: &TxParams, name: &str, entry: Entry) -> LocalBackend {
        LocalBackend::new(Arc::clone(self), tx.clone(), name.into(), entry)
    }

    async fn launch(&self, tx: &TxParams, ccid: &str) -> Result<Launched, Arc<LaunchError>> {
        if let Some(handler) = self.stand_ins().handler(ccid).map_err(LaunchError::from)? {
            return Ok(Launched::Here(handler));
        }
        if let Some(launched) = self.registry.ready(ccid) {
            wasmcc_metrics::get().launches.found.inc();
            return Ok(launched);
        }
        let (now, deadline) = (Instant::now(), tx.meter.deadline());
        let patience = LaunchPatience {
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
        invocation: InvokeMessage,
        backend: LocalBackend,
        name: &str,
    ) -> RunResult {
        let begun = handler.begin(invocation);
        let (begun, invocation) = begun.map_err(|end| end.map(ExecuteCause::Send))?;
        let ended = match handler.program() {
            Program::Native(chaincode) => {
                let lendings = Lendings { backend, lent: Lent::Nothing };
                let completed = run_native(chaincode.as_ref(), tx, invocation, lendings);
                Ok(Ran { completed, fuel: 0, host_calls: 0 })
            }
            Program::Wasm(guest) => {
                let call = self.wasm_call(tx, name, guest, invocation);
                self.run_guest(guest, tx, call, backend).await.map(Ran::from)
            }
        };
        match ended {
            Ok(Ran { completed, fuel, host_calls }) => match begun.finish(completed) {
                Ok(completed) => Ok(Ran { completed, fuel, host_calls }),
                Err(end) => Err(end.into()),
            },
            Err(failure) => Err(begun.fail(failure).into()),
        }
    }

    async fn run_guest(
        &self,
        guest: &Guest,
        tx: &TxParams,
        call: runtime::Invocation,
        backend: LocalBackend,
    ) -> Result<runtime::Outcome, Failure> {
        let (instances, component) = (self.instances(), &guest.component);
        // Capped, so that a component that takes many slots can run alone even with few instances.
        let places = component.places().min(instances.limit().div_ceil(2)).max(1);
        let place = instances.take(&tx.share, places);
        let _place = place.map_err(|full| Failure::Host(full.to_string()))?;
        let backend = Box::new(backend);
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

    fn wasm_call(
        &self,
        tx: &TxParams,
        name: &str,
        guest: &Guest,
        invocation: InvokeMessage,
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

/// Runs a transaction on a chaincode in another process. If a request failed because of this peer,
/// the transaction fails because of this peer, whatever the chaincode returned.
async fn run_external(
    program: &ExternalProgram,
    tx: &TxParams,
    invocation: InvokeMessage,
    mut requests: Requests<LocalBackend>,
) -> RunResult {
    let key = invocation.tx.clone();
    let outcome = match program.execute(invocation, tx.meter.deadline(), &mut requests).await {
        Ok(completed) => Ok(completed),
        Err(RunError::Congested(why)) => {
            return Err(NotEnded::OnThisPeer(ExecuteCause::Congested(why)));
        }
        Err(RunError::Refused(error)) => return Err(refused(error).map(ExecuteCause::Send)),
        Err(RunError::Ended(error)) => Err(error),
    };
    if let Some(Over { request, cause }) = requests.over() {
        let text = failure_text(request, &key, &cause);
        return Err(NotEnded::OnThisPeer(ExecuteCause::Stopped(text)));
    }
    match outcome {
        Ok(completed) => Ok(Ran { completed, fuel: 0, host_calls: 0 }),
        Err(error) => Err(ended_elsewhere(error).into()),
    }
}

fn invocation(
    tx: &TxParams,
    key: TxKey,
    entry: Entry,
    mut input: protos::ChaincodeInput,
) -> InvokeMessage {
    // Only the peer sets decorations, and this peer has no decorators. Decorations that a client or
    // a calling chaincode wrote are dropped, as in Fabric.
    input.decorations.clear();
    InvokeMessage { tx: key, entry, input, proposal: Some(Arc::clone(&tx.proposal.signed)) }
}

/// The values that the peer passes to a system chaincode for one call.
struct Lendings<'a> {
    backend: LocalBackend,
    lent: Lent<'a>,
}

fn run_native(
    chaincode: &dyn NativeChaincode,
    tx: &TxParams,
    invocation: InvokeMessage,
    Lendings { mut backend, lent }: Lendings<'_>,
) -> Completed {
    if invocation.entry == Entry::Init {
        return Completed { response: Response::success(Vec::new()), event: None };
    }
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
        event: None,
    };
    let answer = chaincode.invoke(&mut stub);
    let response = answer.map_or_else(NativeError::into_response, Response::success);
    Completed { response, event: stub.event }
}

impl From<runtime::Outcome> for Ran {
    fn from(outcome: runtime::Outcome) -> Self {
        let runtime::Outcome { response, event, fuel, host_calls } = outcome;
        Self { completed: Completed { response, event }, fuel, host_calls }
    }
}

fn execution(tx: &TxParams, name: &str, ran: Ran) -> Execution {
    let Ran { completed: Completed { response, event }, fuel, host_calls } = ran;
    let event = event.map(|event| protos::ChaincodeEvent {
        chaincode_id: name.to_owned(),
        tx_id: tx.tx_id.to_string(),
        event_name: event.name,
        payload: event.payload,
    });
    Execution { response, event, fuel, host_calls }
}
