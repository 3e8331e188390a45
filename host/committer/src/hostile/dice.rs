//! Decisions made of bytes.
//!
//! Invariant: every sequence of bytes is a good one. When it is used up every decision is the
//! first of its choices, which is the plainest.

/// Flips and cuts of one entry at most.
const MAX_SPOILT: usize = 3;

/// What is left of the bytes.
pub struct Dice<'a>(&'a [u8]);

impl<'a> Dice<'a> {
    /// All of them.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left to decide with.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// A number below `choices`, of which there is at least one.
    pub(crate) fn below(&mut self, choices: usize) -> usize {
        match choices {
            0..=256 => usize::from(self.byte()) % choices.max(1),
            _ => (usize::from(self.byte()) << 8 | usize::from(self.byte())) % choices,
        }
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of these.
    pub(crate) fn pick<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        &choices[self.below(choices.len())]
    }

    /// A length in one byte, and as many bytes, or what is left.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte() % 32).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes.to_vec()
    }

    /// A number that is small or at an end of its range.
    pub(crate) fn number(&mut self) -> u64 {
        match self.below(8) {
            0..5 => self.below(6) as u64,
            5 => 127 + self.below(3) as u64,
            6 => u64::MAX - self.below(3) as u64,
            _ => u64::from(self.byte()) << 56 | u64::from(self.byte()),
        }
    }

    /// Changes or cuts off some of these bytes.
    pub(crate) fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(MAX_SPOILT) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.truncate(at),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, self.byte()),
                _ => bytes[at] ^= 1 << self.below(8),
            }
        }
    }

    /// Spoils bytes once in so many times.
    pub(crate) fn spoil_one_in(&mut self, times: usize, bytes: &mut Vec<u8>) {
        if self.one_in(times) {
            self.spoil(bytes);
        }
    }
}
