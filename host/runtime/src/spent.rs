//! Sandboxes whose transactions have ended, until a core is idle.
//!
//! Before the pool gives an instance's place to another, all that the transaction wrote there is
//! reset. For a short call that is a good part of its time, and its answer need not wait for it.
//!
//! Invariant: nothing of the transaction is in here but the instance's memory, which nobody reads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmtime::Store;

use crate::held::Held;
use crate::tx_state::TxState;

/// The sandboxes that wait.
pub(crate) struct Spent {
    /// What they may hold together.
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

    /// Takes a sandbox that holds `one`. Without room for it, it is dropped now.
    pub(crate) fn put(&self, mut store: Store<TxState>, one: Held) {
        // These have parts of the transaction.
        store.epoch_deadline_trap();
        store.call_hook(|_, _| Ok(()));
        let mut waiting = self.lock();
        let held = waiting.held.and(one);
        if !held.fits(self.most) {
            // The lock ends first.
            return;
        }
        waiting.held = held;
        waiting.stores.push(store);
    }

    /// Drops all that wait. The lock is not held meanwhile.
    pub(crate) fn clear(&self) {
        let waiting = std::mem::take(&mut *self.lock());
        drop(waiting);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
