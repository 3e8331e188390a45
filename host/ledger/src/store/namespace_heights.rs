//! Since which height each namespace of a channel is as it is now, so that what was read from it
//! once need not be read again for each block.
//!
//! Invariant: a block is noted before a snapshot can see it.

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
    /// For a namespace that no block has written since.
    opened: u64,
    written: HashMap<String, u64>,
}

impl NamespaceHeights {
    /// Nothing is known of blocks below this height.
    pub(crate) fn begin(&self, height: u64) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.opened = inner.opened.max(height);
    }

    /// Notes that block `number` is about to change these.
    pub(crate) fn note<'a>(&self, number: u64, namespaces: impl Iterator<Item = &'a String>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for namespace in namespaces {
            match inner.written.get_mut(namespace) {
                Some(height) => *height = (number + 1).max(*height),
                None => _ = inner.written.insert(namespace.clone(), number + 1),
            }
        }
    }

    /// From this height on, nothing in the namespace has changed.
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
        // The blocks are applied once more after a failure.
        heights.note(7, [&a, &b].into_iter());
        assert_eq!(["a", "b"].map(|namespace| heights.since(namespace)), [8, 9]);
        heights.begin(12);
        assert_eq!(heights.since("a"), 12);
    }
}
