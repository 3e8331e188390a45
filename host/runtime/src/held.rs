//! Resources held by instances that have no transaction.

/// Slots of the pool, and bytes of memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    pub(crate) places: usize,
    pub(crate) bytes: usize,
}

impl Held {
    /// Returns the sum.
    pub(crate) fn and(self, more: Self) -> Self {
        Self {
            places: self.places.saturating_add(more.places),
            bytes: self.bytes.saturating_add(more.bytes),
        }
    }

    /// Returns the sum for `count` instances that each hold this.
    pub(crate) fn times(self, count: usize) -> Self {
        Self { places: self.places.saturating_mul(count), bytes: self.bytes.saturating_mul(count) }
    }

    /// Returns true if neither value exceeds that of `most`.
    pub(crate) fn fits(self, most: Self) -> bool {
        self.places <= most.places && self.bytes <= most.bytes
    }
}
