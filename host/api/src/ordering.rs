//! Waits for the outcome of `Peer::order` without blocking a thread.

use std::future::Future;

use tokio::sync::oneshot;
use tonic::Status;

use crate::peer::OrderListener;
use crate::peer_error::OrderError;
use crate::status::not_run;
use wasmcc_peer::endorser::Claims;
use wasmcc_tls::chain;
use wasmcc_workers::WorkersError;

/// Returns a listener for `Peer::order`, and a future of the outcome. A refused envelope is logged.
pub(super) fn listener(
    claims: Claims,
) -> (OrderListener, impl Future<Output = Result<(), OrderError>> + Send) {
    let (said, heard) = oneshot::channel();
    let listener = Box::new(move |outcome: Result<(), OrderError>| {
        if let Err(error) = &outcome {
            claims.log_not_run(&chain(error));
        }
        // A client that has gone does not get it.
        drop(said.send(outcome));
    });
    let outcome = async {
        let gone = |_| Err(OrderError::Unavailable("the orderer has ended".into()));
        heard.await.unwrap_or_else(gone)
    };
    (listener, outcome)
}

/// Waits until a job that calls `Peer::order` has run, then for the outcome.
pub(super) async fn accepted(
    job: impl Future<Output = Result<(), WorkersError>>,
    outcome: impl Future<Output = Result<(), OrderError>>,
) -> Result<Result<(), OrderError>, Status> {
    job.await.map_err(not_run)?;
    Ok(outcome.await)
}
