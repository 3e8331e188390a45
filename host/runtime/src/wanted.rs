//! Tracks the callers that wait for a component that is being compiled.
//!
//! Invariant: once a compilation was given up, no further caller can join it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Held by a caller while it waits for [`Runtime::load_for`](crate::Runtime::load_for). Dropping it
/// means that the caller has left.
#[derive(Debug, Default)]
pub struct Waiting(Arc<()>);

/// Reports whether a caller still waits. Can be passed to the thread that works for the caller.
#[derive(Clone, Debug)]
pub struct Waiter(Weak<()>);

impl Waiting {
    /// Returns the value with which the worker checks whether this caller still waits.
    pub fn waiter(&self) -> Waiter {
        Waiter(Arc::downgrade(&self.0))
    }
}

impl Waiter {
    fn has_left(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// The callers that wait for one component.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<Callers>);

#[derive(Debug, Default)]
struct Callers {
    /// True if one of them never leaves.
    always: bool,
    waiters: Vec<Waiter>,
    is_given_up: bool,
}

impl Wanted {
    /// Adds a caller; None stands for one that never leaves. Returns false if the compilation was
    /// given up: the caller needs a new one.
    pub(crate) fn join(&self, waiter: Option<&Waiter>) -> bool {
        let mut callers = self.lock();
        match waiter {
            None => callers.always = true,
            Some(waiter) => {
                callers.waiters.retain(|other| !other.has_left());
                callers.waiters.push(waiter.clone());
            }
        }
        !callers.is_given_up
    }

    /// Gives the compilation up if all callers have left. Returns true if it is given up.
    pub(crate) fn give_up(&self) -> bool {
        let mut callers = self.lock();
        let is_wanted = callers.always || callers.waiters.iter().any(|waiter| !waiter.has_left());
        callers.is_given_up |= !is_wanted;
        callers.is_given_up
    }

    /// Returns the number of callers so far; those that never leave count as one.
    #[cfg(test)]
    pub(crate) fn callers(&self) -> usize {
        let callers = self.lock();
        callers.waiters.len() + usize::from(callers.always)
    }

    fn lock(&self) -> MutexGuard<'_, Callers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_is_given_up_for_good() {
        let (one, two) = (Waiting::default(), Waiting::default());
        let wanted = Wanted::default();
        assert!(wanted.join(Some(&one.waiter())) && wanted.join(Some(&two.waiter())));
        drop(one);
        assert!(!wanted.give_up(), "another one waits");
        drop(two);
        assert!(wanted.give_up());
        assert!(!wanted.join(None) && wanted.give_up(), "it comes too late");
    }

    #[test]
    fn what_one_wants_that_never_leaves_is_not_given_up() {
        let (waiting, wanted) = (Waiting::default(), Wanted::default());
        assert!(wanted.join(Some(&waiting.waiter())) && wanted.join(None));
        drop(waiting);
        assert!(!wanted.give_up());
    }
}
