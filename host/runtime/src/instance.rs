//! One transaction and its sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;

use crate::ahead::Running;
use crate::backend::CARRIED_BYTES;
use crate::bindings::fabric;
use crate::failure::Failure;
use crate::limits::Limits;
use crate::output::{Capture, one_line};
use crate::profile::InstanceProfiler;
use crate::ready::Before;
use crate::resident::ResidentPages;
use crate::tx_state::TxState;
use crate::variation::Watch;
use crate::versions::Contract;
use wasmcc_types::{
    CHAINCODE_LOG, ChaincodeEvent, Entry, Exhausted, Meter, ProposalContext, Response, Share, TxId,
};

/// One call of a contract.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function to call.
    pub entry: Entry,
    /// The chaincode's name, for logs.
    pub chaincode: String,
    /// The channel's name; empty for a proposal without one.
    pub channel_id: String,
    /// The transaction's id.
    pub tx_id: TxId,
    /// The arguments of the call.
    pub args: Vec<Vec<u8>>,
    /// Decorations that the peer added.
    pub decorations: BTreeMap<String, Vec<u8>>,
    /// The part of the proposal that the client signed.
    pub proposal: Arc<ProposalContext>,
    /// The MSP id of this peer; empty if it has none.
    pub peer_msp_id: String,
    /// The wall-clock backstop; `Duration::MAX` for none. Then the guest is stopped. Only
    /// [`Runtime::invoke`](crate::Runtime::invoke) also stops waiting for the backend.
    pub timeout: Duration,
    /// The peer's work and the time for the transaction. The guest is stopped when either is used
    /// up.
    pub meter: Arc<Meter>,
    /// The client, chaincode and channel, which have shares of the guests' memory.
    pub share: Arc<Share>,
    /// Narrower limits than the runtime's, see [`Limits::narrowed`]; None: the runtime's own.
    pub limits: Option<Arc<Limits>>,
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The contract's answer, whatever its status.
    pub response: Response,
    /// The event that it set, if any.
    pub event: Option<ChaincodeEvent>,
    /// Units of work; the same on every endorser.
    pub fuel: u64,
    /// Calls of the guest to its peer; the same on every endorser.
    pub host_calls: u64,
}

/// The sandbox of one transaction that has not run yet.
pub struct Instance {
    pub(crate) store: Store<TxState>,
    pub(crate) contract: Contract,
    /// Its fuel at the start.
    pub(crate) fuel: u64,
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
    /// Set if the transaction's run is recorded.
    pub(crate) watch: Option<Arc<Watch>>,
    /// Set if the transaction is profiled.
    pub(crate) profiler: Option<Arc<InstanceProfiler>>,
    /// Set if the instance was made ahead.
    pub(crate) before: Option<Before>,
    pub(crate) running: Running,
    pub(crate) pages: Arc<ResidentPages>,
}

impl Instance {
    /// Calls the contract and ends the sandbox.
    pub async fn run(mut self) -> Result<Outcome, Failure> {
        self.call_before().await?;
        let called = self.call().await;
        let fuel = self.fuel - self.store.get_fuel().unwrap_or(0);
        if let Some(profiler) = &self.profiler {
            profiler.end(fuel);
        }
        let response = called?;
        let host_calls = self.store.data().host_calls();
        let state = match self.before {
            Some(before) => self.running.end(self.store, before),
            None => self.store.into_data(),
        };
        let event = state.into_event();
        Ok(Outcome { response, event, fuel, host_calls })
    }

    /// If the run is to find an earlier call's traces in memory, calls the contract once before the
    /// call that counts.
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
        let result = self.contract.call(&mut self.store, entry, &self.pages).await;
        self.log_output();
        // The guest may have ignored a refusal, so the meter is checked again before anything is
        // endorsed.
        if let Err(why @ (Exhausted::Work { .. } | Exhausted::Memory | Exhausted::Abandoned)) =
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
                    tracing::debug!(target: CHAINCODE_LOG, "{name}: {}", one_line(line));
                });
            }
        }
    }
}
