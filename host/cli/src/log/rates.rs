//! Limits the rate of each logging call site.
//!
//! A client can cause some lines at will: refused connections, refused proposals. Each call site
//! has a reserve of lines, which is refilled over time. Lines beyond the reserve are counted and
//! reported.
//!
//! Does not read the clock: callers pass the time.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Lines that one call site may log at once.
pub(super) const BURST: u32 = 1_000;
/// Lines a second that it may log in the long run.
const PER_SECOND: u32 = 100;
/// How long suppressed lines are counted before a report.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

/// The rates of all call sites that have logged.
pub(super) struct Rates<Place>(HashMap<Place, Rate>);

struct Rate {
    reserve: u32,
    /// The time of the last refill of the reserve.
    filled: Instant,
    name: String,
    unseen: u64,
    /// The time of the first suppressed line.
    since: Instant,
}

impl<Place> Default for Rates<Place> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<Place: Clone + Eq + Hash> Rates<Place> {
    /// True if a call site may log one more line. `name` describes the call site.
    pub(super) fn admit(
        &mut self,
        place: &Place,
        now: Instant,
        name: impl FnOnce() -> String,
    ) -> bool {
        let rate = self.0.entry(place.clone()).or_insert_with(|| Rate {
            reserve: BURST,
            filled: now,
            name: name(),
            unseen: 0,
            since: now,
        });
        let passed = now.saturating_duration_since(rate.filled);
        let back = passed.as_millis() * u128::from(PER_SECOND) / 1_000;
        if back > 0 {
            let back = u32::try_from(back).unwrap_or(u32::MAX);
            rate.reserve = rate.reserve.saturating_add(back).min(BURST);
            rate.filled = now;
        }
        match rate.reserve.checked_sub(1) {
            Some(left) => {
                rate.reserve = left;
                true
            }
            None => {
                if rate.unseen == 0 {
                    rate.since = now;
                }
                rate.unseen += 1;
                false
            }
        }
    }

    /// Returns a report of suppressed lines: of any call site if `at_once`, else of one whose
    /// period is over.
    pub(super) fn report(&mut self, now: Instant, at_once: bool) -> Option<String> {
        let is_due = |rate: &&mut Rate| {
            rate.unseen > 0 && (at_once || now.saturating_duration_since(rate.since) >= PERIOD)
        };
        let rate = self.0.values_mut().find(is_due)?;
        let unseen = std::mem::take(&mut rate.unseen);
        Some(format!("{unseen} more lines from {} were suppressed (rate limit)", rate.name))
    }

    /// Returns the time of the next report, if lines were suppressed.
    pub(super) fn next_report(&self) -> Option<Instant> {
        let waiting = self.0.values().filter(|rate| rate.unseen > 0);
        waiting.map(|rate| rate.since + PERIOD).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_logs_no_more_often_than_it_may_and_the_rest_is_counted() {
        let (mut rates, begin) = (Rates::default(), Instant::now());
        let mut shown = |place: &str, now| rates.admit(&place.to_owned(), now, || place.into());
        let mut count = |place, now| (0..5_000).filter(|_| shown(place, now)).count();
        assert_eq!(count("a", begin), BURST as usize);
        assert_eq!(count("b", begin), BURST as usize, "each place has its own");
        assert_eq!(count("a", begin + Duration::from_secs(1)), PER_SECOND as usize);
        assert_eq!(count("a", begin + Duration::from_secs(3_600)), BURST as usize);
    }

    #[test]
    fn what_is_not_shown_is_reported_once() {
        let (mut rates, begin) = (Rates::default(), Instant::now());
        for _ in 0..BURST + 7 {
            rates.admit(&1, begin, || "doors (line 5)".into());
        }
        let text = "7 more lines from doors (line 5) were suppressed (rate limit)";
        assert_eq!(rates.next_report(), Some(begin + PERIOD));
        assert_eq!(rates.report(begin, false), None);
        assert_eq!(rates.report(begin + PERIOD, false).as_deref(), Some(text));
        assert_eq!(rates.report(begin + PERIOD, false), None);
        rates.admit(&1, begin, String::new);
        assert!(rates.report(begin, true).is_some_and(|text| text.starts_with("1 more")));
        assert_eq!((rates.report(begin, true), rates.next_report()), (None, None));
    }
}
