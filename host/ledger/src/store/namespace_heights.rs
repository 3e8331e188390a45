//! Records the height of the last change of each namespace, so that cached reads stay valid until
//! the next change.
//!
//! Invariant: a block is recorded before a snapshot can see it.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// The namespaces that blocks have written since the channel was opened. Blocks change only those
/// of defined chaincodes, so there are few.
#[derive(Default)]
pub(crate) struct NamespaceHeights {
    inner: RwLock<Heights>,
}

#[derive(Default)]
struct Heights {
    /// The height for namespaces without a write since the channel was opened.
    opened: u64,
    written: HashMap<String, u64>,
}

impl NamespaceHeights {
    /// Starts at this height; changes below it are unknown.
    pub(crate) fn begin(&self, height: u64) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.opened = inner.opened.max(height);
    }

    /// Records that block `number` is about to change these namespaces.
    pub(crate) fn note<'a>(&self, number: u64, namespaces: impl Iterator<Item = &'a String>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for namespace in namespaces {
            match inner.written.get_mut(namespace) {
                Some(height) => *height = (number + 1).max(*height),
                None => _ = inner.written.insert(namespace.clone(), number + 1),
            }
        }
    }

    /// Returns the height from which on the namespace is unchanged.
    pub(crate) fn since(&self, namespace: &str) -> u64 {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.written.get(namespace).copied().unwrap_or_default().max(inner.opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_as_the_last_block_left_it_that_wrote_it() {
        let heights = NamespaceHeights::default();
        heights.begin(7);
        assert_eq!(heights.since("a"), 7);
        let [a, b] = ["a", "b"].map(str::to_owned);
        heights.note(7, [&a].into_iter());
        heights.note(8, [&b].into_iter());
        assert_eq!(["a", "b", "c"].map(|namespace| heights.since(namespace)), [8, 9, 7]);
        // After a failure, blocks are applied again.
        heights.note(7, [&a, &b].into_iter());
        assert_eq!(["a", "b"].map(|namespace| heights.since(namespace)), [8, 9]);
        heights.begin(12);
        assert_eq!(heights.since("a"), 12);
    }
}
