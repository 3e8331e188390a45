//! Transactions that one side has given up and the other side has not ended.

use std::collections::VecDeque;

use crate::TxKey;

/// Number of transactions that are remembered per stream.
const REMEMBERED: usize = 10_000;

/// Remembers given-up transactions, so that a late message is not taken for one of the next
/// execution. The other side may never end them, so only the last 10,000 are remembered. If an
/// older one is executed again, a late end of the first execution ends the second.
#[derive(Debug, Default)]
pub(super) struct GivenUp {
    last: VecDeque<(TxKey, GiveUp)>,
    count: u64,
}

/// The serial number of a given-up transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GiveUp(u64);

impl GivenUp {
    /// Remembers a transaction. If the limit is exceeded, returns the oldest one, which is
    /// forgotten; it may have ended meanwhile.
    pub(super) fn add(&mut self, tx: TxKey) -> (GiveUp, Option<(TxKey, GiveUp)>) {
        self.count += 1;
        let give_up = GiveUp(self.count);
        let full = self.last.len() >= REMEMBERED;
        let oldest = if full { self.last.pop_front() } else { None };
        self.last.push_back((tx, give_up));
        (give_up, oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered() {
        let tx = |number: usize| TxKey::new("ch", number.to_string());
        let mut given_up = GivenUp::default();
        let mut times = Vec::new();
        for number in 0..REMEMBERED {
            let (time, oldest) = given_up.add(tx(number));
            assert_eq!(oldest, None);
            times.push(time);
        }
        for (number, time) in times.into_iter().take(100).enumerate() {
            let (_, oldest) = given_up.add(tx(number));
            assert_eq!(oldest, Some((tx(number), time)));
        }
        assert_eq!(given_up.last.len(), REMEMBERED);
    }
}
