//! The position of a write in the ledger.

/// The version of a key: block number and index of the transaction that wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height {
    /// Block number; the genesis block is 0.
    pub block: u64,
    /// Index of the transaction in its block, from 0.
    pub tx: u64,
}

impl Height {
    /// Returns the height of transaction `tx` of block `block`.
    pub const fn new(block: u64, tx: u64) -> Self {
        Self { block, tx }
    }

    /// Returns Fabric's order-preserving encoding (`core/ledger/internal/version`,
    /// `Height.ToBytes`): for each number, the count of its significant bytes, then these bytes,
    /// big endian.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(6);
        for number in [self.block, self.tx] {
            let big_endian = number.to_be_bytes();
            let skip = number.leading_zeros() as usize / 8;
            bytes.push((8 - skip) as u8);
            bytes.extend_from_slice(&big_endian[skip..]);
        }
        bytes
    }
}

impl std::fmt::Display for Height {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.block, self.tx)
    }
}

#[cfg(test)]
mod tests {
    use super::Height;

    #[test]
    fn bytes_count_significant_digits() {
        assert_eq!(Height::new(0, 0).to_bytes(), [0, 0]);
        assert_eq!(Height::new(5, 256).to_bytes(), [1, 5, 2, 1, 0]);
        assert_eq!(Height::new(u64::MAX, 1).to_bytes().len(), 11);
    }
}
