//! The jobs of the workers, and their states.
//!
//! Invariant: no job is polled or dropped while the lock is held: that may wake another job, which
//! takes the lock.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use crate::types::Share;
use crate::workers::WorkersError;
use crate::workers::lines::{Lines, Pace, Turn};

/// The future of a job. It sends its result to the job's handle.
pub(super) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why a job has no result. Stays empty if the job panicked.
pub(super) type End = Arc<OnceLock<WorkersError>>;

/// All jobs.
pub(super) struct Jobs {
    state: Mutex<State>,
    /// Wakes threads of each kind when there is work.
    quick: Condvar,
    computing: Condvar,
    /// Wakes callers that wait for room.
    room: Condvar,
    queue_jobs: usize,
}

#[derive(Default)]
struct State {
    jobs: HashMap<u64, Job>,
    lines: Lines,
    /// Cancelled jobs, to be dropped by a worker.
    cancelled: Vec<Work>,
    last_number: u64,
    /// Number of jobs that have not started.
    fresh: usize,
    /// Number of idle threads for quick jobs.
    idle: usize,
    stopping: bool,
}

struct Job {
    share: Share,
    /// None while the job is polled.
    work: Option<Work>,
    is_at: At,
    used: Duration,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// In line, not started.
    Fresh,
    /// In line.
    Ready,
    /// Being polled by a thread.
    Polled { woken: bool, cancelled: bool },
    /// Waiting to be woken.
    Waiting,
}

/// The next task of a thread.
pub(super) enum Step {
    Poll(u64, Work),
    Drop(Vec<Work>),
    Stop,
}

impl Jobs {
    pub(super) fn new(queue_jobs: usize) -> Arc<Self> {
        let (quick, computing, room) = <(Condvar, Condvar, Condvar)>::default();
        Arc::new(Self { state: Mutex::default(), quick, computing, room, queue_jobs })
    }

    /// Queues a job. If there is no room, the longest line loses its last job. If that is the job's
    /// own line, the job is refused and returned.
    pub(super) fn add(&self, share: Share, work: Work, end: &End) -> Result<u64, Work> {
        let mut state = self.lock();
        let mut evicted = None;
        if state.fresh >= self.queue_jobs + state.idle {
            let Some(number) = state.lines.last_of_the_longest(&share) else { return Err(work) };
            evicted = state.remove(number);
        }
        state.last_number += 1;
        let number = state.last_number;
        state.lines.join(&share, number);
        state.fresh += 1;
        let end = Arc::clone(end);
        let job = Job { share, work: Some(work), is_at: At::Fresh, used: Duration::ZERO, end };
        state.jobs.insert(number, job);
        drop(state);
        self.quick.notify_one();
        if let Some(evicted) = evicted {
            let _ = evicted.end.set(WorkersError::Busy { queue_jobs: self.queue_jobs });
        }
        Ok(number)
    }

