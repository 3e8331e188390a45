//! Hashes and parts of blocks. Fabric: `protoutil/blockutils.go`.
//!
//! Pure functions over `common.Block`. Does not store or validate anything.

use prost::Message;
use prost::bytes::Bytes;

use crate::block::matched::MatchedBlock;

use wasmcc_types::proto::common::{Block, BlockData, BlockHeader, BlockMetadataIndex, Metadata};
use wasmcc_types::{sha256, sha256_all};

/// Number of entries of a block's metadata.
pub(super) const METADATA_SLOTS: usize = 5;

/// Returns the hash of all entries of a block, concatenated. Fabric: `ComputeBlockDataHash`.
pub fn data_hash(data: &BlockData) -> [u8; 32] {
    hash_of(&data.data)
}

pub(super) fn hash_of(entries: &[Bytes]) -> [u8; 32] {
    sha256_all(entries.iter().map(|entry| &entry[..]))
}

/// Returns the hash that identifies a block and that the next block contains. Fabric:
/// `BlockHeaderHash`.
pub fn header_hash(header: &BlockHeader) -> [u8; 32] {
    sha256(&header_bytes(header))
}

/// Returns the DER form of number, previous hash and data hash, which orderers sign. Fabric:
/// `BlockHeaderBytes`.
pub fn header_bytes(header: &BlockHeader) -> Vec<u8> {
    let mut number = header.number.to_be_bytes().to_vec();
    let zeros = (header.number.leading_zeros() as usize / 8).min(7);
    number.drain(..zeros);
    if number.first().is_some_and(|first| first & 0x80 != 0) {
        // A DER integer is signed; a leading zero keeps it positive.
        number.insert(0, 0);
    }
    let mut content = Vec::with_capacity(80);
    push_der(&mut content, 0x02, &number);
    push_der(&mut content, 0x04, &header.previous_hash);
    push_der(&mut content, 0x04, &header.data_hash);
    let mut sequence = Vec::with_capacity(84);
    push_der(&mut sequence, 0x30, &content);
    sequence
}

fn push_der(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    match content.len() {
        length @ 0..0x80 => out.push(length as u8),
        length => {
            let digits = length.to_be_bytes();
            let zeros = length.leading_zeros() as usize / 8;
            out.push(0x80 | (digits.len() - zeros) as u8);
            out.extend_from_slice(&digits[zeros..]);
        }
    }
    out.extend_from_slice(content);
}

/// Returns a block with its data hash and empty metadata.
pub fn new_block(number: u64, previous_hash: Vec<u8>, envelopes: Vec<Vec<u8>>) -> Block {
    let entries = envelopes.into_iter().map(Bytes::from).collect();
    MatchedBlock::next(number, previous_hash, entries).into_block()
}

/// Returns the verdicts of a block: one byte for each transaction, a `TxValidationCode`. Empty if
/// the block was not validated yet.
pub fn tx_filter(block: &Block) -> &[u8] {
    metadata(block, BlockMetadataIndex::TransactionsFilter)
}

/// Returns the commit hash of a block; None for a genesis block, or if the metadata cannot be
/// decoded.
pub fn commit_hash(block: &Block) -> Option<Vec<u8>> {
    let bytes = metadata(block, BlockMetadataIndex::CommitHash);
    let value = Metadata::decode(bytes).ok()?.value;
    (!value.is_empty()).then_some(value)
}

fn metadata(block: &Block, index: BlockMetadataIndex) -> &[u8] {
    let slots = block.metadata.as_ref().map_or(&[][..], |metadata| &metadata.metadata);
    slots.get(index as usize).map_or(&[], Vec::as_slice)
}

/// Writes verdicts and commit hash into the metadata, where Fabric's peers keep them.
pub(crate) fn set_outcome(block: &mut Block, filter: &[u8], commit_hash: Option<&[u8]>) {
    let slots = &mut block.metadata.get_or_insert_default().metadata;
    slots.resize(slots.len().max(METADATA_SLOTS), Vec::new());
    slots[BlockMetadataIndex::TransactionsFilter as usize] = filter.to_vec();
    slots[BlockMetadataIndex::CommitHash as usize] = match commit_hash {
        Some(hash) => Metadata { value: hash.to_vec(), signatures: Vec::new() }.encode_to_vec(),
        None => Vec::new(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::proto::common::BlockMetadata;

    fn header(number: u64, hashes: usize) -> BlockHeader {
        BlockHeader { number, previous_hash: vec![1; hashes], data_hash: vec![2; hashes] }
    }

    #[test]
    fn header_hash_is_over_der() {
        let der = [&[0x30, 7, 0x02, 1, 0, 0x04, 0, 0x04, 0][..]].concat();
        assert_eq!(header_hash(&header(0, 0)), sha256(&der));
        let der = [&[0x30, 11, 0x02, 3, 0, 0x80, 1, 0x04, 1, 1, 0x04, 1, 2][..]].concat();
        assert_eq!(header_hash(&header(0x8001, 1)), sha256(&der));
    }

    #[test]
    fn long_parts_have_long_lengths() {
        let mut out = Vec::new();
        push_der(&mut out, 4, &[0; 300]);
        assert_eq!(out[..4], [4, 0x82, 1, 44]);
        out.clear();
        push_der(&mut out, 4, &[0; 200]);
        assert_eq!(out[..3], [4, 0x81, 200]);
    }

    #[test]
    fn outcome_keeps_the_other_metadata() {
        let mut block = new_block(1, vec![1], vec![b"tx".to_vec()]);
        block.metadata = Some(BlockMetadata { metadata: vec![b"signatures".to_vec()] });
        set_outcome(&mut block, &[11], Some(&[9; 32]));
        assert_eq!(tx_filter(&block), [11]);
        assert_eq!(commit_hash(&block), Some(vec![9; 32]));
        assert_eq!(block.metadata.unwrap().metadata[0], b"signatures");
    }
}
