//! Makes decisions from bytes.
//!
//! Invariant: every sequence of bytes is valid. When it is used up, every decision is the first of
//! its choices, which is the simplest.

/// Limit on the changes to one entry.
const MAX_SPOILT: usize = 3;

/// The remaining bytes.
pub struct Dice<'a>(&'a [u8]);

impl<'a> Dice<'a> {
    /// Starts with all bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// True if all bytes are used up.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// Returns a number below `choices`, which must not be 0.
    pub(crate) fn below(&mut self, choices: usize) -> usize {
        match choices {
            0..=256 => usize::from(self.byte()) % choices.max(1),
            _ => (usize::from(self.byte()) << 8 | usize::from(self.byte())) % choices,
        }
    }

    /// Returns true once in `times` decisions.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// Returns one of the choices.
    pub(crate) fn pick<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        &choices[self.below(choices.len())]
    }

    /// Returns as many bytes as the next byte says, or all that remain.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte() % 32).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes.to_vec()
    }

    /// Returns a number that is small or at an end of its range.
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

    /// Spoils bytes once in `times` decisions.
    pub(crate) fn spoil_one_in(&mut self, times: usize, bytes: &mut Vec<u8>) {
        if self.one_in(times) {
            self.spoil(bytes);
        }
    }
}
