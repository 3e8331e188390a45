//! How many bytes the transactions of a process may hold in messages, over all its streams.
//!
//! Invariant: a transaction that would pass the limit fails alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::program::not_run;

/// The bytes that are held, and their limit.
#[derive(Debug)]
pub struct MessageBudget {
    held: AtomicUsize,
    limit: usize,
}

/// The bytes that one transaction holds. Dropping this releases them.
#[derive(Debug)]
pub(super) struct BudgetShare {
    budget: Arc<MessageBudget>,
    parts: [AtomicUsize; 3],
}

/// What a transaction holds bytes for. A transaction does one thing at a time, so only one part
/// changes at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum BudgetPart {
    /// Its input, from beginning to end.
    Input,
    /// The message that it sends, or the last answer.
    Message,
    /// The writes of its batch.
    Batch,
}

impl MessageBudget {
    /// A budget of `limit` bytes. A single message is always accepted, since it would otherwise be
    /// refused for ever if it is larger than the limit.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), limit })
    }

    /// Returns an empty share for a new transaction.
    pub(super) fn share(self: &Arc<Self>) -> Arc<BudgetShare> {
        Arc::new(BudgetShare { budget: Arc::clone(self), parts: Default::default() })
    }

    fn take(&self, bytes: usize) -> Result<(), String> {
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        if before == 0 || before.saturating_add(bytes) <= self.limit {
            return Ok(());
        }
        self.give(bytes);
        Err(not_run(&format!(
            "the messages of the chaincode server's transactions have {} MiB already; try again \
             later, or give it more room (--message-mib)",
            before >> 20
        )))
    }

    fn give(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl BudgetShare {
    /// Changes what `part` holds to this many bytes. If there is no room, nothing changes and the
    /// error is the text of ERROR.
    pub(super) fn hold(&self, part: BudgetPart, bytes: usize) -> Result<(), String> {
        let held = &self.parts[part as usize];
        let before = held.load(Ordering::Relaxed);
        if bytes > before {
            self.budget.take(bytes - before)?;
        } else {
            self.budget.give(before - bytes);
        }
        held.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for BudgetShare {
    fn drop(&mut self) {
        self.budget.give(self.parts.iter_mut().map(|part| *part.get_mut()).sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_limit_together_and_give_it_back() {
        let budget = MessageBudget::new(100);
        let (one, two) = (budget.share(), budget.share());
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
        let one = budget.share();
        one.hold(BudgetPart::Input, 1000).unwrap();
        assert!(budget.share().hold(BudgetPart::Input, 1).is_err());
    }
}
