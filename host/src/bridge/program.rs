//! What runs behind a stream: one component under one package id.

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::stream_backend::StreamBackend;
use crate::protocol::{Completed, Invocation, proposal_context};
use crate::runtime::{self, Component, Limits, Runtime};
use crate::types::{ProposalContext, TxId};
use crate::workers::Workers;

/// How transactions of a [`Program`] are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramConfig {
    /// The backstop on the time of one transaction, waiting for the peer included. A peer gives up
    /// after its `chaincode.executetimeout`, 30 s by default, and does not say so.
    pub execute_timeout: Duration,
    /// The MSP id of the peer; empty if it is not known.
    pub peer_msp_id: String,
    /// Transactions that may run at once; each waits on a thread while its peer answers. Calls of
    /// other chaincodes come on top.
    pub transactions: usize,
    /// Transactions that may wait for that. Those beyond are refused.
    pub queue: usize,
    /// Narrower limits than the runtime's; none: the runtime's own.
    pub limits: Option<Arc<Limits>>,
}

impl Default for ProgramConfig {
    fn default() -> Self {
        let execute_timeout = Duration::from_secs(30);
        let (peer_msp_id, limits) = (String::new(), None);
        Self { execute_timeout, peer_msp_id, transactions: 16, queue: 1_000, limits }
    }
}

/// A component that serves peers. It has worker threads of its own, so that a chaincode that waits
/// for another one of the same process leaves it room to run.
pub struct Program {
    id: String,
    contract: Box<Contract>,
    workers: Workers,
    execute_timeout: Duration,
}

/// Runs one transaction. The error is the text of ERROR.
type Contract = dyn Fn(Invocation, &StreamBackend) -> Result<Completed, String> + Send + Sync;

impl Program {
    /// Serves `component` under package id `id`.
    pub fn new(
        id: impl Into<String>,
        component: Arc<Component>,
        runtime: Arc<Runtime>,
        config: ProgramConfig,
    ) -> std::io::Result<Self> {
        let id = id.into();
        let guest = Guest { id: id.clone(), component, runtime, config: config.clone() };
        Self::with(id, config, move |invocation, backend| guest.run(invocation, backend))
    }

    /// Serves what needs no component.
    pub(super) fn with(
        id: impl Into<String>,
        config: ProgramConfig,
        contract: impl Fn(Invocation, &StreamBackend) -> Result<Completed, String>
        + Send
        + Sync
        + 'static,
    ) -> std::io::Result<Self> {
        let workers = Workers::new(config.transactions, config.queue)?;
        let (id, execute_timeout) = (id.into(), config.execute_timeout);
        Ok(Self { id, contract: Box::new(contract), workers, execute_timeout })
    }

    /// The package id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn workers(&self) -> &Workers {
        &self.workers
    }

    pub(super) fn execute_timeout(&self) -> Duration {
        self.execute_timeout
    }

    /// Runs one transaction. The error is the text of ERROR.
    pub(super) fn execute(
        &self,
        invocation: Invocation,
        backend: &StreamBackend,
    ) -> Result<Completed, String> {
        let completed = (self.contract)(invocation, backend)?;
        backend.flush().map_err(|error| error.text)?;
        Ok(completed)
    }
}

/// A component and all that its transactions have in common.
struct Guest {
    id: String,
    component: Arc<Component>,
    runtime: Arc<Runtime>,
    config: ProgramConfig,
}

impl Guest {
    fn run(&self, invocation: Invocation, backend: &StreamBackend) -> Result<Completed, String> {
        let Invocation { tx, entry, input, proposal } = invocation;
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
            limits: self.config.limits.clone(),
        };
        let outcome = self
            .runtime
            .invoke(&self.component, call, Box::new(backend.clone()))
            .map_err(|failure| failure.to_string())?;
        Ok(Completed { response: outcome.response, event: outcome.event })
    }
}
