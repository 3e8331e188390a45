//! Loaded components of this process, by the hash of their file.
//!
//! Invariant: entries that are in use or being loaded stay, so that nothing is loaded twice at the
//! same time. Of unused entries and of refusals, the most recently used ones are kept. A temporary
//! failure is reported to the waiting callers and not kept. If all callers of a load have given up,
//! the next caller starts it again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::wanted::{Waiter, Wanted};

/// A slot for one value that is made at most once.
struct MadeOnce<T, E> {
    made: OnceLock<Result<Arc<T>, E>>,
    wanted: Wanted,
}

type Slot<T, E> = Arc<MadeOnce<T, E>>;

/// Loaded values and refusals, by hash.
pub(super) struct Loaded<T, E> {
    /// Returns the number of unused entries to keep now.
    keep: fn() -> usize,
    entries: Mutex<Entries<T, E>>,
}

struct Entries<T, E> {
    by_hash: HashMap<[u8; 32], LoadedEntry<T, E>>,
    /// Counts uses.
    uses: u64,
}

struct LoadedEntry<T, E> {
    slot: Slot<T, E>,
    last_use: u64,
}

impl<T, E: Clone> Loaded<T, E> {
    /// Makes an empty table that keeps `keep` unused entries.
    pub(super) fn new(keep: fn() -> usize) -> Self {
        Self { keep, entries: Mutex::new(Entries { by_hash: HashMap::new(), uses: 0 }) }
    }

    /// Returns the entry, or makes it with `make`. Of concurrent callers only one makes it. A
    /// failure for which `may_pass` is true is forgotten. `make` may give up when all callers have
    /// left; a caller without a `waiter` never leaves.
    pub(super) fn get_or_make(
        &self,
        hash: [u8; 32],
        waiter: Option<&Waiter>,
        make: impl FnOnce(&Wanted) -> Result<T, E>,
        may_pass: impl FnOnce(&E) -> bool,
    ) -> Result<Arc<T>, E> {
        let slot = loop {
            let mut entries = self.lock();
            let slot = entries.use_slot(hash);
            let dropped = entries.take_unused((self.keep)());
            drop(entries);
            // Compiled code is unmapped here, after the lock is released.
            drop(dropped);
            if slot.wanted.join(waiter) {
                break slot;
            }
            self.lock().forget(&hash, &slot);
        };
        let result = slot.made.get_or_init(|| make(&slot.wanted).map(Arc::new)).clone();
        if result.as_ref().is_err_and(may_pass) {
            self.lock().forget(&hash, &slot);
        }
        result
    }

    /// Returns the number of entries, including refusals.
    pub(super) fn count(&self) -> usize {
        self.lock().by_hash.len()
    }

    fn lock(&self) -> MutexGuard<'_, Entries<T, E>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, E> Entries<T, E> {
    /// Removes a slot, unless another one has replaced it.
    fn forget(&mut self, hash: &[u8; 32], slot: &Slot<T, E>) {
        if self.by_hash.get(hash).is_some_and(|entry| Arc::ptr_eq(&entry.slot, slot)) {
            self.by_hash.remove(hash);
        }
    }

    fn use_slot(&mut self, hash: [u8; 32]) -> Slot<T, E> {
        self.uses += 1;
        let new = || {
            let (made, wanted) = (OnceLock::new(), Wanted::default());
            LoadedEntry { slot: Arc::new(MadeOnce { made, wanted }), last_use: 0 }
        };
        let entry = self.by_hash.entry(hash).or_insert_with(new);
        entry.last_use = self.uses;
        Arc::clone(&entry.slot)
    }

    /// Removes unused entries, except the `keep` most recently used ones.
    fn take_unused(&mut self, keep: usize) -> Vec<Slot<T, E>> {
        let unused = self.by_hash.iter().filter(|(_, entry)| entry.is_unused());
        let mut unused: Vec<_> = unused.map(|(hash, entry)| (entry.last_use, *hash)).collect();
        unused.sort_unstable();
        unused.truncate(unused.len().saturating_sub(keep));
        let taken = unused.iter().filter_map(|(_, hash)| self.by_hash.remove(hash));
        taken.map(|entry| entry.slot).collect()
    }
}

