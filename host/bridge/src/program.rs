//! The program behind a stream: one component under one package id.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::budget::{MessageBudget, StreamBudget};
use crate::pace::{CallPanicked, Pace};
use crate::room::{Admission, Place, Room, RoomStream};
use crate::stream_backend::{StreamBackend, batch_failed};
use wasmcc_protocol::{
    Completed, InvokeMessage, ProtocolError, TxKey, is_nested, proposal_context,
};
use wasmcc_runtime as runtime;
use wasmcc_runtime::{Component, ErrorKind, Failure, Limits, Runtime};
use wasmcc_types::{Meter, ProposalContext, Response, SECRET_SEPARATOR, TxId, shown_name};

/// Limits and settings for the transactions of a [`Program`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramConfig {
    /// Time limit of one transaction, including the times that it waits to run and for the peer. A
    /// peer gives up after its `chaincode.executetimeout`, 30 s by default, without a message to
    /// the chaincode.
    pub execute_timeout: Duration,
    /// The MSP id of the peer; empty if it is not known.
    pub peer_msp_id: String,
    /// Maximum number of transactions that run at once, including those that wait for an answer.
    /// Calls by other chaincodes do not count. While several streams are open, one may use at least
    /// half.
    pub transactions: usize,
    /// Maximum number of transactions that wait to run, shared by the streams in the same way.
    /// Further ones are refused.
    pub queue: usize,
    /// Limits below the runtime's; None: the runtime's own.
    pub limits: Option<Arc<Limits>>,
}

impl Default for ProgramConfig {
    fn default() -> Self {
        let execute_timeout = Duration::from_secs(30);
        let (peer_msp_id, limits) = (String::new(), None);
        Self { execute_timeout, peer_msp_id, transactions: 16, queue: 1_000, limits }
    }
}

/// A component that serves peers.
pub struct Program {
    id: String,
    /// The id with the secret that REGISTER may need; must not be logged.
    announced: String,
    contract: Box<RunCall>,
    pace: Pace,
    room: Arc<Room>,
    /// Limit of a transaction's write batch: the memory of a guest.
    batch_bytes: usize,
    budget: Arc<MessageBudget>,
    config: ProgramConfig,
}

/// The default of [`Program::with_budget`], in bytes.
const MESSAGES_BYTES: usize = 512 << 20;

/// Runs one transaction.
pub(super) type RunCall = dyn Fn(InvokeMessage, StreamBackend) -> ServedCall + Send + Sync;

/// A running transaction. The error is the text of ERROR.
pub(super) type ServedCall = Pin<Box<dyn Future<Output = Result<Completed, String>> + Send>>;

/// The right to run one transaction now.
pub(super) struct Turn {
    #[expect(dead_code, reason = "held")]
    place: Place,
    /// The rest of its time limit.
    left: Duration,
    /// True if it had to wait, so that it may have been cancelled meanwhile.
    pub(super) has_waited: bool,
}

/// Returns the id without the secret, for logs, metrics and errors.
fn without_secret(announced: &str) -> &str {
    announced.split_once(SECRET_SEPARATOR).map_or(announced, |(id, _)| id)
}

impl Program {
    /// Serves `component` under package id `id`, which may be followed by `@` and the secret for
    /// the registration.
    pub fn new(
        id: impl Into<String>,
        component: Arc<Component>,
        runtime: Arc<Runtime>,
        config: ProgramConfig,
    ) -> Self {
        let announced = id.into();
        let id = without_secret(&announced).to_owned();
        let limits = config.limits.as_deref().unwrap_or(runtime.limits());
        let batch_bytes = limits.memory_bytes;
        let guest = ServedComponent { id, component, runtime, config: config.clone() };
        let guest = Arc::new(guest);
        let run = move |invocation, backend| -> ServedCall {
            let guest = Arc::clone(&guest);
            Box::pin(async move { guest.run(invocation, backend).await })
        };
        Self { batch_bytes, ..Self::with(announced, config, Box::new(run)) }
    }

    /// Sets the budget for the bytes that transactions hold in messages. Several programs may share
    /// one; the default is 512 MiB for each program.
    pub fn with_budget(self, budget: Arc<MessageBudget>) -> Self {
        Self { budget, ..self }
    }

    /// Serves any implementation, without a component.
    pub(super) fn with(
        id: impl Into<String>,
        config: ProgramConfig,
        contract: Box<RunCall>,
    ) -> Self {
        let room = Room::new(config.transactions.max(1), config.queue);
        let (batch_bytes, budget) =
            (Limits::default().memory_bytes, MessageBudget::new(MESSAGES_BYTES));
        let (announced, pace) = (id.into(), Pace::default());
        let id = without_secret(&announced).to_owned();
        Self { id, announced, contract, pace, room, batch_bytes, budget, config }
    }

    /// Registers a stream, which shares the slots and the budget with the others.
    pub(super) fn join(&self) -> (RoomStream, Arc<StreamBudget>) {
        (self.room.join(), self.budget.stream())
    }

