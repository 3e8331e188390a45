//! A fixed number of threads for the calls of clients.
//!
//! A job is a future: it occupies a thread while it computes, and none while it waits. The line
//! with the least time used so far gets the next thread, see `lines`. A job that computes for
//! longer than a slice continues on threads of a lower priority, so that quick jobs need not wait
//! for the end of a slice. `balance` guarantees it a share of a busy processor. The queue of jobs
//! that have not started is bounded; if it is full, a job is refused at once. A panic in a job
//! affects only that job's result. Dropping a job's handle ends the job.
//!
//! Invariant: the queue of jobs that have not started is never longer than its bound.

mod balance;
mod habits;
mod jobs;
mod lines;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak, mpsc};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::jobs::{End, Jobs, Step, Work, waker};
use crate::lines::Pace;
use wasmcc_types::Share;

/// Stack size of each thread. Guests have stacks of their own; this one is for the peer's code,
/// which nests when chaincodes of other processes call each other.
pub const STACK_BYTES: usize = 16 << 20;

/// The reason why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkersError {
    /// The job was refused.
    #[error(
        "the peer is busy: {queue_jobs} requests are waiting already; try again later, or start \
         it with more workers"
    )]
    Busy {
        /// The length of the queue.
        queue_jobs: usize,
    },
    /// The job panicked.
    #[error("an internal error ended this request; see the peer's log")]
    Panicked,
    /// The workers were stopped before the job ended.
    #[error("the peer is stopping")]
    Stopped,
}

/// Difference of priority between threads for quick and for computing jobs (`nice`). With 5 a quick
/// job often waits for the system's next tick (4 ms), with 15 hardly ever.
const COMPUTING_NICE: i32 = 15;

/// The threads. Dropping this ends all jobs, then joins the threads.
pub struct Workers {
    jobs: Arc<Jobs>,
    queue_jobs: usize,
    threads: Vec<JoinHandle<()>>,
}

/// A queued job. Dropping this ends the job and releases what it holds.
#[must_use = "dropping the handle ends the job"]
pub struct Running<T> {
    result: oneshot::Receiver<T>,
    jobs: Weak<Jobs>,
    number: u64,
    end: End,
}

impl Workers {
    /// Starts `threads` threads for quick jobs, at least one, and as many for computing jobs. At
    /// most `queue_jobs` jobs may wait to be started; with `usize::MAX`, any number.
    pub fn new(threads: usize, queue_jobs: usize) -> std::io::Result<Self> {
        let mut workers = Self { jobs: Jobs::new(queue_jobs), queue_jobs, threads: Vec::new() };
        for (name, pace) in [("worker", Pace::Quick), ("computing", Pace::Computing)] {
            for number in 0..threads.max(1) {
                let jobs = Arc::clone(&workers.jobs);
                let thread = thread::Builder::new()
                    .name(format!("{name}-{number}"))
                    .stack_size(STACK_BYTES)
                    .spawn(move || work(&jobs, pace))?;
                workers.threads.push(thread);
            }
        }
        Ok(workers)
    }

    /// Queues a job for `share`.
    ///
    /// # Errors
    /// The queue is full. A queued job may still be evicted by a job of a share that has fewer jobs
    /// in the queue.
    pub fn spawn<T: Send + 'static>(
        &self,
        share: Share,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Result<Running<T>, WorkersError> {
        let (work, result) = with_result(job);
        let end = End::default();
        match self.jobs.add(share, work, &end) {
            Ok(number) => Ok(Running { result, jobs: Arc::downgrade(&self.jobs), number, end }),
            Err(_) => Err(WorkersError::Busy { queue_jobs: self.queue_jobs }),
        }
    }

    /// As [`spawn`](Self::spawn). If jobs like it have been short and a thread is idle, the job
    /// begins on the caller's thread before this returns: waking the other thread and then this one
    /// takes as long as a short job. After its first poll, the job continues on a thread of the
    /// workers.
    ///
    /// The caller's thread needs a stack of [`STACK_BYTES`].
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_here<T: Send + 'static>(
        &self,
        share: Share,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Result<Running<T>, WorkersError> {
        let end = End::default();
        let Some(number) = self.jobs.enter(&share, &end) else { return self.spawn(share, job) };
        let (work, result) = with_result(job);
        poll(&self.jobs, Pace::Quick, number, work);
        self.jobs.left();
        Ok(Running { result, jobs: Arc::downgrade(&self.jobs), number, end })
    }

