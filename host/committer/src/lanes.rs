//! Runs the same work for every transaction of a block, on several threads.
//!
//! The threads are started once and shared by all channels of the process, so a commit starts no
//! threads. The thread that commits works as well. It works alone if all others are busy or could
//! not be started.
//!
//! Invariant: results do not depend on the number of threads, because the work on one index is
//! independent of all others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// With fewer indexes per lane, a further thread costs more than it saves.
const MIN_INDEXES_A_LANE: usize = 4;
/// Limit on the jobs that wait for a helping thread. When it is reached, a job gets no further
/// help.
const QUEUE: usize = 256;

type LaneWork = Arc<dyn Fn(usize) + Send + Sync>;

/// The helping threads.
pub(crate) struct Lanes {
    queue: SyncSender<Arc<LaneJob>>,
    helpers: usize,
}

impl Lanes {
    /// The threads of this process: one per processor, including the one that commits.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Lanes> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::start(thread::available_parallelism().map_or(0, |count| count.get() - 1))
        })
    }

    fn start(wanted: usize) -> Self {
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let spawn = |number: &usize| {
            let jobs = Arc::clone(&jobs);
            let name = format!("validator-{number}");
            let thread = thread::Builder::new().name(name).spawn(move || help(&jobs));
            thread.inspect_err(|error| {
                tracing::warn!(%error, "blocks are validated with fewer threads");
            })
        };
        let helpers = (0..wanted).map_while(|number| spawn(&number).ok()).count();
        Self { queue, helpers }
    }

    /// Calls `work` for all indexes below `count` on at most `lanes` threads, including this one.
    /// The result is None where `work` panicked. When this returns, no thread holds `work` any
    /// more.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        count: usize,
        lanes: usize,
        work: impl Fn(usize) -> T + Send + Sync + 'static,
    ) -> Vec<Option<T>> {
        let results: Arc<Vec<Mutex<Option<T>>>> =
            Arc::new((0..count).map(|_| None.into()).collect());
        let span = tracing::Span::current();
        let work: LaneWork = {
            let results = Arc::clone(&results);
            Arc::new(move |index| {
                let result = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| work(index))));
                *lock(&results[index]) = result.ok();
            })
        };
        let job = Arc::new(LaneJob::new(count, Arc::clone(&work)));
        let lanes = lanes.min(count / MIN_INDEXES_A_LANE).min(self.helpers + 1);
        for _ in 1..lanes {
            if self.queue.try_send(Arc::clone(&job)).is_err() {
                break;
            }
        }
        job.work_on(work.as_ref());
        drop(work);
        job.wait();
        results.iter().map(|result| lock(result).take()).collect()
    }
}

/// The work on one block.
struct LaneJob {
    count: usize,
    next: AtomicUsize,
    state: Mutex<LaneJobState>,
    idle: Condvar,
}

struct LaneJobState {
    /// None once no more help is needed.
    work: Option<LaneWork>,
    helping: usize,
}

impl LaneJob {
    fn new(count: usize, work: LaneWork) -> Self {
        let state = Mutex::new(LaneJobState { work: Some(work), helping: 0 });
        Self { count, next: AtomicUsize::new(0), state, idle: Condvar::new() }
    }

    /// Works on the next index until none is left.
    fn work_on(&self, work: &(dyn Fn(usize) + Send + Sync)) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.count {
                return;
            }
            work(index);
        }
    }

    fn help(&self) {
        let work = {
            let mut state = lock(&self.state);
            let Some(work) = state.work.clone() else { return };
            state.helping += 1;
            work
        };
        self.work_on(work.as_ref());
        // Dropped before counting as done, because the waiting thread needs to be the only owner.
        drop(work);
        lock(&self.state).helping -= 1;
        self.idle.notify_all();
    }

    /// Waits for the helping threads and keeps others from starting.
    fn wait(&self) {
        let mut state = lock(&self.state);
        let work = state.work.take();
        while state.helping > 0 {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        drop(work);
    }
}

fn help(jobs: &Mutex<Receiver<Arc<LaneJob>>>) {
    loop {
        let job = lock(jobs).recv();
        let Ok(job) = job else { return };
        job.help();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_order_whatever_the_number_of_lanes() {
        for helpers in [0, 1, 3] {
            let pool = Lanes::start(helpers);
            for count in [0, 1, 4, 7, 8, 9, 64, 65] {
                for lanes in [0, 1, 2, 3, 64] {
                    let squares = pool.run(count, lanes, |index| index * index);
                    assert_eq!(squares, (0..count).map(|i| Some(i * i)).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn a_panic_costs_its_own_result_only() {
        let pool = Lanes::start(2);
        for lanes in [1, 2, 4] {
            let results = pool.run(40, lanes, |index| match index {
                7 | 30 => panic!("on purpose"),
                _ => index,
            });
            let expected = |index| (index != 7 && index != 30).then_some(index);
            assert_eq!(results, (0..40).map(expected).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nobody_holds_the_work_when_it_is_done() {
        let pool = Lanes::start(3);
        for _ in 0..200 {
            let shared = Arc::new(());
            let held = Arc::clone(&shared);
            pool.run(64, 4, move |_| drop(Arc::clone(&held)));
            assert_eq!(Arc::strong_count(&shared), 1);
        }
    }

    #[test]
    fn a_busy_pool_does_not_hold_up_anybody() {
        let pool = Lanes::start(1);
        let (begin, begun) = sync_channel(1);
        let (end, ended) = sync_channel::<()>(1);
        let ended = Mutex::new(ended);
        thread::scope(|scope| {
            // Two lanes that both wait; one of them is the thread of the pool.
            let pool = &pool;
            let busy = scope.spawn(move || {
                pool.run(8, 2, move |index| {
                    if index < 2 {
                        begin.send(()).unwrap();
                        lock(&ended).recv().unwrap();
                    }
                })
            });
            begun.recv().unwrap();
            begun.recv().unwrap();
            assert_eq!(pool.run(8, 2, |index| index).len(), 8);
            end.send(()).unwrap();
            end.send(()).unwrap();
            busy.join().unwrap();
        });
    }
}
