//! Guarantees computing jobs a share of processors that quick jobs keep busy.
//!
//! Threads for computing jobs have such a low priority that quick jobs hardly wait for them. Beside
//! a flood of quick jobs, the system alone would give them almost no time. So where their slices
//! take much longer than usual, computing jobs get a fifth of the time of the threads for quick
//! jobs.

use std::time::Duration;

/// A slice that takes less time was not starved. Guests end their slices every 10 ms, and two
/// threads may share a processor. A starved thread waits for about 85 ms.
const UNDISTURBED: Duration = Duration::from_millis(50);
/// Processor time of quick jobs after which one slice of a computing job is due.
const FOR_ONE_SLICE: Duration = Duration::from_millis(40);

/// Processor time of quick jobs since the last slice of a computing job.
#[derive(Debug, Default)]
pub(super) struct Balance {
    quick: Duration,
}

impl Balance {
    /// Adds the time that a quick job used.
    pub(super) fn quick(&mut self, used: Duration) {
        self.quick = self.quick.saturating_add(used);
    }

    /// Records the duration of a slice on a thread for computing jobs.
    pub(super) fn computing(&mut self, took: Duration) {
        if took < UNDISTURBED {
            self.quick = Duration::ZERO;
        }
    }

    /// True if a thread for quick jobs has to serve a computing job next.
    pub(super) fn is_due(&self) -> bool {
        self.quick >= FOR_ONE_SLICE
    }

    /// Records that the slice was served.
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