    /// Queues a job that never waits, with the default share.
    ///
    /// # Errors
    /// The queue is full.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Running<T>, WorkersError> {
        self.spawn(Share::default(), async { job() })
    }

    /// Runs a job and waits for its result, and for room in the queue. Blocks the caller's thread,
    /// even one that runs asynchronous code. Must not be called in a job: jobs that wait for each
    /// other may deadlock.
    ///
    /// # Errors
    /// The job panicked, or the workers were stopped.
    pub fn run_blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkersError> {
        // A receiver of tokio would panic if it blocked a thread that runs asynchronous code.
        let (sender, result) = mpsc::sync_channel(1);
        let mut work: Work = Box::pin(async move {
            // The receiver waits below.
            let _ = sender.send(job());
        });
        let end = End::default();
        while let Err(refused) = self.jobs.add(Share::default(), work, &end) {
            work = refused;
            self.jobs.wait_for_room();
        }
        result.recv().map_err(|_| reason(&end))
    }

    /// Returns the number of jobs that have not ended, waiting ones included.
    pub fn jobs(&self) -> usize {
        self.jobs.count()
    }
}

/// Wraps a job so that it sends its result; also returns the receiver. A panic drops the sender.
fn with_result<T: Send + 'static>(
    job: impl Future<Output = T> + Send + 'static,
) -> (Work, oneshot::Receiver<T>) {
    let (sender, result) = oneshot::channel();
    let work = async move {
        // Without a receiver, the result is not needed.
        let _ = sender.send(job.await);
    };
    (Box::pin(work), result)
}

fn work(jobs: &Arc<Jobs>, pace: Pace) {
    // On Linux this applies to this thread only; elsewhere it would change the whole process. If it
    // fails, the only effect is that quick jobs wait longer.
    #[cfg(target_os = "linux")]
    if pace == Pace::Computing
        && let Err(error) = rustix::process::setpriority_process(None, COMPUTING_NICE)
    {
        tracing::debug!(%error, "cannot lower the priority of a thread for computing jobs");
    }
    loop {
        match jobs.next(pace) {
            Step::Poll(number, work) => poll(jobs, pace, number, work),
            Step::Drop(cancelled) => cancelled.into_iter().for_each(end),
            Step::Stop => return,
        }
    }
}

fn poll(jobs: &Arc<Jobs>, pace: Pace, number: u64, mut work: Work) {
    let waker = waker(jobs, number);
    let mut context = Context::from_waker(&waker);
    let begun = Instant::now();
    // State that a panic left inconsistent belongs to this job only, or is behind a poisoned lock.
    let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut context)));
    let used = begun.elapsed();
    match polled {
        Ok(Poll::Pending) => jobs.pause(pace, number, work, used).into_iter().for_each(end),
        Ok(Poll::Ready(())) => jobs.finish(pace, number, used),
        Err(_) => {
            tracing::error!("a request panicked");
            jobs.finish(pace, number, used);
            end(work);
        }
    }
}

/// Drops a job that has not ended.
fn end(work: Work) {
    if catch_unwind(AssertUnwindSafe(|| drop(work))).is_err() {
        tracing::error!("a request panicked while it was cancelled");
    }
}

/// Returns the reason why a job has no result.
fn reason(end: &End) -> WorkersError {
    end.get().copied().unwrap_or(WorkersError::Panicked)
}

