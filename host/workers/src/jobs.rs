//! The jobs of the workers, and their states.
//!
//! Invariant: no job is polled or dropped while the lock is held, because that may wake another
//! job, which takes the lock.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use crate::WorkersError;
use crate::balance::Balance;
use crate::habits::Habits;
use crate::lines::{Lines, Pace, Turn};
use wasmcc_types::Share;

/// The future of a job. It sends its result to the job's handle.
pub(super) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The reason why a job has no result. It stays empty if the job panicked.
pub(super) type End = Arc<OnceLock<WorkersError>>;

/// All jobs.
pub(super) struct Jobs {
    state: Mutex<State>,
    /// Wakes threads of each kind when there is work.
    quick: Condvar,
    computing: Condvar,
    /// Wakes callers that wait for room in the queue.
    room: Condvar,
    queue_jobs: usize,
}

#[derive(Default)]
struct State {
    jobs: HashMap<u64, Job>,
    lines: Lines,
    balance: Balance,
    habits: Habits,
    /// Number of callers' threads that are polling a job.
    here: usize,
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

    /// Queues a job. If the queue is full, the last job of the longest line is evicted. If that is
    /// the new job's own line, the new job is refused and returned.
    pub(super) fn add(&self, share: Share, work: Work, end: &End) -> Result<u64, Work> {
        let mut state = self.lock();
        let mut evicted = None;
        if !self.has_room(&state) {
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

    /// Registers a job that the caller polls first, on its own thread. That requires that jobs like
    /// it are short, and an idle thread for quick jobs for each job that callers poll. Returns None
    /// if the job has to be queued. The caller calls [`left`](Self::left) after its poll.
    pub(super) fn enter(&self, share: &Share, end: &End) -> Option<u64> {
        let mut state = self.lock();
        let is_free = !state.stopping && state.here < state.idle;
        if !is_free || !state.habits.are_short(share) {
            return None;
        }
        state.here += 1;
        state.last_number += 1;
        let number = state.last_number;
        state.lines.enter(share);
        let is_at = At::Polled { woken: false, cancelled: false };
        let (share, end) = (share.clone(), Arc::clone(end));
        let job = Job { share, work: None, is_at, used: Duration::ZERO, end };
        state.jobs.insert(number, job);
        Some(number)
    }

    /// Records that a caller has polled its job.
    pub(super) fn left(&self) {
        self.lock().here -= 1;
    }

    /// Waits until a job starts or ends, unless the queue has room already.
    pub(super) fn wait_for_room(&self) {
        let state = self.lock();
        if !self.has_room(&state) && !state.stopping {
            drop(self.room.wait(state).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Returns whether one more job may wait to be started. Jobs that idle threads are about to
    /// take do not count.
    fn has_room(&self, state: &State) -> bool {
        state.fresh < self.queue_jobs.saturating_add(state.idle)
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
            if let Some((number, begins)) = self.pop(&mut state, pace) {
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

    /// Called on a thread of this kind after a poll that did not finish the job. If the job was
    /// cancelled meanwhile, it is returned to be dropped.
    pub(super) fn pause(
        &self,
        pace: Pace,
        number: u64,
        work: Work,
        used: Duration,
    ) -> Option<Work> {
        let mut state = self.lock();
        self.charge(&mut state, pace, number, used);
        let Some(job) = state.jobs.get_mut(&number) else { return Some(work) };
        let At::Polled { woken, cancelled: false } = job.is_at else {
            drop(state.remove(number));
            return Some(work);
        };
        job.work = Some(work);
        job.is_at = At::Waiting;
        if woken {
            self.make_ready(state, number);
        }
        None
    }

    /// Called after the last poll of a job, which was on a thread of this kind.
    pub(super) fn finish(&self, pace: Pace, number: u64, used: Duration) {
        let mut state = self.lock();
        self.charge(&mut state, pace, number, used);
        let Some(job) = state.remove(number) else { return };
        state.habits.ended(&job.share, job.used);
    }

    /// Makes a job ready to be polled again.
    fn wake(&self, number: u64) {
        self.make_ready(self.lock(), number);
    }

    fn make_ready(&self, mut state: MutexGuard<'_, State>, number: u64) {
        let Some(pace) = state.ready(number) else { return };
        let pace = if state.balance.is_due() { Pace::Quick } else { pace };
        drop(state);
        self.threads(pace).notify_one();
    }

    /// Takes the next job for a thread of this kind; true if the job has not started.
    fn pop(&self, state: &mut State, pace: Pace) -> Option<(u64, bool)> {
        match (state.balance.is_due(), pace) {
            (false, _) => return state.lines.pop(pace),
            // A thread for quick jobs serves it: that thread gets a processor at once.
            (true, Pace::Computing) => {
                self.offer_slice(state);
                return None;
            }
            (true, Pace::Quick) => {}
        }
        let Some(due) = state.lines.pop(Pace::Computing) else { return state.lines.pop(pace) };
        state.balance.paid();
        // There may be more jobs for these threads.
        self.computing.notify_all();
        Some(due)
    }

    /// Accounts for the time that a job has used on a thread of this kind.
    fn charge(&self, state: &mut State, thread: Pace, number: u64, used: Duration) {
        let Some(job) = state.jobs.get_mut(&number) else { return };
        let was_due = state.balance.is_due();
        match (Turn::new(number, job.used).pace(), thread) {
            (Pace::Quick, _) => state.balance.quick(used),
            (Pace::Computing, Pace::Computing) => state.balance.computing(used),
            (Pace::Computing, Pace::Quick) => {}
        }
        job.used += used;
        state.lines.charge(&job.share, used);
        state.habits.used(&job.share, used);
        match (was_due, state.balance.is_due()) {
            (true, false) => self.computing.notify_all(),
            (false, true) => self.offer_slice(state),
            _ => {}
        }
    }

    /// Wakes a thread for a slice that is due. All threads for quick jobs may be idle, because
    /// callers poll quick jobs, too.
    fn offer_slice(&self, state: &State) {
        if state.lines.has(Pace::Computing) {
            self.quick.notify_one();
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
        // Dropping a guest may take long, so a worker does it without the lock.
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

    /// Returns the number of jobs, waiting ones included.
    pub(super) fn count(&self) -> usize {
        self.lock().jobs.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Puts a waiting job in line, or records that a polled one was woken. Returns the job's kind
    /// if it was put in line.
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

/// Wakes one job while the workers exist.
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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn add(jobs: &Jobs) -> u64 {
        let work: Work = Box::pin(std::future::pending());
        jobs.add(Share::default(), work, &End::default()).unwrap_or_else(|_| panic!("no room"))
    }

    fn next(jobs: &Jobs, thread: Pace) -> (u64, Work) {
        let Step::Poll(number, work) = jobs.next(thread) else { panic!("nothing to do") };
        (number, work)
    }

    /// Serves one slice of 10 ms of a job that then continues.
    fn slice(jobs: &Jobs, thread: Pace, (number, work): (u64, Work)) {
        jobs.wake(number);
        assert!(jobs.pause(thread, number, work, 10 * MS).is_none());
    }

    /// Serves quick jobs of 1 ms on their thread. Returns the number of slices of other jobs in
    /// between.
    fn flood(jobs: &Jobs, count: usize) -> usize {
        let mut slices = 0;
        for _ in 0..count {
            let quick = add(jobs);
            loop {
                let served = next(jobs, Pace::Quick);
                if served.0 == quick {
                    break;
                }
                slice(jobs, Pace::Quick, served);
                slices += 1;
            }
            jobs.finish(Pace::Quick, quick, MS);
        }
        slices
    }

    #[test]
    fn a_job_that_computes_gets_its_part_beside_a_flood_of_quick_ones() {
        let jobs = Jobs::new(1_000);
        add(&jobs);
        slice(&jobs, Pace::Quick, next(&jobs, Pace::Quick));
        // The thread for computing jobs gets no processor time.
        assert_eq!(flood(&jobs, 400), 10);
        // The thread for computing jobs gets processor time, so no slice is due elsewhere.
        for _ in 0..10 {
            slice(&jobs, Pace::Computing, next(&jobs, Pace::Computing));
            assert_eq!(flood(&jobs, 39), 0);
        }
    }

    /// Serves a job of 0.9 ms on its caller's thread, if a worker thread is idle.
    fn serve_here(jobs: &Jobs, share: &Share) -> bool {
        let Some(number) = jobs.enter(share, &End::default()) else { return false };
        jobs.finish(Pace::Quick, number, 9 * MS / 10);
        jobs.left();
        true
    }

    #[test]
    fn a_slice_that_callers_make_due_is_taken_by_an_idle_thread() {
        let jobs = Jobs::new(10);
        let short = Share { chaincode: "short".into(), ..Share::default() };
        for _ in 0..3 {
            let work: Work = Box::pin(std::future::pending());
            assert!(jobs.add(short.clone(), work, &End::default()).is_ok());
            let (number, _) = next(&jobs, Pace::Quick);
            jobs.finish(Pace::Quick, number, 9 * MS / 10);
        }
        let computing = add(&jobs);
        slice(&jobs, Pace::Quick, next(&jobs, Pace::Quick));
        let idle = std::thread::spawn({
            let jobs = Arc::clone(&jobs);
            move || match jobs.next(Pace::Quick) {
                Step::Poll(number, _) => Some(number),
                _ => None,
            }
        });
        while !serve_here(&jobs, &short) {
            std::thread::yield_now();
        }
        // More jobs than make one slice due. They are refused once the idle thread has taken the
        // slice.
        for _ in 0..100 {
            serve_here(&jobs, &short);
        }
        // Waits for the slice to be taken; if that does not happen, `stop` ends the thread.
        let waits = |jobs: &Jobs| jobs.lock().lines.has(Pace::Computing);
        let begun = std::time::Instant::now();
        while waits(&jobs) && begun.elapsed() < 10_000 * MS {
            std::thread::yield_now();
        }
        jobs.stop();
        assert_eq!(idle.join().unwrap(), Some(computing));
    }
}