    /// Waits until a job starts or ends, unless there is room already.
    pub(super) fn wait_for_room(&self) {
        let state = self.lock();
        if state.fresh >= self.queue_jobs + state.idle && !state.stopping {
            drop(self.room.wait(state).unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn threads(&self, pace: Pace) -> &Condvar {
        match pace {
            Pace::Quick => &self.quick,
            Pace::Computing => &self.computing,
        }
    }

    /// Waits for the next task, on a thread for one kind of jobs.
    pub(super) fn next(&self, pace: Pace) -> Step {
        let mut state = self.lock();
        loop {
            if pace == Pace::Computing && !state.cancelled.is_empty() {
                return Step::Drop(std::mem::take(&mut state.cancelled));
            }
            if state.stopping {
                return Step::Stop;
            }
            if let Some((number, begins)) = state.lines.pop(pace) {
                state.fresh -= usize::from(begins);
                let Some(job) = state.jobs.get_mut(&number) else { continue };
                job.is_at = At::Polled { woken: false, cancelled: false };
                let Some(work) = job.work.take() else { continue };
                drop(state);
                if begins {
                    self.room.notify_one();
                }
                return Step::Poll(number, work);
            }
            let is_quick = pace == Pace::Quick;
            state.idle += usize::from(is_quick);
            if is_quick {
                self.room.notify_one();
            }
            state = self.threads(pace).wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= usize::from(is_quick);
        }
    }

    /// Called after a poll of a job that goes on later. If it was cancelled meanwhile, it is
    /// returned to be dropped.
    pub(super) fn pause(&self, number: u64, work: Work, used: Duration) -> Option<Work> {
        let mut state = self.lock();
        let Some(job) = state.charge(number, used) else { return Some(work) };
        let At::Polled { woken, cancelled: false } = job.is_at else {
            drop(state.remove(number));
            return Some(work);
        };
        job.work = Some(work);
        job.is_at = At::Waiting;
        if let Some(pace) = woken.then(|| state.ready(number)).flatten() {
            drop(state);
            self.threads(pace).notify_one();
        }
        None
    }

    /// Called after the last poll of a job.
    pub(super) fn finish(&self, number: u64, used: Duration) {
        let mut state = self.lock();
        state.charge(number, used);
        drop(state.remove(number));
    }

    /// Called when a job can go on.
    fn wake(&self, number: u64) {
        let mut state = self.lock();
        if let Some(pace) = state.ready(number) {
            drop(state);
            self.threads(pace).notify_one();
        }
    }

    /// Cancels a job: at once, or when its poll returns.
    pub(super) fn cancel(&self, number: u64) {
        let mut state = self.lock();
        let Some(job) = state.jobs.get_mut(&number) else { return };
        if let At::Polled { cancelled, .. } = &mut job.is_at {
            *cancelled = true;
            return;
        }
        let was_fresh = job.is_at == At::Fresh;
        let Some(mut job) = state.remove(number) else { return };
        if was_fresh {
            drop(state);
            self.room.notify_one();
            return;
        }
        // Dropping a guest may take a while, so a worker does it without the lock.
        state.cancelled.extend(job.work.take());
        drop(state);
        self.computing.notify_one();
    }

    /// Cancels all jobs, each at the latest when its poll returns.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        let mut ended = Vec::new();
        let numbers: Vec<u64> = state.jobs.keys().copied().collect();
        for number in numbers {
            let Some(job) = state.jobs.get_mut(&number) else { continue };
            let _ = job.end.set(WorkersError::Stopped);
            match &mut job.is_at {
                At::Polled { cancelled, .. } => *cancelled = true,
                _ => ended.extend(state.remove(number)),
            }
        }
        drop(state);
        self.quick.notify_all();
        self.computing.notify_all();
        self.room.notify_all();
        drop(ended);
    }

    /// Number of jobs, waiting ones included.
    pub(super) fn count(&self) -> usize {
        self.lock().jobs.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Puts a waiting job in line, or notes that a polled one was woken. Returns its kind if it is
    /// in line now.
    fn ready(&mut self, number: u64) -> Option<Pace> {
        let job = self.jobs.get_mut(&number)?;
        match &mut job.is_at {
            At::Waiting => {
                job.is_at = At::Ready;
                let turn = Turn::new(number, job.used);
                self.lines.push(&job.share, turn);
                Some(turn.pace())
            }
            At::Polled { woken, .. } => {
                *woken = true;
                None
            }
            At::Fresh | At::Ready => None,
        }
    }

    fn charge(&mut self, number: u64, used: Duration) -> Option<&mut Job> {
        let job = self.jobs.get_mut(&number)?;
        job.used += used;
        self.lines.charge(&job.share, used);
        Some(job)
    }

    fn remove(&mut self, number: u64) -> Option<Job> {
        let job = self.jobs.remove(&number)?;
        if let At::Fresh | At::Ready = job.is_at {
            self.lines.remove(&job.share, Turn::new(number, job.used));
        }
        self.fresh -= usize::from(job.is_at == At::Fresh);
        self.lines.leave(&job.share);
        Some(job)
    }
}

/// Wakes one job, as long as the workers exist.
struct Wakeup {
    jobs: Weak<Jobs>,
    number: u64,
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(jobs) = self.jobs.upgrade() {
            jobs.wake(self.number);
        }
    }
}

/// Makes the waker of a job.
pub(super) fn waker(jobs: &Arc<Jobs>, number: u64) -> Waker {
    Waker::from(Arc::new(Wakeup { jobs: Arc::downgrade(jobs), number }))
}
