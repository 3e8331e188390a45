//! Limits on the memory that a simulation uses for its records.

use crate::error::LedgerError;
use crate::simulate::simulator::Simulator;

impl Simulator {
    /// Checks that `bytes` more may be recorded.
    pub(crate) fn check_room(&self, bytes: usize) -> Result<(), LedgerError> {
        let limit = self.limits().max_rwset_bytes;
        match self.builder.bytes().checked_add(bytes) {
            Some(sum) if sum <= limit => self.keep(bytes),
            _ => Err(LedgerError::TooMuchRecorded { limit }),
        }
    }

    /// Reserves memory of the peer, which other transactions share.
    pub(crate) fn keep(&self, bytes: usize) -> Result<(), LedgerError> {
        match &self.meter {
            Some(meter) => Ok(meter.keep(bytes)?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use crate::error::LedgerError;
    use crate::test_support::temporary;
    use wasmcc_types::{Exhausted, Meter, Share, Shares};

    #[test]
    fn simulations_share_the_memory_for_what_they_record() {
        let (_ledgers, ledger) = temporary();
        let all = Shares::new("bytes of results", 4 << 20);
        let simulator = |client: &str| {
            let share = Share::new("ch", client, client.as_bytes());
            let meter = Meter::unlimited(Duration::from_secs(3_600)).keeping(&all, share);
            ledger.simulator(client).metered(Arc::new(meter))
        };
        let mut one = simulator("one");
        let value = vec![b'v'; 1 << 20];
        one.put_state("cc", "a", value.clone()).unwrap();
        // A replaced value does not count beside the new one.
        (0..9).for_each(|_| one.put_state("cc", "a", value.clone()).unwrap());
        one.put_state("cc", "b", value.clone()).unwrap();
        let full = one.put_state("cc", "c", value.clone()).unwrap_err();
        assert!(matches!(full, LedgerError::Exhausted(Exhausted::Memory)), "{full}");
        simulator("two").put_state("cc", "a", value.clone()).unwrap();
        drop(one);
        assert_eq!(all.taken(), 0);
        simulator("one").put_state("cc", "c", value).unwrap();
    }
}
