//! Timeouts that need neither a thread for each waiter nor an asynchronous runtime.
//!
//! Invariant: one thread wakes all waiters. If it cannot be started, every deadline counts as
//! reached.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

use tokio::select;

/// The deadline was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Elapsed;

/// Returns the output of `future`, if it is available before `deadline`.
pub(super) async fn within<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    let future = pin!(future);
    select! {
        biased;
        output = future => Ok(output),
        () = sleep_until(deadline) => Err(Elapsed),
    }
}

/// Completes at `deadline`.
fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { deadline, key: None }
}

/// Waiters by deadline.
#[derive(Default)]
struct Timer {
    sleepers: Mutex<Sleepers>,
    changed: Condvar,
}

#[derive(Default)]
struct Sleepers {
    wakers: BTreeMap<(Instant, u64), Waker>,
    last: u64,
}

struct Sleep {
    deadline: Instant,
    key: Option<(Instant, u64)>,
}

impl Timer {
    /// Returns None if its thread cannot be started.
    fn shared() -> Option<&'static Self> {
        static TIMER: OnceLock<Option<Arc<Timer>>> = OnceLock::new();
        let start = || {
            let timer = Arc::<Self>::default();
            let its = Arc::clone(&timer);
            let thread = thread::Builder::new().name("wasmcc-timer".into());
            match thread.spawn(move || its.run()) {
                Ok(_) => Some(timer),
                Err(error) => {
                    tracing::error!(%error, "no thread for deadlines, so all waits time out");
                    None
                }
            }
        };
        TIMER.get_or_init(start).as_deref()
    }

    fn run(&self) {
        let mut sleepers = self.lock();
        loop {
            let now = Instant::now();
            let later = sleepers.wakers.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut sleepers.wakers, later);
            if !due.is_empty() {
                drop(sleepers);
                due.into_values().for_each(Waker::wake);
                sleepers = self.lock();
                continue;
            }
            let next = sleepers.wakers.keys().next().map(|(deadline, _)| *deadline);
            sleepers = match next {
                None => self.changed.wait(sleepers).unwrap_or_else(PoisonError::into_inner),
                Some(next) => {
                    let left = next.saturating_duration_since(now);
                    let waited = self.changed.wait_timeout(sleepers, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            return Poll::Ready(());
        }
        let Some(timer) = Timer::shared() else { return Poll::Ready(()) };
        let mut sleepers = timer.lock();
        let deadline = self.deadline;
        let key = *self.key.get_or_insert_with(|| {
            sleepers.last += 1;
            (deadline, sleepers.last)
        });
        let replaced = sleepers.wakers.insert(key, cx.waker().clone());
        let is_next = sleepers.wakers.first_key_value().is_some_and(|(first, _)| *first == key);
        drop(sleepers);
        drop(replaced);
        if is_next {
            timer.changed.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (Some(key), Some(timer)) = (self.key, Timer::shared()) {
            let waker = timer.lock().wakers.remove(&key);
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use super::*;
    use wasmcc_runtime::wait;

    #[test]
    fn what_takes_too_long_ends() {
        let now = Instant::now();
        assert_eq!(wait(within(now, ready(7))), Ok(7), "it was there");
        assert_eq!(wait(within(now, pending::<()>())), Err(Elapsed));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for millis in [30, 10, 20] {
                let order = &order;
                scope.spawn(move || {
                    let deadline = now + Duration::from_millis(millis);
                    assert_eq!(wait(within(deadline, pending::<()>())), Err(Elapsed));
                    assert!(Instant::now() >= deadline);
                    order.lock().unwrap().push(millis);
                });
            }
        });
        assert_eq!(order.lock().unwrap().len(), 3);
    }
}