impl<T, E> LoadedEntry<T, E> {
    /// True if the cache holds the only reference. New references are taken under the lock, so this
    /// stays true while the lock is held.
    fn is_unused(&self) -> bool {
        Arc::strong_count(&self.slot) == 1
            && !matches!(self.slot.made.get(), Some(Ok(made)) if Arc::strong_count(made) > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wanted::Waiting;

    type Numbers = Loaded<u8, String>;

    /// Loads a number; the second value is true if `make` was called.
    fn load(loaded: &Numbers, number: u8) -> (Arc<u8>, bool) {
        let mut made = false;
        let result = loaded.get_or_make(
            [number; 32],
            None,
            |_| {
                made = true;
                Ok(number)
            },
            |_| false,
        );
        (result.unwrap(), made)
    }

    #[test]
    fn of_what_nobody_holds_the_last_used_are_kept() {
        let loaded = Numbers::new(|| 2);
        for number in [1, 2, 3, 1, 4] {
            load(&loaded, number);
        }
        assert!(!load(&loaded, 1).1);
        // Entry 2 was removed when 4 was loaded: 3 and 1 had been used later.
        assert!(load(&loaded, 2).1);
        assert!(!load(&loaded, 4).1);
        assert!(load(&loaded, 3).1);
    }

    #[test]
    fn what_somebody_holds_stays() {
        let loaded = Numbers::new(|| 1);
        let held: Vec<_> = (0..100).map(|number| load(&loaded, number).0).collect();
        for number in 100..120 {
            load(&loaded, number);
        }
        assert!((0..100).all(|number| !load(&loaded, number).1), "{held:?}");
        assert!(load(&loaded, 100).1);
        drop(held);
        load(&loaded, 120);
        assert_eq!(loaded.entries.lock().unwrap().by_hash.len(), 2, "one that is used now");
    }

    #[test]
    fn refusals_are_remembered_up_to_the_same_bound() {
        let loaded = Numbers::new(|| 2);
        let refused = |number: u8| {
            let mut made = false;
            let result = loaded.get_or_make(
                [number; 32],
                None,
                |_| {
                    made = true;
                    Err(format!("not {number}"))
                },
                |_| false,
            );
            assert_eq!(result.unwrap_err(), format!("not {number}"));
            made
        };
        assert!(refused(1) && !refused(1));
        assert!((0..50).filter(|&number| number != 1).all(refused));
        assert!(refused(1));
        assert_eq!(loaded.entries.lock().unwrap().by_hash.len(), 3);
    }

    #[test]
    fn what_is_being_made_is_made_once() {
        let loaded = Numbers::new(|| 0);
        let result = loaded.get_or_make(
            [1; 32],
            None,
            |_| {
                // Another caller loads entries meanwhile, and others are dropped.
                load(&loaded, 2);
                load(&loaded, 3);
                assert!(loaded.entries.lock().unwrap().by_hash.contains_key(&[1; 32]));
                Ok(1)
            },
            |_| false,
        );
        assert_eq!(*result.unwrap(), 1);
    }

    #[test]
    fn a_failure_that_may_pass_is_told_to_all_who_wait_and_not_kept() {
        let loaded = Numbers::new(|| 2);
        let attempt = |result: Result<u8, &str>| {
            let make = |_: &Wanted| result.map_err(str::to_owned);
            let may_pass = |error: &String| error == "no memory";
            loaded.get_or_make([1; 32], None, make, may_pass).map(|number| *number)
        };
        assert_eq!(attempt(Err("no memory")), Err("no memory".into()));
        assert!(loaded.entries.lock().unwrap().by_hash.is_empty());
        assert_eq!(attempt(Ok(1)), Ok(1));
        assert_eq!(attempt(Err("no memory")), Ok(1), "it is there");
    }

    #[test]
    fn what_was_given_up_is_made_anew_for_who_comes_later() {
        let loaded = Numbers::new(|| 2);
        let waiting = Waiting::default();
        let waiter = waiting.waiter();
        let given_up = loaded.get_or_make(
            [1; 32],
            Some(&waiter),
            |wanted| {
                assert!(!wanted.give_up());
                drop(waiting);
                assert!(wanted.give_up());
                // The compilation that was given up has not ended yet.
                assert!(load(&loaded, 1).1);
                Err("given up".into())
            },
            |_| true,
        );
        assert_eq!(given_up, Err("given up".into()));
        assert!(!load(&loaded, 1).1, "the newer one is there");
    }

    #[test]
    fn what_another_caller_wants_is_not_given_up() {
        let loaded = Numbers::new(|| 2);
        let waiting = Waiting::default();
        let waiter = waiting.waiter();
        let (begun, has_begun) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let make = |wanted: &Wanted| {
                begun.send(()).unwrap();
                drop(waiting);
                // Wait until the other caller has joined.
                while wanted.callers() < 2 {
                    std::thread::yield_now();
                }
                assert!(!wanted.give_up());
                Ok(1)
            };
            let first = scope.spawn(|| loaded.get_or_make([1; 32], Some(&waiter), make, |_| true));
            has_begun.recv().unwrap();
            assert!(!load(&loaded, 1).1);
            assert_eq!(first.join().unwrap().as_deref(), Ok(&1));
        });
    }
}
