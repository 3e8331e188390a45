//! Runs futures on threads that may block.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs `future` on this thread, which sleeps while the future waits. Do not use it in asynchronous
/// code.
pub fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = waker();
    let mut context = Context::from_waker(&waker);
    loop {
        // If the waker is called between `poll` and `park`, `park` returns at once.
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// As [`wait`], but gives up at `deadline` and drops the future. The future is polled once more at
/// the deadline, so that it can report the timeout itself.
pub(crate) fn wait_until<F: Future>(future: F, deadline: Instant) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = waker();
    let mut context = Context::from_waker(&waker);
    loop {
        let is_last = Instant::now() >= deadline;
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if is_last => return None,
            Poll::Pending => {
                thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
            }
        }
    }
}

fn waker() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_future_that_never_ends_is_given_up() {
        assert_eq!(wait_until(pending::<()>(), Instant::now()), None);
        let soon = Instant::now() + Duration::from_millis(10);
        assert_eq!(wait_until(pending::<()>(), soon), None);
        assert_eq!(wait_until(ready(7), Instant::now()), Some(7));
        let mut polled = 0;
        let at_second = poll_fn(|context| {
            polled += 1;
            context.waker().wake_by_ref();
            if polled == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        assert_eq!(wait_until(at_second, Instant::now() + Duration::from_secs(3_600)), Some(()));
    }
}
