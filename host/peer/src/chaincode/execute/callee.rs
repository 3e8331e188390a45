//! A chaincode that another one calls (fabric `core/chaincode/handler.go`,
//! `HandleInvokeChaincode`).

use std::sync::{Arc, Mutex};

use crate::chaincode::backend::Refusal;
use crate::chaincode::execute::execution::{ExecuteError, Execution};
use crate::chaincode::execute::invoke::InfoError;
use crate::chaincode::execute::invoke_target::InvokeTarget;
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::tx_params::TxParams;
use wasmcc_runtime::ErrorKind;
use wasmcc_types::Response;
use wasmcc_types::proto::protos;

/// What is called, and the transaction as it sees it. It holds nothing of the caller, which waits
/// meanwhile.
pub(crate) struct Callee {
    support: Arc<ChaincodeSupport>,
    target: InvokeTarget,
    tx: TxParams,
    is_system: bool,
}

impl Callee {
    /// What `address` names in a call from `caller`, if it may be called.
    pub(crate) fn find(
        support: &Arc<ChaincodeSupport>,
        caller: &TxParams,
        address: &str,
    ) -> Result<Self, Refusal> {
        let failed = |text: String| Refusal(ErrorKind::LedgerFailure, text);
        let limit = support.config().call_depth;
        if caller.depth >= limit {
            let text = format!("chaincodes call each other more than {limit} deep");
            return Err(Refusal(ErrorKind::LimitExceeded, text));
        }
        let target = InvokeTarget::parse(address, &caller.channel_id);
        let is_system = support.is_system(&target.name);
        if !is_system {
            let resource = "peer/ChaincodeToChaincode";
            let (org, proposal) = (&caller.org, &caller.proposal);
            let allowed = support.access().check(resource, &target.channel, org, proposal);
            allowed.map_err(|why| Refusal(ErrorKind::NotPermitted, why))?;
        }
        let other = if *target.channel == *caller.channel_id {
            None
        } else {
            let ledger = support.ledgers().get(&target.channel);
            let missing = || format!("failed to find ledger for channel: {}", target.channel);
            Some(ledger.ok_or_else(|| failed(missing()))?)
        };
        let simulator = match other {
            None => caller.simulator.clone(),
            Some(ledger) => {
                let simulator = ledger.simulator_for(&caller.tx_id, &caller.org);
                let simulator = simulator.metered(Arc::clone(&caller.meter));
                Some(Arc::new(Mutex::new(simulator)))
            }
        };
        let tx = TxParams {
            channel_id: Arc::clone(&target.channel),
            simulator,
            depth: caller.depth + 1,
            ..caller.clone()
        };
        Ok(Self { support: Arc::clone(support), target, tx, is_system })
    }

    /// Whether it is one of the peer's own, which do not wait.
    pub(crate) fn is_system(&self) -> bool {
        self.is_system
    }

    /// Calls a chaincode of the peer.
    pub(crate) fn ask_system(self, args: Vec<Vec<u8>>) -> Result<Response, Refusal> {
        let input = protos::ChaincodeInput { args, ..Default::default() };
        response(self.support.execute_system(&self.tx, &self.target.name, input))
    }

    /// Calls an application chaincode.
    pub(crate) async fn call(self, args: Vec<Vec<u8>>) -> Result<Response, Refusal> {
        let Self { support, target, tx, .. } = self;
        let input = protos::ChaincodeInput { args, ..Default::default() };
        let info = support.chaincode_info(&tx, &target.name).map_err(|error| {
            let kind = match error {
                InfoError::Undefined(_) | InfoError::NoName { .. } => ErrorKind::LedgerFailure,
                InfoError::OfThisPeer(_) => ErrorKind::TransactionOver,
            };
            Refusal(kind, invalid_invocation(&target, &error))
        })?;
        response(support.invoke(&tx, &target.name, &info, input).await)
    }
}

/// The callee's event is dropped, as in Fabric: a transaction has one event, its own.
fn response(executed: Result<Execution, ExecuteError>) -> Result<Response, Refusal> {
    executed.map(|execution| execution.response).map_err(|error| {
        let kind = match error {
            ExecuteError::Infrastructure { .. } | ExecuteError::Launch { .. } => {
                ErrorKind::TransactionOver
            }
            _ => ErrorKind::LedgerFailure,
        };
        Refusal(kind, format!("execute failed: {}", error.reason()))
    })
}

fn invalid_invocation(target: &InvokeTarget, error: &InfoError) -> String {
    format!(
        "execute failed: invalid invocation: [channel {}] failed to get chaincode container info \
         for {}: {error}",
        target.channel, target.name
    )
}
