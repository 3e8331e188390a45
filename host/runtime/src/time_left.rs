//! The time limit of one transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Trap;

use crate::failure::{Failure, Stop};
use wasmcc_types::{Exhausted, Meter, deadline_after};

/// Decides whether a transaction may continue. All long work checks it: the guest at the end of a
/// slice, and the host before each batch that it fetches.
#[derive(Clone)]
pub(crate) struct TimeLeft {
    meter: Arc<Meter>,
    deadline: Instant,
}

impl TimeLeft {
    /// Starts the time of a transaction now.
    pub(crate) fn new(meter: &Arc<Meter>, timeout: Duration) -> Self {
        Self { meter: Arc::clone(meter), deadline: deadline_after(timeout) }
    }

    /// Returns the latest time at which the transaction ends.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline.min(self.meter.deadline())
    }

    /// Checks whether the transaction may continue.
    ///
    /// # Errors
    /// Returns the error that ends the guest.
    pub(crate) fn check(&self) -> wasmtime::Result<()> {
        match self.meter.check() {
            Ok(()) if Instant::now() < self.deadline => Ok(()),
            Ok(()) | Err(Exhausted::Time) => Err(Trap::Interrupt.into()),
            Err(why) => Err(Stop(Failure::TransactionOver(why.to_string())).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::classify;
    use crate::limits::Limits;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn the_transaction_ends_with_its_timeout_or_with_its_meter() {
        let check = |meter: &Arc<Meter>, timeout| {
            let checked = TimeLeft::new(meter, timeout).check();
            checked.map_err(|error| classify(&error, &Limits::default(), String::new()))
        };
        let meter = |time| Arc::new(Meter::unlimited(time));
        assert_eq!(check(&meter(HOUR), Duration::MAX), Ok(()));
        assert_eq!(check(&meter(HOUR), Duration::ZERO), Err(Failure::Timeout));
        assert_eq!(check(&meter(Duration::ZERO), HOUR), Err(Failure::Timeout));
        let cancelled = meter(HOUR);
        cancelled.abandon();
        let over = "the client has cancelled the transaction".to_owned();
        assert_eq!(check(&cancelled, HOUR), Err(Failure::TransactionOver(over)));
        let deadline = |meter, timeout| TimeLeft::new(meter, timeout).deadline();
        let short = meter(Duration::ZERO);
        assert_eq!(deadline(&short, HOUR), short.deadline());
    }
}
