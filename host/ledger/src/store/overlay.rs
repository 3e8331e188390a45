//! Lets a simulation read one height while blocks are committed: keeps the values that newer blocks
//! replaced, as long as an open snapshot may need them.
//!
//! A commit publishes the values that it is about to replace as a layer, applies its batch, and
//! then publishes the new height. A reader reads the table first and the layers afterwards. It uses
//! the value of the oldest layer at or above its height, and so never sees a newer value.
//!
//! Layers of blocks between which no snapshot is open are merged, small ones first. So a reader
//! searches few layers, however many blocks were added after its height.
//!
//! Invariant: no lock is held while the table is read or written, so readers and commits do not
//! wait for each other here.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::store::state::VersionedValue;

/// The rows that one block changes, with their previous values; None if the row did not exist.
pub(crate) type Layer = BTreeMap<Vec<u8>, Option<VersionedValue>>;

/// The layers of a channel, and the open snapshots.
pub(crate) struct Overlay {
    inner: RwLock<Layers>,
}

struct Layers {
    /// Number of blocks that are completely in the table.
    height: u64,
    /// Number of open snapshots by their height.
    open: BTreeMap<u64, usize>,
    /// The layers by the number of their block, ascending. A merged layer has the number of its
    /// last block.
    layers: VecDeque<(u64, Arc<Layer>)>,
}

impl Overlay {
    /// Makes an overlay for a table with the blocks below `height`.
    pub(crate) fn new(height: u64) -> Self {
        let inner = Layers { height, open: BTreeMap::new(), layers: VecDeque::new() };
        Self { inner: RwLock::new(inner) }
    }

    /// Registers a reader of the newest height and returns that height.
    pub(crate) fn open(&self) -> u64 {
        let mut inner = self.write();
        let height = inner.height;
        *inner.open.entry(height).or_default() += 1;
        height
    }

    /// Ends a reader that `open` registered.
    pub(crate) fn close(&self, height: u64) {
        let mut inner = self.write();
        if let Some(count) = inner.open.get_mut(&height) {
            *count -= 1;
            if *count == 0 {
                inner.open.remove(&height);
            }
        }
        inner.prune();
        let after = inner.layers.partition_point(|(block, _)| *block < height);
        inner.merge(after);
    }

    /// Publishes the values that block `block` is about to replace; called before its batch is
    /// applied. If the table has lost a block and it is applied again, its layer exists already.
    pub(crate) fn publish(&self, block: u64, layer: Layer) {
        let mut inner = self.write();
        let is_known = inner.layers.back().is_some_and(|(last, _)| *last >= block);
        if block >= inner.height && !is_known {
            inner.layers.push_back((block, Arc::new(layer)));
        }
    }

    /// Publishes that the table is at `height`; called after a batch was applied.
    pub(crate) fn advance(&self, height: u64) {
        let mut inner = self.write();
        inner.height = inner.height.max(height);
        inner.prune();
        let last = inner.layers.len().saturating_sub(1);
        inner.merge(last);
    }

    /// Returns the value of a row at `height`, if it was replaced since; the outer None if the
    /// table has it. Must be called after the table was read.
    pub(crate) fn replaced(&self, height: u64, row: &[u8]) -> Option<Option<VersionedValue>> {
        self.read().above(height).find_map(|layer| layer.get(row)).cloned()
    }

    /// True if nothing was replaced since `height`, so that the table is correct for every row.
    /// Must be called after the table was read.
    pub(crate) fn is_idle_since(&self, height: u64) -> bool {
        self.read().above(height).next().is_none()
    }

    /// Returns the first row from `start` (included) to `end` (excluded) that was replaced since
    /// `height`.
    pub(crate) fn next_replaced(
        &self,
        height: u64,
        start: Bound<&[u8]>,
        end: &[u8],
    ) -> Option<Vec<u8>> {
        if let Bound::Included(start) | Bound::Excluded(start) = start
            && start >= end
        {
            return None;
        }
        let range = (start, Bound::Excluded(end));
        let inner = self.read();
        let firsts = inner.above(height).filter_map(|layer| layer.range::<[u8], _>(range).next());
        firsts.map(|(row, _)| row).min().cloned()
    }

    /// Returns the layers with blocks from `block` on, with the numbers of their last blocks. Must
    /// be called after the table was read.
    pub(crate) fn layers_from(&self, block: u64) -> Vec<(u64, Arc<Layer>)> {
        let inner = self.read();
        let skip = inner.layers.partition_point(|(number, _)| *number < block);
        inner.layers.range(skip..).cloned().collect()
    }

