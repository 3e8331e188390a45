//! Counts and limits the work and the memory that the peer uses for one transaction.
//!
//! Does not stop a transaction: its code must call the meter before each step.
//!
//! Invariant: the count only grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::deadline::deadline_after;
use crate::kept::Kept;
use crate::share::{Share, Shares};

/// Counts the work of the peer for one transaction, including called chaincodes. One unit is about
/// one instruction of a guest, so work and fuel are comparable.
#[derive(Debug)]
pub struct Meter {
    used: AtomicU64,
    limit: u64,
    deadline: Instant,
    client: Client,
    /// True once work was refused.
    refused: AtomicBool,
    /// None: the memory is not limited.
    kept: Option<Kept>,
    /// True once memory was refused.
    is_full: AtomicBool,
    /// True once a chaincode exceeded its own time limit.
    was_late: AtomicBool,
}

/// Shared by a client's call and the meters of its transaction: true once the client does not wait
/// any more.
#[derive(Clone, Debug, Default)]
pub struct Client(Arc<AtomicBool>);

/// Marks its client as gone when dropped.
#[derive(Debug)]
pub struct WhileWaiting(Client);

impl Client {
    /// Returns a guard that the client's call must hold. When the call ends for any reason, the
    /// client counts as gone.
    pub fn while_waiting(&self) -> WhileWaiting {
        WhileWaiting(self.clone())
    }

    fn has_gone(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for WhileWaiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// The reason why the peer stops working for a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// The transaction has used up its work.
    #[error("the transaction needs more than {limit} units of work in its peer")]
    Work {
        /// The limit.
        limit: u64,
    },
    /// The running transactions use up the memory for their results and rows.
    #[error(
        "the peer is busy: there is no memory left for what this transaction, or others of its \
         client, organization, chaincode or channel, have read and written; try again later, or \
         write less at a time"
    )]
    Memory,
    /// The deadline has passed. The text is Fabric's.
    #[error("timeout expired while executing transaction")]
    Time,
    /// The client does not wait any more.
    #[error("the client has cancelled the transaction")]
    Abandoned,
}

impl Meter {
    /// Creates a meter for `limit` units of work until `deadline`.
    pub fn new(limit: u64, deadline: Instant) -> Self {
        Self {
            used: AtomicU64::new(0),
            limit,
            deadline,
            client: Client::default(),
            refused: AtomicBool::new(false),
            kept: None,
            is_full: AtomicBool::new(false),
            was_late: AtomicBool::new(false),
        }
    }

    /// Creates a meter for unlimited work within `time`; with `Duration::MAX`, without a time
    /// limit.
    pub fn unlimited(time: Duration) -> Self {
        Self::new(u64::MAX, deadline_after(time))
    }

    /// Binds the meter to `client`: the transaction ends when the client has gone.
    pub fn of_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// Reserves the transaction's memory in `of`, as this share.
    pub fn keeping(self, of: &Arc<Shares>, share: Share) -> Self {
        Self { kept: Some(Kept::new(of, share)), ..self }
    }

    /// Reserves memory for this many more bytes until the transaction ends. The result may differ
    /// between peers.
    ///
    /// # Errors
    /// The memory is used up. Nothing else may be done for this transaction.
    pub fn keep(&self, bytes: usize) -> Result<(), Exhausted> {
        let Some(kept) = &self.kept else { return Ok(()) };
        kept.add(bytes).map_err(|_| {
            self.is_full.store(true, Ordering::Relaxed);
            Exhausted::Memory
        })
    }

    /// Charges `units` of work before it is done.
    ///
    /// # Errors
    /// Neither this work nor anything else may be done for this transaction.
    pub fn charge(&self, units: u64) -> Result<(), Exhausted> {
        let before = self.used.fetch_add(units, Ordering::Relaxed);
        if before.saturating_add(units) > self.limit {
            // Keeps the counter from wrapping around.
            self.used.store(self.limit, Ordering::Relaxed);
            self.refused.store(true, Ordering::Relaxed);
            return Err(Exhausted::Work { limit: self.limit });
        }
        self.check()
    }