    /// True if no transaction runs or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.room.is_idle()
    }

    /// Limit of a transaction's write batch, in bytes.
    pub(super) fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// The package id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the id that REGISTER contains.
    pub(super) fn announced(&self) -> &str {
        &self.announced
    }

    /// Admits a transaction, or returns the text of ERROR. Calls by other chaincodes are always
    /// admitted: the running transactions may be waiting for them.
    pub(super) fn admit(
        &self,
        stream: &RoomStream,
        invocation: &InvokeMessage,
    ) -> Result<Admission, String> {
        stream.enter(is_nested(invocation)).map_err(|waiting| {
            not_run(&format!(
                "the chaincode server is busy: {waiting} transactions are waiting already; try \
                 again later, or give it more room (--transactions, --queue)"
            ))
        })
    }

    /// Waits until an admitted transaction may run. The error is the text of ERROR. A transaction
    /// that has waited for its whole time is not run, because the peer has given it up.
    pub(super) async fn turn(&self, admission: Admission) -> Result<Turn, String> {
        let limit = self.config.execute_timeout;
        let ticket = match admission {
            Admission::Now(place) => return Ok(Turn { place, left: limit, has_waited: false }),
            Admission::Queued(ticket) => ticket,
        };
        let since = Instant::now();
        let place = timeout(limit, ticket.wait()).await;
        let left = limit.saturating_sub(since.elapsed());
        match place {
            Ok(Some(place)) if !left.is_zero() => Ok(Turn { place, left, has_waited: true }),
            Ok(None) => Err(ProtocolError::StreamTerminated.to_string()),
            Ok(Some(_)) | Err(_) => Err(not_run(&format!(
                "the chaincode server is busy: the transaction has waited for its whole \
                 time limit of {limit:?}; try again later, or give it more room (--transactions)"
            ))),
        }
    }

    /// Runs one transaction. The error is the text of ERROR.
    pub(super) async fn execute(
        self: &Arc<Self>,
        turn: Turn,
        invocation: InvokeMessage,
        backend: StreamBackend,
    ) -> Result<Completed, String> {
        let program = Arc::clone(self);
        let left = turn.left;
        let call = async move {
            let ended = async {
                let completed = (program.contract)(invocation, backend.clone()).await?;
                backend.flush().await.map_err(|error| match error.kind {
                    ErrorKind::TransactionOver => error.text,
                    _ => batch_failed(&error.text),
                })?;
                Ok(completed)
            };
            timeout(left, ended).await.unwrap_or_else(|_| Err(ProtocolError::Timeout.to_string()))
        };
        let ended = self.pace.run(call).await;
        drop(turn);
        ended.unwrap_or_else(|CallPanicked| Err("panic during execution".into()))
    }
}

/// A component, and the settings that its transactions share.
struct ServedComponent {
    id: String,
    component: Arc<Component>,
    runtime: Arc<Runtime>,
    config: ProgramConfig,
}

impl ServedComponent {
    async fn run(
        &self,
        invocation: InvokeMessage,
        backend: StreamBackend,
    ) -> Result<Completed, String> {
        let InvokeMessage { tx, entry, input, proposal } = invocation;
        let proposal = match proposal {
            Some(signed) => proposal_context(&signed).map_err(|error| error.to_string())?,
            None => ProposalContext::default(),
        };
        let call = runtime::Invocation {
            entry,
            chaincode: self.id.clone(),
            channel_id: tx.channel_id.to_string(),
            tx_id: TxId::parse(&tx.tx_id).map_err(|error| error.to_string())?,
            args: input.args,
            decorations: input.decorations,
            proposal: Arc::new(proposal),
            peer_msp_id: self.config.peer_msp_id.clone(),
            timeout: self.config.execute_timeout,
            meter: Arc::new(Meter::unlimited(self.config.execute_timeout)),
            // The peer itself shares its resources between clients.
            share: Arc::default(),
            limits: self.config.limits.clone(),
        };
        let since = Instant::now();
        let ran = self.runtime.invoke_async(&self.component, call, Box::new(backend)).await;
        self.count(&tx, since.elapsed(), ran.as_ref().ok());
        let outcome = ran.map_err(|failure| failure.to_string())?;
        Ok(Completed { response: outcome.response, event: outcome.event })
    }

    /// Counts a transaction and logs it. A transaction without an outcome is logged elsewhere.
    fn count(&self, tx: &TxKey, took: Duration, outcome: Option<&runtime::Outcome>) {
        let series = wasmcc_metrics::chaincode(&tx.channel_id, &self.id);
        let Some(runtime::Outcome { response, fuel, host_calls, .. }) = outcome else {
            return series.executed(took, false);
        };
        series.executed(took, response.status < Response::ERROR_THRESHOLD);
        series.fuel.inc_by(*fuel);
        series.host_calls.inc_by(*host_calls);
        let (channel, tx_id) = (shown_name(&tx.channel_id), shown_name(&tx.tx_id));
        let (status, ms) = (response.status, took.as_secs_f64() * 1_000.0);
        tracing::info!(
            target: "wasmcc::transaction",
            channel, tx_id, chaincode = self.id, status, fuel, host_calls, ms,
            "executed a transaction"
        );
    }
}

/// Returns the text of ERROR for a transaction that was not run. Another peer's server may have run
/// it; the embedded peer recognizes that by this text.
pub(super) fn not_run(why: &str) -> String {
    Failure::Host(why.to_owned()).to_string()
}
