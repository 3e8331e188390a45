//! Waits for the outcome of `Peer::order` without blocking a thread.

use std::future::Future;

use tokio::sync::oneshot;
use tonic::Status;

use crate::api::peer::{OrderError, OrderListener};
use crate::api::status::not_run;
use crate::workers::WorkersError;

/// Returns a listener for `Peer::order`, and a future of the outcome that it is called with.
pub(super) fn listener() -> (OrderListener, impl Future<Output = Result<(), OrderError>> + Send) {
    let (said, heard) = oneshot::channel();
    // A client that has gone does not hear it.
    let listener = Box::new(move |outcome| drop(said.send(outcome)));
    let outcome = async {
        let gone = |_| Err(OrderError::Unavailable("the orderer has ended".into()));
        heard.await.unwrap_or_else(gone)
    };
    (listener, outcome)
}

/// Waits until a job that calls `Peer::order` has run, and then for the outcome.
pub(super) async fn accepted(
    job: impl Future<Output = Result<(), WorkersError>>,
    outcome: impl Future<Output = Result<(), OrderError>>,
) -> Result<Result<(), OrderError>, Status> {
    job.await.map_err(not_run)?;
    Ok(outcome.await)
}
