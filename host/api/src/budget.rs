//! How many bytes of requests are in work at the same time.
//!
//! Invariant: nothing waits here. A request beyond the limit is told so at once, so that what waits
//! for a thread has a size that does not depend on the clients. Only requests that have come as a
//! whole count here; see `arriving` for the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tonic::Status;

use crate::status::not_run;
use wasmcc_peer::endorser::Claims;
use wasmcc_types as types;
use wasmcc_types::Client;
use wasmcc_workers::{Workers, WorkersError};

/// Shared by the services of a server.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<Bytes>);

#[derive(Debug)]
struct Bytes {
    limit: usize,
    used: AtomicUsize,
}

/// The share of one request, until it is dropped.
pub(super) struct Share {
    of: Budget,
    bytes: usize,
}

/// The threads for requests, behind the budget.
#[derive(Clone)]
pub(super) struct Jobs {
    workers: Arc<Workers>,
    pub(super) budget: Budget,
}

impl Budget {
    /// For requests of at most `limit` bytes together.
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Bytes { limit, used: AtomicUsize::new(0) }))
    }

    /// The share of a request that is encoded in so many bytes.
    pub(super) fn admit(&self, bytes: usize) -> Result<Share, Status> {
        let Bytes { limit, used } = &*self.0;
        let with = |used: usize| used.checked_add(bytes).filter(|sum| sum <= limit);
        match used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with) {
            Ok(_) => Ok(Share { of: self.clone(), bytes }),
            Err(used) => Err(Status::resource_exhausted(format!(
                "the peer is busy: requests in work may have {limit} bytes together, {used} are \
                 taken, and this one has {bytes}; try again later, send smaller requests, or \
                 start the peer with a larger --request-mib"
            ))),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Jobs {
    /// Jobs of these threads.
    pub(super) fn new(workers: Arc<Workers>, budget: Budget) -> Self {
        Self { workers, budget }
    }

    /// Queues the job of a request that is encoded in so many bytes, unless there is no room for
    /// it. The bytes are taken until the job has ended. When its result is not waited for any more,
    /// the job ends, and what works for `client` hears of it.
    pub(super) fn run<T, F, J>(
        &self,
        bytes: usize,
        share: types::Share,
        job: F,
    ) -> Result<impl Future<Output = Result<T, WorkersError>> + Send + use<T, F, J>, Status>
    where
        T: Send + 'static,
        F: FnOnce(Client) -> J,
        J: Future<Output = T> + Send + 'static,
    {
        let taken = self.budget.admit(bytes)?;
        let client = Client::default();
        let waiting = client.while_waiting();
        let job = job(client);
        let job = async move {
            let _taken_until_the_job_ends = taken;
            job.await
        };
        let running = self.workers.spawn(share, job).map_err(not_run)?;
        Ok(async move {
            let _until_the_result_is_there = waiting;
            running.await
        })
    }
}

impl Jobs {
    /// As [`run`](Self::run), for a proposal: what is refused here leaves its line in the log.
    pub(super) fn propose<T, F, J>(
        &self,
        bytes: usize,
        claims: Claims,
        job: F,
    ) -> Result<impl Future<Output = Result<T, Status>> + Send + use<T, F, J>, Status>
    where
        T: Send + 'static,
        F: FnOnce(Client) -> J,
        J: Future<Output = T> + Send + 'static,
    {
        let running = self.run(bytes, claims.share.clone(), job);
        let running = running.inspect_err(|status| claims.log_not_run(status.message()))?;
        Ok(async move {
            let done = running.await.map_err(not_run);
            done.inspect_err(|status| claims.log_not_run(status.message()))
        })
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
        let text = "the peer is busy: requests in work may have 100 bytes together, 100 are \
                    taken, and this one has 1; try again later, send smaller requests, or start \
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
