//! A chaincode that another one calls (fabric `core/chaincode/handler.go`,
//! `HandleInvokeChaincode`).

use std::sync::{Arc, Mutex};

use crate::chaincode::backend::BackendRefusal;
use crate::chaincode::execute::error::{ExecuteCause, ExecuteError};
use crate::chaincode::execute::execution::Execution;
use crate::chaincode::execute::invoke::InfoError;
use crate::chaincode::execute::invoke_target::InvokeTarget;
use crate::chaincode::execute::not_ended::NotEnded;
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::tx_params::TxParams;
use wasmcc_runtime::ErrorKind;
use wasmcc_types::Response;
use wasmcc_types::proto::protos;

/// The called chaincode, and its view of the transaction. It holds no lock or reference of the
/// caller, which waits for it.
pub(crate) struct Callee {
    support: Arc<ChaincodeSupport>,
    target: InvokeTarget,
    tx: TxParams,
    is_system: bool,
}

impl Callee {
    /// Finds the chaincode that `address` names and checks that `caller` may call it.
    pub(crate) fn find(
        support: &Arc<ChaincodeSupport>,
        caller: &TxParams,
        address: &str,
    ) -> Result<Self, BackendRefusal> {
        let limit = support.config().call_depth;
        if caller.depth >= limit {
            let text = format!("chaincodes call each other more than {limit} deep");
            return Err(BackendRefusal::new(ErrorKind::LimitExceeded, text));
        }
        let target = InvokeTarget::parse(address, &caller.channel_id);
        let is_system = support.is_system(&target.name);
        if !is_system {
            let resource = "peer/ChaincodeToChaincode";
            let (org, proposal) = (&caller.org, &caller.proposal);
            let allowed = support.access().check(resource, &target.channel, org, proposal);
            allowed.map_err(|why| BackendRefusal::new(ErrorKind::NotPermitted, why.to_string()))?;
        }
        let other = if *target.channel == *caller.channel_id {
            None
        } else {
            let ledger = support.ledgers().get(&target.channel);
            Some(ledger.ok_or_else(|| {
                let text = format!("failed to find ledger for channel: {}", target.channel);
                BackendRefusal::new(ErrorKind::LedgerFailure, text)
            })?)
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

    /// Returns true for a system chaincode, which never waits.
    pub(crate) fn is_system(&self) -> bool {
        self.is_system
    }

    /// Calls a system chaincode.
    pub(crate) fn ask_system(self, args: Vec<Vec<u8>>) -> Result<Response, BackendRefusal> {
        let input = protos::ChaincodeInput { args, ..Default::default() };
        response(self.support.execute_system(&self.tx, &self.target.name, input))
    }

    /// Calls an application chaincode.
    pub(crate) async fn call(self, args: Vec<Vec<u8>>) -> Result<Response, BackendRefusal> {
        let Self { support, target, tx, .. } = self;
        let input = protos::ChaincodeInput { args, ..Default::default() };
        let info = support.chaincode_info(&tx, &target.name);
        let info = info.map_err(|end| {
            BackendRefusal::new(end.kind(), invalid_invocation(&target, end.cause()))
        })?;
        response(support.invoke(&tx, &target.name, &info, input).await)
    }
}

/// Returns the response of the callee. Its event is dropped, as in Fabric: only the outermost
/// chaincode's event is kept. An ERROR of the callee is also an answer to the caller, with the
/// callee's text.
fn response(executed: Result<Execution, ExecuteError>) -> Result<Response, BackendRefusal> {
    executed.map(|execution| execution.response).map_err(|ExecuteError { end, .. }| match end {
        NotEnded::Everywhere(ExecuteCause::Returned(text)) => {
            BackendRefusal::new(ErrorKind::CalleeFailed, text)
        }
        end => BackendRefusal::new(end.kind(), format!("execute failed: {}", end.cause())),
    })
}

fn invalid_invocation(target: &InvokeTarget, error: &InfoError) -> String {
    format!(
        "execute failed: invalid invocation: [channel {}] failed to get chaincode container info \
         for {}: {error}",
        target.channel, target.name
    )
}
