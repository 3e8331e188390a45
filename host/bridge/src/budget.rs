//! Limits the bytes that the transactions of a process hold in messages, over all its streams.
//!
//! Invariant: a transaction that would exceed the limit fails alone, and one stream does not take
//! the whole budget while others are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::program::not_run;

/// The bytes in use, and their limit.
#[derive(Debug)]
pub struct MessageBudget {
    held: AtomicUsize,
    limit: usize,
    /// The number of open streams.
    streams: AtomicUsize,
}

/// The bytes that the transactions of one stream use.
#[derive(Debug)]
pub(super) struct StreamBudget {
    budget: Arc<MessageBudget>,
    held: AtomicUsize,
}

/// The bytes that one transaction uses. Dropping this releases them.
#[derive(Debug)]
pub(super) struct BudgetShare {
    stream: Arc<StreamBudget>,
    parts: [AtomicUsize; 3],
}

/// The purpose of a transaction's bytes. A transaction does one thing at a time, so only one part
/// changes at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum BudgetPart {
    /// Its input, until it ends.
    Input,
    /// The message that it sends, or the last answer that it received.
    Message,
    /// The writes of its batch.
    Batch,
}

impl MessageBudget {
    /// Creates a budget of `limit` bytes. While several streams are open, one may use half of it. A
    /// single message is always accepted, since a message over the limit would otherwise never be.
    pub fn new(limit: usize) -> Arc<Self> {
        let (held, streams) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { held, limit, streams })
    }

    /// Registers a stream.
    pub(super) fn stream(self: &Arc<Self>) -> Arc<StreamBudget> {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Arc::new(StreamBudget { budget: Arc::clone(self), held: AtomicUsize::new(0) })
    }
}

#[cfg(test)]
impl MessageBudget {
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl StreamBudget {
    /// Returns an empty share for a new transaction.
    pub(super) fn share(self: &Arc<Self>) -> Arc<BudgetShare> {
        Arc::new(BudgetShare { stream: Arc::clone(self), parts: Default::default() })
    }

    fn take(&self, bytes: usize) -> Result<(), String> {
        let MessageBudget { held, limit, streams } = &*self.budget;
        let all = held.fetch_add(bytes, Ordering::Relaxed);
        let own = self.held.fetch_add(bytes, Ordering::Relaxed);
        let fits =
            |before: usize, limit: usize| before == 0 || before.saturating_add(bytes) <= limit;
        let part = if streams.load(Ordering::Relaxed) > 1 { limit / 2 } else { *limit };
        let (whose, has) = match (fits(all, *limit), fits(own, part)) {
            (true, true) => return Ok(()),
            (_, false) => ("one peer's", own),
            (false, true) => ("the chaincode server's", all),
        };
        self.give(bytes);
        Err(not_run(&format!(
            "the messages of {whose} transactions have {} MiB already; try again later, or give \
             the chaincode server more room (--message-mib)",
            has >> 20
        )))
    }

    fn give(&self, bytes: usize) {
        self.budget.held.fetch_sub(bytes, Ordering::Relaxed);
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for StreamBudget {
    fn drop(&mut self) {
        self.budget.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl BudgetShare {
    /// Sets the size of `part` to this many bytes. If the budget does not allow it, nothing changes
    /// and the error is the text of ERROR.
    pub(super) fn hold(&self, part: BudgetPart, bytes: usize) -> Result<(), String> {
        let held = &self.parts[part as usize];
        let before = held.load(Ordering::Relaxed);
        if bytes > before {
            self.stream.take(bytes - before)?;
        } else {
            self.stream.give(before - bytes);
        }
        held.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// As [`hold`](Self::hold), for the last message of a transaction; releases the other parts.
    pub(super) fn end_with(&self, bytes: usize) -> Result<(), String> {
        let others = [BudgetPart::Input, BudgetPart::Batch].map(|part| &self.parts[part as usize]);
        self.stream.give(others.into_iter().map(|part| part.swap(0, Ordering::Relaxed)).sum());
        self.hold(BudgetPart::Message, bytes).inspect_err(|_| {
            // The text of ERROR is sent instead.
            let _ = self.hold(BudgetPart::Message, 0);
        })
    }
}

impl Drop for BudgetShare {
    fn drop(&mut self) {
        self.stream.give(self.parts.iter_mut().map(|part| *part.get_mut()).sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_limit_together_and_give_it_back() {
        let budget = MessageBudget::new(100);
        let stream = budget.stream();
        let (one, two) = (stream.share(), stream.share());
        one.hold(BudgetPart::Input, 60).unwrap();
        two.hold(BudgetPart::Input, 40).unwrap();
        let refused = two.hold(BudgetPart::Batch, 1).unwrap_err();
        assert!(refused.starts_with("cannot run chaincode: the messages of"), "{refused}");
        one.hold(BudgetPart::Input, 50).unwrap();
        two.hold(BudgetPart::Batch, 10).unwrap();
        assert!(two.hold(BudgetPart::Batch, 11).is_err());
        two.hold(BudgetPart::Batch, 10).unwrap();
        drop(one);
        two.hold(BudgetPart::Message, 50).unwrap();
        drop(two);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_message_may_be_larger_than_the_limit() {
        let budget = MessageBudget::new(10);
        let stream = budget.stream();
        let one = stream.share();
        one.hold(BudgetPart::Input, 1000).unwrap();
        assert!(stream.share().hold(BudgetPart::Input, 1).is_err());
    }

    #[test]
    fn a_transaction_that_has_ended_holds_its_last_message() {
        let stream = MessageBudget::new(100).stream();
        let share = stream.share();
        share.hold(BudgetPart::Input, 40).unwrap();
        share.hold(BudgetPart::Message, 30).unwrap();
        share.hold(BudgetPart::Batch, 30).unwrap();
        share.end_with(50).unwrap();
        assert_eq!(stream.budget.held(), 50);
        let other = stream.share();
        other.hold(BudgetPart::Input, 50).unwrap();
        share.end_with(60).unwrap_err();
        assert_eq!(stream.budget.held(), 50);
    }

    #[test]
    fn one_of_several_streams_has_half() {
        let budget = MessageBudget::new(100);
        let (one, two) = (budget.stream(), budget.stream());
        let shares = [one.share(), two.share()];
        for share in &shares {
            share.hold(BudgetPart::Input, 50).unwrap();
            share.hold(BudgetPart::Input, 20).unwrap();
            let refused = share.hold(BudgetPart::Message, 31).unwrap_err();
            assert!(refused.contains("the messages of one peer's"), "{refused}");
            share.hold(BudgetPart::Message, 30).unwrap();
        }
        let [of_one, of_two] = shares;
        drop(of_two);
        // A single message of a stream may be larger than its half.
        let large = two.share();
        large.hold(BudgetPart::Input, 51).unwrap_err();
        of_one.hold(BudgetPart::Message, 0).unwrap();
        large.hold(BudgetPart::Input, 51).unwrap();
        drop((large, two));
        of_one.hold(BudgetPart::Message, 80).unwrap();
    }
}
