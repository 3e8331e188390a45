//! Queue of compilations: limits how many compilers run at a time and admits waiting ones in the
//! order of their arrival.
//!
//! Invariant: a compilation that was given up leaves the queue.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::wanted::Wanted;

/// Interval at which a waiting compilation checks whether a caller still waits for it.
pub(crate) const ASK_EVERY: Duration = Duration::from_millis(100);

/// The queue of compilations.
#[derive(Default)]
pub(crate) struct CompilerLine {
    line: Mutex<Line>,
    moved: Condvar,
}

#[derive(Default)]
struct Line {
    running: usize,
    waiting: VecDeque<u64>,
    last: u64,
}

/// The right to run one compiler.
pub(crate) struct CompilerPlace<'a>(&'a CompilerLine);

impl CompilerLine {
    /// Waits until fewer than `at_once` compilers run and all earlier callers had their turn.
    /// Blocks the thread. Returns None if the compilation was given up.
    pub(crate) fn place(&self, at_once: usize, wanted: &Wanted) -> Option<CompilerPlace<'_>> {
        let mut line = self.lock();
        line.last += 1;
        let number = line.last;
        line.waiting.push_back(number);
        loop {
            let is_given_up = wanted.give_up();
            let may_run = line.running < at_once.max(1) && line.waiting.front() == Some(&number);
            if is_given_up || may_run {
                line.waiting.retain(|waiting| *waiting != number);
                line.running += usize::from(!is_given_up);
                drop(line);
                // Wakes the next one, which may run now, too.
                self.moved.notify_all();
                return (!is_given_up).then(|| CompilerPlace(self));
            }
            let waited = self.moved.wait_timeout(line, ASK_EVERY);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CompilerPlace<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::wanted::Waiting;

    fn wanted_always() -> Wanted {
        let wanted = Wanted::default();
        wanted.join(None);
        wanted
    }

    /// Returns when `count` compilations wait.
    fn until_waiting(line: &CompilerLine, count: usize) {
        while line.lock().waiting.len() != count {
            thread::yield_now();
        }
    }

    #[test]
    fn places_are_given_in_the_order_of_arrival_and_who_has_left_is_passed_over() {
        let line = CompilerLine::default();
        let always = wanted_always();
        let first = line.place(1, &always).unwrap();
        let order = Mutex::new(Vec::new());
        let gone = (Waiting::default(), Wanted::default());
        gone.1.join(Some(&gone.0.waiter()));
        let wait = |name: &'static str, wanted| {
            let place = line.place(1, wanted);
            order.lock().unwrap().push((name, place.is_some()));
        };
        thread::scope(|scope| {
            let left = scope.spawn(|| wait("left", &gone.1));
            until_waiting(&line, 1);
            scope.spawn(|| wait("second", &always));
            until_waiting(&line, 2);
            scope.spawn(|| wait("third", &always));
            until_waiting(&line, 3);
            drop(gone.0);
            left.join().unwrap();
            until_waiting(&line, 2);
            drop(first);
        });
        assert_eq!(
            order.into_inner().unwrap(),
            [("left", false), ("second", true), ("third", true)]
        );
        assert_eq!(line.lock().running, 0);
    }
}
