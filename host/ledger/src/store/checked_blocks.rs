//! Remembers the stored blocks whose hashes were checked.
//!
//! Takes one bit of memory for each block. Does not read blocks.

use std::sync::{PoisonError, RwLock};

/// A set of block numbers.
#[derive(Default)]
pub(crate) struct CheckedBlocks {
    bits: RwLock<Vec<u64>>,
}

impl CheckedBlocks {
    pub(crate) fn contains(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        let bits = self.bits.read().unwrap_or_else(PoisonError::into_inner);
        bits.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(crate) fn insert(&self, number: u64) {
        let (word, bit) = place(number);
        let mut bits = self.bits.write().unwrap_or_else(PoisonError::into_inner);
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        bits[word] |= bit;
    }
}

fn place(number: u64) -> (usize, u64) {
    let word = usize::try_from(number / 64).unwrap_or(usize::MAX - 1);
    (word, 1 << (number % 64))
}