impl<T> Future for Running<T> {
    type Output = Result<T, WorkersError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = Pin::new(&mut self.result).poll(cx);
        result.map(|result| result.map_err(|_| reason(&self.end)))
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        if let Some(jobs) = self.jobs.upgrade() {
            jobs.cancel(self.number);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs.stop();
        for thread in self.threads.drain(..) {
            // This may run in a job that is the last owner, and a thread cannot join itself.
            if thread.thread().id() != thread::current().id() {
                // Workers catch panics, so there is no error to report.
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
    fn occupy(workers: &Workers) -> (Running<()>, Arc<Barrier>) {
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
    fn a_short_job_begins_on_the_thread_of_its_caller_when_another_is_idle() {
        let workers = workers(1, 4);
        let share = Share::new("ch", "cc", b"one");
        let place =
            || wait(workers.spawn_here(share.clone(), async { thread::current().id() }).unwrap());
        let own = thread::current().id();
        assert_ne!(place(), Ok(own), "nothing is known of its kind");
        let end = Instant::now() + std::time::Duration::from_secs(60);
        while place() != Ok(own) {
            assert!(Instant::now() < end, "no job begins here");
            thread::yield_now();
        }
        // A job that yields continues on another thread.
        let job = async {
            let mut places = vec![thread::current().id()];
            let mut yielded = false;
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            places.push(thread::current().id());
            places
        };
        has_jobs(&workers, 0);
        let places = wait(workers.spawn_here(share.clone(), job).unwrap()).unwrap();
        assert_ne!(places[1], own);
        // After a long job, the next one does not begin on the caller's thread.
        let long = async {
            let begin = Instant::now();
            while begin.elapsed() < std::time::Duration::from_millis(2) {}
        };
        wait(workers.spawn_here(share.clone(), long).unwrap()).unwrap();
        assert_ne!(place(), Ok(own));
        let broken = workers.spawn_here(share.clone(), async { panic!("on purpose") }).unwrap();
        let broken: Result<(), WorkersError> = wait(broken);
        assert_eq!(broken, Err(WorkersError::Panicked));
        has_jobs(&workers, 0);
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
    fn asynchronous_code_may_block_for_a_job() {
        let workers = workers(1, 4);
        assert_eq!(wait(async { workers.run_blocking(|| 7) }), Ok(7));
    }

    #[test]
    fn the_queue_may_be_unbounded() {
        let workers = workers(1, usize::MAX);
        assert_eq!(workers.run_blocking(|| 7), Ok(7));
        assert_eq!(wait(workers.run(|| 8).unwrap()), Ok(8));
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
    fn dropping_ends_what_waits() {
        let workers = workers(2, 100);
        let jobs: Vec<_> = (0..50)
            .map(|_| workers.spawn(Share::default(), std::future::pending::<()>()).unwrap())
            .collect();
        drop(workers);
        assert!(jobs.into_iter().all(|job| wait(job) == Err(WorkersError::Stopped)));
    }

    /// A job that begins, waits for ever, and keeps a reference until it ends.
    fn waiting(workers: &Workers) -> (Running<()>, Arc<()>) {
        let (begun, has_begun) = mpsc::channel();
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let job = async move {
            begun.send(()).unwrap();
            let () = std::future::pending().await;
            drop(holds);
        };
        let running = workers.spawn(Share::default(), job).unwrap();
        has_begun.recv().unwrap();
        (running, held)
    }

    /// Waits until there are `count` jobs: a job is removed a moment after its result.
    fn has_jobs(workers: &Workers, count: usize) {
        let end = Instant::now() + std::time::Duration::from_secs(60);
        while workers.jobs() != count {
            assert!(Instant::now() < end, "{} jobs, not {count}", workers.jobs());
            thread::yield_now();
        }
    }

    #[test]
    fn jobs_that_wait_hold_no_thread_and_end_with_their_handles() {
        let workers = workers(1, 4);
        let jobs: Vec<_> = (0..100).map(|_| waiting(&workers)).collect();
        assert_eq!(workers.run_blocking(|| 7), Ok(7));
        has_jobs(&workers, 100);
        for (running, held) in jobs {
            drop(running);
            while Arc::strong_count(&held) > 1 {
                thread::yield_now();
            }
        }
        has_jobs(&workers, 0);
    }

    #[test]
    fn a_job_that_computes_ends_with_its_handle_when_it_gives_its_thread_back() {
        let workers = workers(1, 4);
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let job = async move {
            let _holds = holds;
            loop {
                let mut yielded = false;
                std::future::poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    match std::mem::replace(&mut yielded, true) {
                        true => Poll::Ready(()),
                        false => Poll::Pending,
                    }
                })
                .await;
            }
        };
        let running: Running<()> = workers.spawn(Share::default(), job).unwrap();
        assert_eq!(workers.run_blocking(|| 7), Ok(7), "others get the thread meanwhile");
        drop(running);
        while Arc::strong_count(&held) > 1 {
            thread::yield_now();
        }
        has_jobs(&workers, 0);
    }

    #[test]
    fn a_client_that_fills_the_queue_gives_way_to_others() {
        let workers = workers(1, 3);
        let (running, end) = occupy(&workers);
        let client = |name: &str| Share::new("ch", "cc", name.as_bytes());
        let job = |share: Share| workers.spawn(share, async { 1 });
        let many: Vec<_> = (0..3).map(|_| job(client("many")).unwrap()).collect();
        assert!(job(client("many")).is_err());
        let other = job(client("other")).unwrap();
        assert!(job(client("other")).is_err(), "now it has as many as it may");
        end.wait();
        wait(running).unwrap();
        assert_eq!(wait(other), Ok(1));
        let results: Vec<_> = many.into_iter().map(wait).collect();
        assert_eq!(results, [Ok(1), Ok(1), Err(WorkersError::Busy { queue_jobs: 3 })]);
    }

    #[test]
    fn a_job_may_be_the_last_owner() {
        let workers = Arc::new(workers(1, 1));
        let (sender, receiver) = mpsc::channel();
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
