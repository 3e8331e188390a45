//! A block that matches the data hash in its header.
//!
//! Invariant: entries and header do not change after they were compared, so they are compared once.

use prost::bytes::Bytes;

use crate::block::parts::{METADATA_SLOTS, hash_of};
use crate::error::LedgerError;
use wasmcc_types::proto::common::{Block, BlockData, BlockHeader, BlockMetadata};

/// A block whose entries match the data hash in its header.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedBlock {
    header: BlockHeader,
    data: BlockData,
    metadata: Option<BlockMetadata>,
}

impl MatchedBlock {
    /// Compares a block with the hash in its header.
    ///
    /// Errors: `IncompleteBlock`, `DataHash`.
    pub fn of(block: Block) -> Result<Self, LedgerError> {
        let header = block.header.ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        let data = block.data.ok_or(LedgerError::IncompleteBlock { part: "data" })?;
        if header.data_hash != hash_of(&data.data) {
            return Err(LedgerError::DataHash { number: header.number });
        }
        Ok(Self { header, data, metadata: block.metadata })
    }

    /// Makes a block with its data hash and empty metadata.
    pub fn next(number: u64, previous_hash: Vec<u8>, entries: Vec<Bytes>) -> Self {
        let data_hash = hash_of(&entries).to_vec();
        let metadata = BlockMetadata { metadata: vec![Vec::new(); METADATA_SLOTS] };
        Self {
            header: BlockHeader { number, previous_hash, data_hash },
            data: BlockData { data: entries },
            metadata: Some(metadata),
        }
    }

    /// Number, previous hash and data hash.
    pub fn header(&self) -> &BlockHeader {
        &self.header
    }

    /// The entries, serialized `common.Envelope`s.
    pub fn entries(&self) -> &[Bytes] {
        &self.data.data
    }

    /// The metadata of the block, which no hash covers.
    pub fn metadata_mut(&mut self) -> &mut BlockMetadata {
        self.metadata.get_or_insert_default()
    }

    /// Returns the message.
    pub fn into_block(self) -> Block {
        Block { header: Some(self.header), data: Some(self.data), metadata: self.metadata }
    }
}
