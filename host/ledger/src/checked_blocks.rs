//! Remembers which stored blocks were compared with their hashes.
//!
//! Blocks may be read years after they were written. The first read since the start compares a
//! block with its hashes; later reads trust it.
//!
//! Takes one bit of memory for each block.

use std::sync::PoisonError;
use std::sync::RwLock;

use crate::block;
use crate::block_file::Location;
use crate::channel::Ledger;
use crate::error::LedgerError;
use crate::key;
use wasmcc_types::proto::common::Block;

/// A set of block numbers.
#[derive(Default)]
pub(crate) struct CheckedBlocks {
    bits: RwLock<Vec<u64>>,
}

impl CheckedBlocks {
    fn contains(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        let bits = self.bits.read().unwrap_or_else(PoisonError::into_inner);
        bits.get(word).is_some_and(|word| word & bit != 0)
    }

    fn insert(&self, number: u64) {
        let (word, bit) = place(number);
        let mut bits = self.bits.write().unwrap_or_else(PoisonError::into_inner);
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        bits[word] |= bit;
    }
}

impl Ledger {
    /// Reads a block; compares it with its hashes if this is its first read.
    ///
    /// Errors: `CorruptBlock` if it is not what was stored.
    pub(crate) fn stored_block(
        &self,
        number: u64,
        location: Location,
    ) -> Result<Block, LedgerError> {
        let block = self.blocks.read(location)?;
        let block = block.ok_or_else(|| self.corrupt(number, "its record is damaged"))?;
        if !self.checked.contains(number) {
            self.check_stored(number, &block)?;
            self.checked.insert(number);
        }
        Ok(block)
    }

    /// Reads a transaction of a block. The first read of a block compares the whole block with its
    /// hashes.
    pub(crate) fn stored_entry(
        &self,
        number: u64,
        location: Location,
        index: u64,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        if self.checked.contains(number) {
            return self.blocks.read_entry(location, index);
        }
        let data = self.stored_block(number, location)?.data.unwrap_or_default().data;
        Ok(usize::try_from(index).ok().and_then(|index| data.into_iter().nth(index)))
    }

    /// Checks that the data matches the header, and that the header belongs to the chain.
    fn check_stored(&self, number: u64, block: &Block) -> Result<(), LedgerError> {
        let header =
            block.header.as_ref().ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        let data = block.data.as_ref().ok_or(LedgerError::IncompleteBlock { part: "data" })?;
        if header.data_hash != block::data_hash(data) {
            return Err(self.corrupt(number, "it does not match the data hash in its header"));
        }
        let row = key::block_hash(&block::header_hash(header));
        let is_this = |bytes: &[u8]| Ok(bytes == number.to_be_bytes());
        if header.number != number || self.table.get(&row, is_this)? != Some(true) {
            return Err(self.corrupt(number, "its header is not that of the chain"));
        }
        if block::tx_filter(block).len() != data.data.len() {
            return Err(self.corrupt(number, "it has not one verdict for each transaction"));
        }
        Ok(())
    }
}

fn place(number: u64) -> (usize, u64) {
    let word = usize::try_from(number / 64).unwrap_or(usize::MAX - 1);
    (word, 1 << (number % 64))
}
