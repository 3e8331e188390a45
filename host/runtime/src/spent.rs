//! Keeps the sandboxes of ended transactions until a core is idle.
//!
//! Before the pool reuses an instance's slot, it resets all that the transaction wrote there. For a
//! short call that is a large part of its time, and its answer need not wait for it.
//!
//! Invariant: of the transaction, only the instance's memory is kept here, and no code reads it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmtime::Store;

use crate::held::Held;
use crate::tx_state::TxState;

/// The sandboxes to be dropped.
pub(crate) struct Spent {
    /// Limit on what they hold together.
    most: Held,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    stores: Vec<Store<TxState>>,
    held: Held,
}

impl Spent {
    pub(crate) fn new(most: Held) -> Self {
        Self { most, waiting: Mutex::default() }
    }

    /// Stores a sandbox that holds `one`, or drops it at once if there is no room.
    pub(crate) fn put(&self, mut store: Store<TxState>, one: Held) {
        // The old callbacks hold parts of the transaction.
        store.epoch_deadline_trap();
        store.call_hook(|_, _| Ok(()));
        let mut waiting = self.lock();
        let held = waiting.held.and(one);
        if !held.fits(self.most) {
            // `waiting` is dropped before `store`, so the lock is not held while the sandbox is
            // dropped.
            return;
        }
        waiting.held = held;
        waiting.stores.push(store);
    }

    /// Drops all sandboxes, without holding the lock.
    pub(crate) fn clear(&self) {
        let waiting = std::mem::take(&mut *self.lock());
        drop(waiting);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
