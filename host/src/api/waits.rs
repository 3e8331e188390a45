//! Calls that wait for blocks, without a thread for each.
//!
//! Invariant: a waiter holds a thread for one slice of its time only, then lets the others have it.
//! A client that goes away, or a server that stops, ends its wait within a slice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tonic::Status;

use crate::api::shutdown::Stopping;
use crate::api::status::not_run;
use crate::workers::WorkersError;

/// Threads that may wait at the same time.
const THREADS: usize = 128;
/// How long one does so before it looks up.
const SLICE: Duration = Duration::from_millis(500);

/// Threads for blocking calls that are short, or that wait.
#[derive(Clone, Debug)]
pub(super) struct Waits {
    permits: Arc<Semaphore>,
    stopping: Stopping,
}

impl Waits {
    pub(super) fn new(stopping: Stopping) -> Self {
        Self { permits: Arc::new(Semaphore::new(THREADS)), stopping }
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

    /// Asks again and again, each time up to a new deadline, until there is an answer or `deadline`
    /// has passed, which gives None.
    pub(super) async fn until<T, E>(
        &self,
        deadline: Option<Instant>,
        ask: impl Fn(Instant) -> Result<Option<T>, E> + Send + Sync + 'static,
    ) -> Result<Result<Option<T>, E>, Status>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let ask = Arc::new(ask);
        let mut stopping = self.stopping.clone();
        loop {
            let slice = Instant::now() + SLICE;
            let until = deadline.map_or(slice, |deadline| deadline.min(slice));
            let once = Arc::clone(&ask);
            let answer = tokio::select! {
                answer = self.run(move || once(until)) => answer?,
                () = stopping.wait() => return Err(Status::unavailable("the peer is stopping")),
            };
            match answer {
                Ok(None) if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
                answer => return Ok(answer),
            }
        }
    }
}
