//! Counts and limits the work that the peer does for one transaction, and what it keeps for it.
//!
//! Does not stop a transaction: code that works for it has to ask before each step.
//!
//! Invariant: the count only grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::deadline::deadline_after;
use crate::kept::Kept;
use crate::share::{Share, Shares};

/// Counts the work that the peer does for one transaction, called chaincodes included. One unit is
/// about one instruction of a guest, so work and fuel are comparable.
#[derive(Debug)]
pub struct Meter {
    used: AtomicU64,
    limit: u64,
    deadline: Instant,
    client: Client,
    /// True once work was refused.
    refused: AtomicBool,
    /// None: as much as it likes.
    kept: Option<Kept>,
    /// True once there was no memory.
    is_full: AtomicBool,
    /// True once a chaincode ran out of its own time.
    was_late: AtomicBool,
}

/// Tells a client's call and the meters of its transaction whether the client still waits.
#[derive(Clone, Debug, Default)]
pub struct Client(Arc<AtomicBool>);

/// Marks its client as gone when it is dropped.
#[derive(Debug)]
pub struct WhileWaiting(Client);

impl Client {
    /// Returns a guard for the client's call to hold. When the call ends, for whatever reason, the
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

/// Why the peer stops working for a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// The transaction has used up its work.
    #[error("the transaction needs more than {limit} units of work in its peer")]
    Work {
        /// The limit.
        limit: u64,
    },
    /// Results and rows of the transactions that run have taken the memory for them.
    #[error(
        "the peer is busy: there is no memory left for what this transaction, or others of its \
         client, organization, chaincode or channel, have read and written; try again later, or \
         write less at a time"
    )]
    Memory,
    /// The deadline has passed. The text is Fabric's.
    #[error("timeout expired while executing transaction")]
    Time,
    /// The client no longer waits.
    #[error("the client has cancelled the transaction")]
    Abandoned,
}

impl Meter {
    /// Makes a meter for `limit` units, until `deadline`.
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

    /// Makes a meter for any amount of work within `time`; with `Duration::MAX`, within any time.
    pub fn unlimited(time: Duration) -> Self {
        Self::new(u64::MAX, deadline_after(time))
    }

    /// Binds the meter to `client`: when the client goes, the transaction ends.
    pub fn of_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// Takes what is kept for the transaction from `of`, as this share.
    pub fn keeping(self, of: &Arc<Shares>, share: Share) -> Self {
        Self { kept: Some(Kept::new(of, share)), ..self }
    }

    /// Asks for memory for so many more bytes, which are kept until the transaction ends. Peers
    /// differ in what they have.
    ///
    /// # Errors
    /// There is none. Nothing else must be done for this transaction.
    pub fn keep(&self, bytes: usize) -> Result<(), Exhausted> {
        let Some(kept) = &self.kept else { return Ok(()) };
        kept.add(bytes).map_err(|_| {
            self.is_full.store(true, Ordering::Relaxed);
            Exhausted::Memory
        })
    }

    /// Asks for `units` of work.
    ///
    /// # Errors
    /// The work must not be done, nor anything else for this transaction.
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

    /// Asks whether the transaction may go on. Once work was refused it may not, whatever its
    /// chaincode made of the refusal.
    ///
    /// # Errors
    /// It may not.
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

    /// Notes that a chaincode ran out of its time, which may be shorter than the transaction's.
    pub fn note_late(&self) {
        self.was_late.store(true, Ordering::Relaxed);
    }

    /// Whether the transaction, or a chaincode of it, has used up what it may: a second attempt
    /// would cost as much.
    pub fn is_spent(&self) -> bool {
        self.was_late.load(Ordering::Relaxed) || self.check().is_err()
    }

    /// Units of work so far.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The end of the transaction's time, nested calls included.
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
