//! Deadlines, also of limits that no clock can hold.

use std::time::{Duration, Instant};

/// A time limit that nobody lives to see. Longer ones, such as `Duration::MAX`, mean this one: the
/// machine's clock cannot hold the end of every duration.
pub const NO_TIME_LIMIT: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Returns when a time limit that begins now ends. One beyond [`NO_TIME_LIMIT`] ends with it.
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
