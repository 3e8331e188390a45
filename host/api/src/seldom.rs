//! Limits log lines that clients could cause without limit.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Minimum time between two lines.
const PERIOD: Duration = Duration::from_secs(10);

/// Allows one line per period.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    last: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// Returns the number of lines left out since the last one, if a line may be written now.
    pub(super) fn line(&self, now: Instant) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.last.is_some_and(|last| now.saturating_duration_since(last) < PERIOD) {
            lines.left_out += 1;
            return None;
        }
        lines.last = Some(now);
        Some(std::mem::take(&mut lines.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_a_period_tells_of_those_that_were_left_out() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.line(start), Some(0));
        assert_eq!(seldom.line(start), None);
        assert_eq!(seldom.line(start + PERIOD / 2), None);
        assert_eq!(seldom.line(start + PERIOD), Some(2));
        assert_eq!(seldom.line(start + PERIOD), None);
    }
}
