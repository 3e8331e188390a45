//! Bytes of a stream, or of the answers of a connection, that are not counted in the budget.

use std::sync::atomic::{AtomicUsize, Ordering};

/// At most `limit` bytes, taken and given back.
pub(super) struct Free {
    limit: usize,
    used: AtomicUsize,
}

impl Free {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }

    /// Takes the bytes. Returns false if too few are left.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let with = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with).is_ok()
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
