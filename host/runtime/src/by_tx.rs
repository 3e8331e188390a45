//! Records of single transactions, for tests and development only. Without records, other
//! transactions pay for reading one atomic counter.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmcc_types::TxId;

/// Values by transaction.
pub(crate) struct ByTx<T> {
    by_id: Mutex<BTreeMap<String, Arc<T>>>,
    /// Lets other transactions avoid the lock.
    count: AtomicUsize,
    /// True if the table never has an entry.
    is_closed: bool,
}

impl<T> ByTx<T> {
    /// Makes an empty table. In a closed one, no value is ever found.
    pub(crate) fn new(is_closed: bool) -> Self {
        Self { by_id: Mutex::default(), count: AtomicUsize::new(0), is_closed }
    }

    /// Returns the value of a transaction.
    pub(crate) fn of(&self, tx_id: &TxId) -> Option<Arc<T>> {
        match self.count.load(Ordering::Acquire) {
            _ if self.is_closed => None,
            0 => None,
            _ => self.by_id().get(&tx_id.to_string()).cloned(),
        }
    }

    /// Adds a value, which stays until the returned entry is dropped.
    pub(crate) fn insert(&self, tx_id: &TxId, value: T) -> Entry<'_, T> {
        let value = Arc::new(value);
        let tx_id = tx_id.to_string();
        let mut by_id = self.by_id();
        by_id.insert(tx_id.clone(), Arc::clone(&value));
        self.count.store(by_id.len(), Ordering::Release);
        Entry { table: self, tx_id, value }
    }

    fn by_id(&self) -> MutexGuard<'_, BTreeMap<String, Arc<T>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a value in the table until it is dropped.
#[must_use]
pub(crate) struct Entry<'a, T> {
    table: &'a ByTx<T>,
    tx_id: String,
    value: Arc<T>,
}

impl<T> Deref for Entry<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Drop for Entry<'_, T> {
    fn drop(&mut self) {
        let mut by_id = self.table.by_id();
        by_id.remove(&self.tx_id);
        self.table.count.store(by_id.len(), Ordering::Release);
    }
}
