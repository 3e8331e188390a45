//! Decides where transactions run: on the thread of their stream while they are quick, otherwise on
//! separate threads.
//!
//! Waking another thread takes longer than most transactions, and each answer of the peer would
//! wake one. But a transaction that computes for long on the stream's thread would delay all other
//! messages of the stream.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::task;

use wasmcc_runtime::wait;

/// Total time that a transaction may use on its stream's thread.
const QUICK: Duration = Duration::from_micros(500);
/// The last transaction has a weight of 1 / `WEIGHT` in the average.
const WEIGHT: u64 = 8;

/// The average computing time of a program's transactions.
#[derive(Default)]
pub(crate) struct Pace {
    usual_ns: AtomicU64,
}

/// The call panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallPanicked;

impl Pace {
    /// Runs a call to completion; needs a tokio runtime.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, CallPanicked> {
        let mut call = Timed { call: Box::pin(call), spent: Duration::ZERO };
        if self.usual_ns.load(Ordering::Relaxed) <= nanoseconds(QUICK)
            && let Some(ended) = poll_fn(|cx| call.poll_while_quick(cx)).await
        {
            self.learn(call.spent);
            return ended;
        }
        // Tokio panics if the system cannot start a thread.
        let elsewhere = catch_unwind(AssertUnwindSafe(move || {
            task::spawn_blocking(move || (wait(&mut call), call.spent))
        }));
        let elsewhere = elsewhere.map_err(|_| CallPanicked)?;
        let (output, spent) = elsewhere.await.map_err(|_| CallPanicked)?;
        self.learn(spent);
        Ok(output)
    }

    /// Updates the average. Two transactions may do so at the same time; then one update may be
    /// lost.
    fn learn(&self, spent: Duration) {
        let usual = self.usual_ns.load(Ordering::Relaxed);
        let usual = usual - usual / WEIGHT + nanoseconds(spent) / WEIGHT;
        self.usual_ns.store(usual, Ordering::Relaxed);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A call and the time that its thread has spent on it.
struct Timed<F> {
    call: Pin<Box<F>>,
    spent: Duration,
}

impl<F: Future> Timed<F> {
    /// Polls the call. None: it is not quick any more. A panic ends the call only, not the thread.
    fn poll_while_quick(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<F::Output, CallPanicked>>> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut *self).poll(cx))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Some(Ok(output))),
            Ok(Poll::Pending) if self.spent > QUICK => Poll::Ready(None),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => {
                tracing::error!("a transaction panicked");
                Poll::Ready(Some(Err(CallPanicked)))
            }
        }
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let begun = Instant::now();
        let polled = self.call.as_mut().poll(cx);
        self.spent += begun.elapsed();
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use super::*;

    /// Keeps the thread busy for longer than `QUICK`.
    fn compute() {
        let begun = Instant::now();
        while begun.elapsed() <= 2 * QUICK {
            std::hint::spin_loop();
        }
    }

    async fn place() -> ThreadId {
        thread::current().id()
    }

    async fn compute_twice() -> (ThreadId, ThreadId) {
        let before = thread::current().id();
        compute();
        task::yield_now().await;
        (before, thread::current().id())
    }

    #[tokio::test]
    async fn who_is_quick_stays_on_the_thread_of_the_stream() {
        let here = thread::current().id();
        assert_eq!(Pace::default().run(place()).await, Ok(here));
    }

    #[tokio::test]
    async fn who_is_not_leaves_it_and_the_next_ones_begin_elsewhere() {
        let here = thread::current().id();
        let pace = Pace::default();
        let (before, after) = pace.run(compute_twice()).await.unwrap();
        assert_eq!(before, here);
        assert_ne!(after, here);
        let mut begun_elsewhere = 0;
        for _ in 0..100 {
            let (before, after) = pace.run(compute_twice()).await.unwrap();
            assert_ne!(after, here);
            begun_elsewhere += usize::from(before != here);
        }
        assert!(begun_elsewhere > 50, "{begun_elsewhere}");
    }

    #[tokio::test]
    async fn who_becomes_quick_comes_back() {
        let pace = Pace::default();
        for _ in 0..100 {
            pace.run(compute_twice()).await.unwrap();
        }
        let mut came_back = false;
        for _ in 0..1_000 {
            came_back |= pace.run(place()).await == Ok(thread::current().id());
        }
        assert!(came_back);
    }

    #[tokio::test]
    async fn a_panic_is_the_end_of_its_call_wherever_it_runs() {
        let pace = Pace::default();
        let broken = async || -> u8 { panic!("on purpose") };
        assert_eq!(pace.run(broken()).await, Err(CallPanicked));
        let broken_later = async || -> u8 {
            compute();
            task::yield_now().await;
            panic!("on purpose")
        };
        assert_eq!(pace.run(broken_later()).await, Err(CallPanicked));
        assert_eq!(pace.run(async { 7 }).await, Ok(7));
    }
}
