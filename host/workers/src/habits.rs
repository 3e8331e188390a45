//! Predicts from its last jobs whether a chaincode's next job is short.
//!
//! Does not bound anything: a wrong prediction only decides on which thread a job begins.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wasmcc_types::Share;

/// A job is short if it needs less than this, which is many times what it costs to wake a thread.
const SHORT: Duration = Duration::from_millis(1);
/// Number of short jobs in a row after which the next one is expected to be short.
const IN_A_ROW: u8 = 3;
/// Number of remembered chaincodes. It is bounded because clients can claim any name.
const MOST: usize = 1_024;

/// Counts short jobs per chaincode.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// Short jobs in a row, by channel and chaincode.
    short: HashMap<(Arc<str>, Arc<str>), u8>,
}

impl Habits {
    /// Returns whether the next job of a chaincode is likely to be short.
    pub(super) fn are_short(&self, share: &Share) -> bool {
        self.short.get(&key(share)).is_some_and(|in_a_row| *in_a_row >= IN_A_ROW)
    }

    /// Records the time that a job has used so far.
    pub(super) fn used(&mut self, share: &Share, used: Duration) {
        if used >= SHORT {
            self.short.remove(&key(share));
        }
    }

    /// Records the end of a job, with the time that it used.
    pub(super) fn ended(&mut self, share: &Share, used: Duration) {
        if used >= SHORT {
            return;
        }
        let key = key(share);
        if self.short.len() >= MOST && !self.short.contains_key(&key) {
            self.short.clear();
        }
        let in_a_row = self.short.entry(key).or_default();
        *in_a_row = in_a_row.saturating_add(1);
    }
}

fn key(share: &Share) -> (Arc<str>, Arc<str>) {
    (Arc::clone(&share.channel), Arc::clone(&share.chaincode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_jobs_in_a_row_make_a_habit_and_a_long_one_ends_it() {
        let mut habits = Habits::default();
        let (one, other) = (Share::new("ch", "a", b"one"), Share::new("ch", "b", b"one"));
        for _ in 0..IN_A_ROW {
            assert!(!habits.are_short(&one));
            habits.ended(&one, SHORT / 2);
        }
        assert!(habits.are_short(&one) && !habits.are_short(&other));
        assert!(habits.are_short(&Share::new("ch", "a", b"two")), "whoever calls it");
        habits.used(&one, SHORT);
        habits.ended(&one, SHORT);
        assert!(!habits.are_short(&one));
    }

    #[test]
    fn names_that_clients_make_up_are_bounded() {
        let mut habits = Habits::default();
        for number in 0..3 * MOST {
            habits.ended(&Share::new("ch", &number.to_string(), b"one"), Duration::ZERO);
            assert!(habits.short.len() <= MOST);
        }
        // A known name needs no room.
        habits.ended(&Share::new("ch", "0", b"one"), Duration::ZERO);
        while habits.short.len() < MOST {
            let name = habits.short.len().to_string();
            habits.ended(&Share::new("ch", &name, b"one"), Duration::ZERO);
        }
        habits.ended(&Share::new("ch", "0", b"one"), Duration::ZERO);
        assert_eq!(habits.short.len(), MOST);
    }
}
