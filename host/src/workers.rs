//! A fixed number of threads for calls that run guests or read disks.
//!
//! Invariant: nothing waits without bound. The queue has an end, and who finds it full is told so
//! at once; a job that panics costs its own answer and nothing else.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

/// Each thread's stack. Guests have stacks of their own; here is what the peer does, which nests
/// where chaincodes of other processes call each other.
const STACK_BYTES: usize = 16 << 20;

/// Why a job gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkersError {
    /// It was not begun.
    #[error(
        "the peer is busy: {queue_jobs} requests are waiting already; try again later, or start \
         it with more workers"
    )]
    Busy {
        /// The length of the queue.
        queue_jobs: usize,
    },
    /// It was begun and did not end well.
    #[error("an internal error ended this request; the peer's log says more")]
    Panicked,
}

type Job = Box<dyn FnOnce() + Send>;

/// The threads. Dropping them finishes what waits, then joins them.
pub struct Workers {
    /// None only while dropping.
    queue: Option<SyncSender<Job>>,
    queue_jobs: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `threads` threads, at least one, behind a queue of at most `queue_jobs` jobs.
    pub fn new(threads: usize, queue_jobs: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(queue_jobs);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut workers = Self { queue: Some(sender), queue_jobs, threads: Vec::new() };
        for number in 0..threads.max(1) {
            let receiver = Arc::clone(&receiver);
            let thread = thread::Builder::new()
                .name(format!("worker-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || work(&receiver))?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Queues a job, unless the queue is full. A job whose answer nobody waits for any more when
    /// its turn comes is not begun.
    pub fn run<T, F>(
        &self,
        job: F,
    ) -> Result<impl Future<Output = Result<T, WorkersError>> + Send + use<T, F>, WorkersError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (job, answer) = with_answer(job);
        match self.queue().try_send(job) {
            Ok(()) => Ok(async { answer.await.map_err(|_| WorkersError::Panicked) }),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                Err(WorkersError::Busy { queue_jobs: self.queue_jobs })
            }
        }
    }

    /// Runs a job and waits for it, for room in the queue too. Not for asynchronous code, and not
    /// for jobs: one that waits for another may wait for ever.
    pub fn run_blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkersError> {
        let (job, answer) = with_answer(job);
        let busy = WorkersError::Busy { queue_jobs: self.queue_jobs };
        self.queue().send(job).map_err(|_| busy)?;
        answer.blocking_recv().map_err(|_| WorkersError::Panicked)
    }

    fn queue(&self) -> &SyncSender<Job> {
        self.queue.as_ref().expect("only drop takes it")
    }
}

/// A job that sends its result, and where that arrives. A panic drops the sender.
fn with_answer<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> (Job, oneshot::Receiver<T>) {
    let (sender, answer) = oneshot::channel();
    let job = move || {
        if !sender.is_closed() {
            // The receiver may go at any time; then nobody misses the result.
            let _ = sender.send(job());
        }
    };
    (Box::new(job), answer)
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        run(job);
    }
}

fn run(job: Job) {
    // What a panic left half done lies behind locks that are poisoned, or belongs to the job.
    if catch_unwind(AssertUnwindSafe(job)).is_err() {
        tracing::error!("a request panicked");
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // The last owner may be a job.
            if thread.thread().id() != thread::current().id() {
                // Workers catch panics; there is nothing that could be told here.
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn workers(threads: usize, queue_jobs: usize) -> Workers {
        Workers::new(threads, queue_jobs).unwrap()
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Occupies one worker until the second barrier is passed.
    fn occupy(workers: &Workers) -> (impl Future<Output = Result<(), WorkersError>>, Arc<Barrier>) {
        let (begun, end) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (its_begun, its_end) = (Arc::clone(&begun), Arc::clone(&end));
        let running = workers.run(move || {
            its_begun.wait();
            its_end.wait();
        });
        begun.wait();
        (running.unwrap(), end)
    }

    #[test]
    fn a_full_queue_is_told_at_once() {
        let workers = workers(1, 1);
        let (running, end) = occupy(&workers);
        let waiting = workers.run(|| 2).unwrap();
        let refused = workers.run(|| 3).err();
        assert_eq!(refused, Some(WorkersError::Busy { queue_jobs: 1 }));
        end.wait();
        wait(running).unwrap();
        assert_eq!(wait(waiting), Ok(2));
        assert_eq!(wait(workers.run(|| 4).unwrap()), Ok(4));
    }

    #[test]
    fn a_panic_costs_its_own_answer_only() {
        let workers = workers(1, 4);
        let broken = workers.run(|| -> u8 { panic!("on purpose") }).unwrap();
        assert_eq!(wait(broken), Err(WorkersError::Panicked));
        assert_eq!(workers.run_blocking(|| 7), Ok(7));
        let broken = workers.run_blocking(|| -> u8 { panic!("on purpose") });
        assert_eq!(broken, Err(WorkersError::Panicked));
    }

    #[test]
    fn a_job_that_nobody_waits_for_is_not_begun() {
        let workers = workers(1, 4);
        let begun = Arc::new(AtomicUsize::new(0));
        let (running, end) = occupy(&workers);
        let count = Arc::clone(&begun);
        drop(workers.run(move || count.fetch_add(1, Ordering::SeqCst)).unwrap());
        end.wait();
        wait(running).unwrap();
        drop(workers);
        assert_eq!(begun.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn dropping_finishes_what_waits() {
        let workers = workers(2, 100);
        let done = Arc::new(AtomicUsize::new(0));
        let jobs: Vec<_> = (0..50)
            .map(|_| {
                let done = Arc::clone(&done);
                workers.run(move || done.fetch_add(1, Ordering::SeqCst)).unwrap()
            })
            .collect();
        drop(workers);
        assert_eq!(done.load(Ordering::SeqCst), 50);
        assert!(jobs.into_iter().all(|job| wait(job).is_ok()));
    }

    #[test]
    fn a_job_may_be_the_last_owner() {
        let workers = Arc::new(workers(1, 1));
        let (sender, receiver) = std::sync::mpsc::channel();
        let shared = Arc::clone(&workers);
        let begun = Arc::new(Barrier::new(2));
        let its_begun = Arc::clone(&begun);
        let running = workers.run(move || {
            its_begun.wait();
            drop(shared);
            sender.send(()).unwrap();
        });
        drop(workers);
        begun.wait();
        receiver.recv().unwrap();
        assert_eq!(wait(running.unwrap()), Ok(()));
    }

    #[test]
    fn workers_have_deep_stacks() {
        fn depth(n: u32) -> u64 {
            let page = std::hint::black_box([u64::from(n); 512]);
            if n == 0 { page[0] } else { depth(n - 1) + page[1] }
        }
        let workers = workers(1, 1);
        assert!(workers.run_blocking(|| depth(1_000)).unwrap() > 0);
    }
}