    /// The number of layers.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.read().layers.len()
    }

    // Every change of the inner value is complete before anything can panic, so a poisoned lock
    // still guards a consistent value.
    fn read(&self) -> RwLockReadGuard<'_, Layers> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Layers> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Layers {
    fn above(&self, height: u64) -> impl Iterator<Item = &Layer> {
        let skip = self.layers.partition_point(|(block, _)| *block < height);
        self.layers.range(skip..).map(|(_, layer)| layer.as_ref())
    }

    /// Drops the layers that no open snapshot needs. The layer of a commit in progress stays: a
    /// snapshot that is opened now needs it.
    fn prune(&mut self) {
        let oldest = self.open.keys().next().copied().unwrap_or(u64::MAX);
        let needed = oldest.min(self.height);
        while self.layers.front().is_some_and(|(block, _)| *block < needed) {
            self.layers.pop_front();
        }
    }

    /// Merges the layer at an index with the one before it, repeatedly, as long as no snapshot
    /// needs them separately. A layer more than twice as large as the next one is not merged, so
    /// that each row is moved only a few times.
    fn merge(&mut self, mut place: usize) {
        while let Some(before) = place.checked_sub(1)
            && let (Some((first, older)), Some((last, newer))) =
                (self.layers.get(before), self.layers.get(place))
            && *last < self.height
            && older.len() <= 2 * newer.len()
            && self.open.range(first + 1..=*last).next().is_none()
            && let Some((last, newer)) = self.layers.remove(place)
            && let Some((number, older)) = self.layers.get_mut(before)
        {
            *number = last;
            let oldest = Arc::unwrap_or_clone(std::mem::take(older));
            *older = Arc::new(merged(oldest, Arc::unwrap_or_clone(newer)));
            place = before;
        }
    }
}

/// Merges two layers; if both have a row, the value of the older layer is used.
fn merged(mut older: Layer, mut newer: Layer) -> Layer {
    if older.len() < newer.len() {
        newer.extend(older);
        return newer;
    }
    for (row, value) in newer {
        older.entry(row).or_insert(value);
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::Height;

    fn value(block: u64) -> Option<VersionedValue> {
        let version = Height::new(block, 0);
        Some(VersionedValue {
            value: vec![1],
            metadata_bytes: vec![],
            version,
            recent_writes: vec![],
        })
    }

    fn layer(row: &[u8], before: Option<VersionedValue>) -> Layer {
        BTreeMap::from([(row.to_vec(), before)])
    }

    #[test]
    fn the_oldest_value_at_or_above_the_height_counts() {
        let overlay = Overlay::new(3);
        let height = overlay.open();
        for block in 3..6 {
            overlay.publish(block, layer(b"k", value(block - 1)));
            overlay.advance(block + 1);
            overlay.open();
        }
        assert_eq!(overlay.replaced(height, b"k"), Some(value(2)));
        assert_eq!(overlay.replaced(4, b"k"), Some(value(3)));
        assert_eq!(overlay.replaced(6, b"k"), None);
        assert_eq!(overlay.replaced(height, b"other"), None);
        let next = |start, end| overlay.next_replaced(height, start, end);
        assert_eq!(next(Bound::Included(b"a"), b"z"), Some(b"k".to_vec()));
        assert_eq!(next(Bound::Included(b"k"), b"z"), Some(b"k".to_vec()));
        assert_eq!(next(Bound::Excluded(b"k"), b"z"), None);
        assert_eq!(next(Bound::Included(b"z"), b"a"), None);
        assert_eq!(next(Bound::Excluded(b"k"), b"k"), None);
        assert!(!overlay.is_idle_since(height) && overlay.is_idle_since(6));
    }

    #[test]
    fn layers_go_when_nobody_needs_them() {
        let overlay = Overlay::new(0);
        overlay.publish(0, layer(b"k", None));
        assert_eq!(overlay.len(), 1, "the commit is still in progress");
        let during = overlay.open();
        assert_eq!(during, 0);
        overlay.advance(1);
        let after = overlay.open();
        assert_eq!(overlay.len(), 1, "the snapshot of height 0 needs it");
        overlay.close(during);
        assert_eq!(overlay.len(), 0, "the snapshot of height 1 does not");
        overlay.close(after);
    }

    #[test]
    fn layers_that_no_snapshot_needs_apart_are_merged() {
        let overlay = Overlay::new(0);
        let commit = |block: u64| {
            let own = format!("own {block}").into_bytes();
            let own = (own, value(block));
            overlay.publish(block, BTreeMap::from([(b"k".to_vec(), value(block)), own]));
            overlay.advance(block + 1);
        };
        let first = overlay.open();
        (0..1_000).for_each(commit);
        let second = overlay.open();
        (1_000..2_000).for_each(commit);
        assert!(overlay.len() < 30, "{}", overlay.len());
        for (height, own) in [(first, b"own 0".as_slice()), (second, b"own 1000".as_slice())] {
            assert_eq!(overlay.replaced(height, b"k"), Some(value(height)));
            assert_eq!(overlay.replaced(height, own), Some(value(height)));
            assert_eq!(overlay.replaced(height, b"own 1999"), Some(value(1_999)));
        }
        assert_eq!(overlay.replaced(second, b"own 999"), None);
        overlay.close(second);
        (2_000..2_010).for_each(commit);
        assert!(overlay.len() < 20, "{}", overlay.len());
        assert_eq!(overlay.replaced(first, b"own 1000"), Some(value(1_000)));
        // The layer of a commit in progress stays separate: a snapshot may be opened below it.
        overlay.publish(2_010, layer(b"k", value(2_010)));
        let during = overlay.open();
        overlay.advance(2_011);
        commit(2_011);
        assert_eq!(overlay.replaced(during, b"k"), Some(value(2_010)));
        assert_eq!(overlay.replaced(during, b"own 2009"), None);
        overlay.close(first);
        overlay.close(during);
        assert_eq!(overlay.len(), 0);
    }
}
