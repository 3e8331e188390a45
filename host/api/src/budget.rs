//! Limits the bytes of the requests in progress.
//!
//! Invariant: requests do not wait here. A request beyond the limit is refused at once, so the
//! memory of requests that wait for a thread is bounded. Only fully received requests count here;
//! `arriving` counts partial ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tonic::Status;

use crate::status::not_run;
use wasmcc_peer::endorser::{Claims, unpacked_bytes};
use wasmcc_types::proto::protos::SignedProposal;
use wasmcc_types::{Client, Share};
use wasmcc_workers::{Workers, WorkersError};

/// Shared by the services of a server.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<Bytes>);

#[derive(Debug)]
struct Bytes {
    limit: usize,
    used: AtomicUsize,
}

/// The bytes of one request; dropping this releases them.
pub(super) struct Admitted {
    of: Budget,
    bytes: usize,
}

/// The worker threads, with the budget of their requests.
#[derive(Clone)]
pub(super) struct Jobs {
    workers: Arc<Workers>,
    pub(super) budget: Budget,
    /// True if short jobs may begin on the thread of their request.
    begin_here: bool,
}

impl Budget {
    /// Creates a budget of `limit` bytes for all requests together.
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Bytes { limit, used: AtomicUsize::new(0) }))
    }

    /// Counts a request of this many bytes.
    pub(super) fn admit(&self, bytes: usize) -> Result<Admitted, Status> {
        let Bytes { limit, used } = &*self.0;
        let with = |used: usize| used.checked_add(bytes).filter(|sum| sum <= limit);
        match used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with) {
            Ok(_) => Ok(Admitted { of: self.clone(), bytes }),
            Err(used) => Err(Status::resource_exhausted(format!(
                "the peer is busy: requests in progress may use {limit} bytes together, {used} are \
                 in use, and this one needs {bytes}; try again later, send smaller requests, or \
                 start the peer with a larger --request-mib"
            ))),
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.of.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Jobs {
    /// Runs jobs on these threads, or begins them on those of requests if these have large stacks.
    pub(super) fn new(workers: Arc<Workers>, budget: Budget, begin_here: bool) -> Self {
        Self { workers, budget, begin_here }
    }

    /// Queues the job of a request of this encoded size, unless the budget or the queue is full.
    /// The bytes count until the job ends. Dropping the returned future ends the job, and `client`
    /// reports that to the transaction.
    pub(super) fn run<T, F, J>(
        &self,
        bytes: usize,
        share: Share,
        job: F,
    ) -> Result<impl Future<Output = Result<T, WorkersError>> + Send + use<T, F, J>, Status>
    where
        T: Send + 'static,
        F: FnOnce(Client) -> J,
        J: Future<Output = T> + Send + 'static,
    {
        self.start(self.budget.admit(bytes)?, share, job)
    }

    fn start<T, F, J>(
        &self,
        taken: Admitted,
        share: Share,
        job: F,
    ) -> Result<impl Future<Output = Result<T, WorkersError>> + Send + use<T, F, J>, Status>
    where
        T: Send + 'static,
        F: FnOnce(Client) -> J,
        J: Future<Output = T> + Send + 'static,
    {
        let client = Client::default();
        let waiting = client.while_waiting();
        let job = job(client);
        let job = async move {
            let _taken_until_the_job_ends = taken;
            job.await
        };
        let running = match self.begin_here {
            true => self.workers.spawn_here(share, job),
            false => self.workers.spawn(share, job),
        };
        let running = running.map_err(not_run)?;
        Ok(async move {
            let _until_the_result_is_there = waiting;
            running.await
        })
    }
}

impl Jobs {
    /// As [`run`](Self::run), for a proposal; logs a refusal. Also returns the proposal's claims.
    /// The proposal is decoded only if the budget has room for it.
    pub(super) fn propose<T, F, J>(
        &self,
        bytes: usize,
        signed: &SignedProposal,
        job: F,
    ) -> Result<(Claims, impl Future<Output = Result<T, Status>> + Send + use<T, F, J>), Status>
    where
        T: Send + 'static,
        F: FnOnce(Client) -> J,
        J: Future<Output = T> + Send + 'static,
    {
        // Its size in memory after decoding, which happens before its signature is checked.
        let unpacked = unpacked_bytes(signed, self.budget.0.limit);
        let taken = self.budget.admit(bytes.saturating_add(unpacked));
        let claims = Claims::of(signed);
        let started = taken.and_then(|taken| self.start(taken, claims.share.clone(), job));
        let running = started.inspect_err(|status| claims.log_not_run(status.message()))?;
        let of_job = claims.clone();
        let running = async move {
            let done = running.await.map_err(not_run);
            done.inspect_err(|status| of_job.log_not_run(status.message()))
        };
        Ok((claims, running))
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn requests_share_the_bytes_and_give_them_back() {
        let budget = Budget::new(100);
        let (first, second) = (budget.admit(60).unwrap(), budget.admit(40).unwrap());
        let refused = budget.admit(1).err().unwrap();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        let text = "the peer is busy: requests in progress may use 100 bytes together, 100 are in \
                    use, and this one needs 1; try again later, send smaller requests, or start \
                    the peer with a larger --request-mib";
        assert_eq!(refused.message(), text);
        drop(first);
        assert!(budget.admit(61).is_err());
        let _again = budget.admit(60).unwrap();
        drop(second);
        assert!(budget.admit(usize::MAX).is_err());
        assert!(budget.admit(40).is_ok());
    }
}
