//! Threads for short calls that block, and places for calls that wait.
//!
//! Invariant: who waits holds a place, not a thread. A client that goes away, or a server that
//! stops, ends its wait at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use crate::api::shutdown::Stopping;
use crate::api::status::not_run;
use crate::workers::WorkersError;

/// Threads that may run short calls at the same time.
const THREADS: usize = 128;

/// What the services that wait share.
#[derive(Clone, Debug)]
pub(super) struct Waits {
    permits: Arc<Semaphore>,
    places: Arc<Semaphore>,
    limit: usize,
    stopping: Stopping,
}

/// A place among those who wait, until it is dropped.
pub(super) struct Place(#[expect(dead_code, reason = "held, not used")] OwnedSemaphorePermit);

impl Waits {
    /// For at most `limit` calls that wait.
    pub(super) fn new(limit: usize, stopping: Stopping) -> Self {
        let permits = Arc::new(Semaphore::new(THREADS));
        let places = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        Self { permits, places, limit, stopping }
    }

    /// Runs a short call that blocks.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Status::unavailable("the peer is stopping"))?;
        let call = move || {
            let _held_until_the_call_ends = permit;
            call()
        };
        let done = tokio::task::spawn_blocking(call).await;
        done.map_err(|_| not_run(WorkersError::Panicked))
    }

    /// A place for a call that waits. Fabric: `internal/peer/node/grpc_limiters.go`.
    pub(super) fn place(&self, method: &str) -> Result<Place, Status> {
        let limit = self.limit;
        Arc::clone(&self.places).try_acquire_owned().map(Place).map_err(|_| {
            Status::resource_exhausted(format!(
                "too many requests for {method}, exceeding concurrency limit ({limit})"
            ))
        })
    }

    /// When the server stops.
    pub(super) fn stopping(&self) -> Stopping {
        self.stopping.clone()
    }
}
