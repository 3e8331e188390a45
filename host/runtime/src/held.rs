//! What instances have taken that no transaction has.

/// Places of the pool, and bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    pub(crate) places: usize,
    pub(crate) bytes: usize,
}

impl Held {
    /// Both together.
    pub(crate) fn and(self, more: Self) -> Self {
        Self {
            places: self.places.saturating_add(more.places),
            bytes: self.bytes.saturating_add(more.bytes),
        }
    }

    /// So many that each hold this.
    pub(crate) fn times(self, count: usize) -> Self {
        Self { places: self.places.saturating_mul(count), bytes: self.bytes.saturating_mul(count) }
    }

    /// Whether it is within `most`.
    pub(crate) fn fits(self, most: Self) -> bool {
        self.places <= most.places && self.bytes <= most.bytes
    }
}