    /// Checks whether the transaction may continue. Once work was refused it may not, even if its
    /// chaincode has ignored the refusal.
    ///
    /// # Errors
    /// It may not continue.
    pub fn check(&self) -> Result<(), Exhausted> {
        if self.client.has_gone() {
            return Err(Exhausted::Abandoned);
        }
        if self.refused.load(Ordering::Relaxed) {
            return Err(Exhausted::Work { limit: self.limit });
        }
        if self.is_full.load(Ordering::Relaxed) {
            return Err(Exhausted::Memory);
        }
        if Instant::now() >= self.deadline {
            return Err(Exhausted::Time);
        }
        Ok(())
    }

    /// Records that a chaincode exceeded its time limit, which may be shorter than the
    /// transaction's.
    pub fn note_late(&self) {
        self.was_late.store(true, Ordering::Relaxed);
    }

    /// Returns whether the transaction or one of its chaincodes has used up a limit, so that a
    /// second attempt would cost as much.
    pub fn is_spent(&self) -> bool {
        self.was_late.load(Ordering::Relaxed) || self.check().is_err()
    }

    /// Returns the units of work so far.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns the end of the transaction's time, including nested calls.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Ends the transaction: from now on, [`check`](Self::check) fails with
    /// [`Exhausted::Abandoned`].
    pub fn abandon(&self) {
        self.client.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn work_up_to_the_limit_is_done_and_no_more() {
        let meter = Meter::new(10, Instant::now() + HOUR);
        assert_eq!(meter.charge(10), Ok(()));
        assert_eq!((meter.charge(0), meter.check()), (Ok(()), Ok(())));
        for units in [1, u64::MAX, u64::MAX] {
            assert_eq!(meter.charge(units), Err(Exhausted::Work { limit: 10 }));
        }
        assert_eq!(meter.used(), 10);
        assert_eq!(meter.check(), Err(Exhausted::Work { limit: 10 }));
    }

    #[test]
    fn nothing_is_done_after_the_deadline() {
        let meter = Meter::new(10, Instant::now());
        assert_eq!(meter.charge(1), Err(Exhausted::Time));
        assert_eq!(meter.check(), Err(Exhausted::Time));
    }

    #[test]
    fn nothing_is_done_for_a_client_that_has_gone() {
        let meter = Meter::unlimited(HOUR);
        assert_eq!(meter.charge(1 << 60), Ok(()));
        meter.abandon();
        assert_eq!(meter.charge(1), Err(Exhausted::Abandoned));

        let client = Client::default();
        let call = client.while_waiting();
        let meters = [(); 2].map(|()| Meter::unlimited(HOUR).of_client(client.clone()));
        assert!(meters.iter().all(|meter| meter.check().is_ok()));
        drop(call);
        assert!(meters.iter().all(|meter| meter.check() == Err(Exhausted::Abandoned)));
    }

    #[test]
    fn without_memory_the_transaction_is_over() {
        let all = Shares::new("bytes", 1 << 20);
        let meter = || Meter::unlimited(HOUR).keeping(&all, Share::default());
        let (one, two) = (meter(), meter());
        one.keep(700 << 10).unwrap();
        assert_eq!(two.keep(900 << 10), Err(Exhausted::Memory));
        assert_eq!((two.check(), one.check()), (Err(Exhausted::Memory), Ok(())));
        drop(one);
        meter().keep(700 << 10).unwrap();
        Meter::unlimited(HOUR).keep(usize::MAX).unwrap();
    }

    #[test]
    fn a_second_attempt_is_for_what_did_not_use_up_the_first() {
        let meter = Meter::new(10, Instant::now() + HOUR);
        assert_eq!((meter.charge(10), meter.is_spent()), (Ok(()), false));
        meter.note_late();
        assert_eq!((meter.check(), meter.is_spent()), (Ok(()), true));
        assert!(Meter::unlimited(Duration::ZERO).is_spent());
        let meter = Meter::new(10, Instant::now() + HOUR);
        assert!(meter.charge(11).is_err() && meter.is_spent());
    }

    #[test]
    fn a_meter_may_have_no_time_limit() {
        assert_eq!(Meter::unlimited(Duration::MAX).check(), Ok(()));
    }
}
