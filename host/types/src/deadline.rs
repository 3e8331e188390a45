//! Computes deadlines, also of limits that exceed the clock's range.

use std::time::{Duration, Instant};

/// The longest time limit. Longer ones, such as `Duration::MAX`, mean the same, because the
/// machine's clock cannot represent every deadline.
pub const NO_TIME_LIMIT: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Returns the end of a time limit that begins now. The limit is at most [`NO_TIME_LIMIT`].
pub fn deadline_after(limit: Duration) -> Instant {
    Instant::now() + limit.min(NO_TIME_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_limit_has_an_end() {
        let before = Instant::now();
        assert!(deadline_after(Duration::ZERO) >= before);
        let far = deadline_after(Duration::MAX);
        assert!(far > deadline_after(NO_TIME_LIMIT / 2));
        assert!(far.checked_add(NO_TIME_LIMIT).is_some(), "others may add to it");
    }
}
