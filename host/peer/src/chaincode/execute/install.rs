//! Runs each install of a package on its own thread. It compiles, which may take minutes; its
//! caller holds no thread meanwhile.
//!
//! Invariant: if the caller leaves, the compilation is ended, unless others wait for the same
//! component.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;
use tracing::Span;

use crate::chaincode::execute::error::{ExecuteCause, ExecuteError};
use crate::chaincode::execute::execution::Execution;
use crate::chaincode::execute::not_ended::NotEnded;
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::lent::Lent;
use crate::chaincode::package::InstallTurn;
use crate::chaincode::tx_params::TxParams;
use wasmcc_runtime::Waiting;
use wasmcc_types::proto::protos;
use wasmcc_types::{Share, ShareFull};

/// Stack of each thread. Compilers in this process recurse.
const STACK_BYTES: usize = 16 << 20;

impl ChaincodeSupport {
    /// Waits until an install may run; `bytes` is the size of its request.
    ///
    /// # Errors
    /// Too many installs wait: in total, of the organization or of the client.
    pub async fn install_turn(
        &self,
        share: &Share,
        bytes: usize,
    ) -> Result<InstallTurn, ShareFull> {
        self.packages.install_turn(share, bytes).await
    }

    /// As [`execute_system`](Self::execute_system), for a call that installs a package. Dropping
    /// the future means that the caller has left.
    pub async fn execute_install(
        self: &Arc<Self>,
        turn: InstallTurn,
        tx: &TxParams,
        name: &str,
        input: protos::ChaincodeInput,
    ) -> Result<Execution, ExecuteError> {
        let failed =
            |text: String| ExecuteError::new(tx, NotEnded::OnThisPeer(ExecuteCause::Stopped(text)));
        let waiting = Waiting::default();
        let (waiter, span) = (waiting.waiter(), Span::current());
        let (sender, executed) = oneshot::channel();
        let (its_support, its_tx, its_name) = (Arc::clone(self), tx.clone(), name.to_owned());
        let job = move || {
            let execute = || {
                let lent = Lent::Install(&waiter);
                span.in_scope(|| its_support.execute_lending(&its_tx, &its_name, input, lent))
            };
            let executed = catch_unwind(AssertUnwindSafe(execute));
            // Dropped first, so that nothing of the transaction is in use here when its caller gets
            // the answer.
            drop((turn, its_tx, its_support));
            match executed {
                // The caller may have left and not need the answer.
                Ok(executed) => drop(sender.send(executed)),
                Err(_) => tracing::error!("an install panicked"),
            }
        };
        let thread = thread::Builder::new().name("wasmcc-install".into()).stack_size(STACK_BYTES);
        let started = thread.spawn(job);
        started.map_err(|error| failed(format!("cannot start a thread to install: {error}")))?;
        let ended = executed.await;
        drop(waiting);
        ended.unwrap_or_else(|_| Err(failed("the install was interrupted, see the log".into())))
    }
}
