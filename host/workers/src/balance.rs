//! Makes sure that jobs that compute get a part of processors that quick jobs keep busy.
//!
//! Threads for jobs that compute have so low a priority that quick jobs hardly wait for them, and
//! the system alone would give them almost nothing beside a flood of quick jobs. So where their
//! slices take much longer than usual, jobs that compute get a fifth of the time of the threads for
//! quick jobs.

use std::time::Duration;

/// A slice that takes less was not starved. Guests end their slices every 10 ms, and two threads
/// may share a processor. A thread that only gets what others leave waits for about 85 ms.
const UNDISTURBED: Duration = Duration::from_millis(50);
/// Time of quick jobs after which one slice is due.
const FOR_ONE_SLICE: Duration = Duration::from_millis(40);

/// Counts what quick jobs have used since jobs that compute last got what is theirs.
#[derive(Debug, Default)]
pub(super) struct Balance {
    quick: Duration,
}

impl Balance {
    /// Adds the time that a quick job used.
    pub(super) fn quick(&mut self, used: Duration) {
        self.quick = self.quick.saturating_add(used);
    }

    /// Notes how long a slice took on a thread for computing jobs.
    pub(super) fn computing(&mut self, took: Duration) {
        if took < UNDISTURBED {
            self.quick = Duration::ZERO;
        }
    }

    /// True if a thread for quick jobs has to serve a computing job next.
    pub(super) fn is_due(&self) -> bool {
        self.quick >= FOR_ONE_SLICE
    }

    /// Called when it does.
    pub(super) fn paid(&mut self) {
        self.quick = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_slice_is_due_only_where_slices_take_too_long() {
        let mut balance = Balance::default();
        (0..39).for_each(|_| balance.quick(MS));
        balance.computing(10 * MS);
        (0..39).for_each(|_| balance.quick(MS));
        assert!(!balance.is_due());
        balance.computing(300 * MS);
        balance.quick(MS);
        assert!(balance.is_due());
        balance.paid();
        assert!(!balance.is_due());
    }
}
