//! The stored form of a block.
//!
//! A record begins with a head of five big-endian 32-bit numbers: length of the rest, number of
//! entries, length of the header, length of the metadata, and a check over these four. Then follow
//! the length of each entry, the header, the entries, the metadata, and the seal. The seal is eight
//! bytes of a hash over everything except the entries, so one entry can be read without the others.
//! Together with the data hash in the header, the seal detects every changed bit. Records of early
//! versions have no seal.
//!
//! Converts between bytes and blocks. Does not access files.

use prost::Message;
use prost::bytes::Bytes;

use crate::error::LedgerError;
use wasmcc_types::proto::common::{Block, BlockData, BlockHeader, BlockMetadata};
use wasmcc_types::{sha256, sha256_all};

/// Bytes of the head of a record.
pub(crate) const HEAD: usize = 20;

/// Bytes of the seal.
const SEAL: usize = 8;

/// The numbers of a head.
pub(crate) struct Head {
    /// Bytes after the head.
    pub(crate) body: u32,
    /// Entries of the block.
    pub(crate) entries: u32,
    /// Bytes of the header.
    pub(crate) header: u32,
    /// Bytes of the metadata.
    pub(crate) metadata: u32,
}

impl Head {
    /// Encodes the head.
    pub(crate) fn encode(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        let numbers = [self.body, self.entries, self.header, self.metadata];
        for (place, number) in head.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        let check = sha256(&head[..16]);
        head[16..].copy_from_slice(&check[..4]);
        head
    }

    /// Decodes a head; None if the bytes are not a head.
    pub(crate) fn decode(bytes: &[u8; HEAD]) -> Option<Self> {
        let number = |at: usize| {
            let digits = bytes[at..at + 4].try_into().expect("a slice of four bytes");
            u32::from_be_bytes(digits)
        };
        let head =
            Self { body: number(0), entries: number(4), header: number(8), metadata: number(12) };
        (head.encode() == *bytes).then_some(head)
    }
}

/// Encodes the record of a block.
pub(crate) fn encode(block: &Block) -> Result<Vec<u8>, LedgerError> {
    let header = block.header.as_ref().ok_or(LedgerError::IncompleteBlock { part: "header" })?;
    let data = block.data.as_ref().ok_or(LedgerError::IncompleteBlock { part: "data" })?;
    let header_bytes = header.encode_to_vec();
    let metadata = block.metadata.as_ref().map(Message::encode_to_vec).unwrap_or_default();
    let entries: usize = data.data.iter().map(|entry| entry.len() + 4).sum();
    let body = entries + header_bytes.len() + metadata.len() + SEAL;
    let number = |length: usize| {
        u32::try_from(length).map_err(|_| LedgerError::BlockTooLarge { number: header.number })
    };
    let head = Head {
        body: number(body)?,
        entries: number(data.data.len())?,
        header: number(header_bytes.len())?,
        metadata: number(metadata.len())?,
    };
    let mut record = Vec::with_capacity(HEAD + body);
    record.extend_from_slice(&head.encode());
    for entry in &data.data {
        record.extend_from_slice(&number(entry.len())?.to_be_bytes());
    }
    record.extend_from_slice(&header_bytes);
    let seal = seal([&record, &metadata]);
    for entry in &data.data {
        record.extend_from_slice(entry);
    }
    record.extend_from_slice(&metadata);
    record.extend_from_slice(&seal);
    Ok(record)
}

/// Decodes a record; None if the bytes are not those that were stored. Does not check the entries,
/// which share the bytes: the data hash in the header covers them.
pub(crate) fn decode(head: &Head, body: &Bytes) -> Option<Block> {
    let table = usize::try_from(head.entries).ok()?.checked_mul(4)?;
    let (table, rest) = body.split_at_checked(table)?;
    let (header, mut rest) = rest.split_at_checked(head.header as usize)?;
    let mut data = Vec::with_capacity(table.len() / 4);
    for length in lengths(table) {
        let (entry, after) = rest.split_at_checked(length as usize)?;
        data.push(body.slice_ref(entry));
        rest = after;
    }
    let (metadata, found) = rest.split_at_checked(head.metadata as usize)?;
    let sealed = || seal([&head.encode(), table, header, metadata]);
    if !found.is_empty() && found != sealed() {
        return None;
    }
    Some(Block {
        header: Some(BlockHeader::decode(header).ok()?),
        data: Some(BlockData { data }),
        metadata: Some(BlockMetadata::decode(metadata).ok()?),
    })
}

/// Decodes the lengths of the entries.
pub(crate) fn lengths(table: &[u8]) -> Vec<u32> {
    let (numbers, _) = table.as_chunks::<4>();
    numbers.iter().map(|&number| u32::from_be_bytes(number)).collect()
}

fn seal<const N: usize>(parts: [&[u8]; N]) -> [u8; SEAL] {
    let hash = sha256_all(parts);
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&hash[..SEAL]);
    seal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{data_hash, new_block};

    fn parse(record: &[u8]) -> Option<Block> {
        let (head, body) = record.split_first_chunk()?;
        decode(&Head::decode(head)?, &Bytes::copy_from_slice(body))
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut block = new_block(7, vec![3; 32], vec![b"first".to_vec(), vec![], vec![1; 90]]);
        block.metadata.as_mut().unwrap().metadata[2] = vec![0, 11, 254];
        let record = encode(&block).unwrap();
        assert_eq!(parse(&record).as_ref(), Some(&block));
        for bit in 0..record.len() * 8 {
            let mut bad = record.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let noticed = parse(&bad).is_none_or(|read| {
                read.header.unwrap().data_hash != data_hash(&read.data.unwrap())
            });
            assert!(noticed, "bit {bit}");
        }
    }

    #[test]
    fn records_of_earlier_versions_are_read() {
        let block = new_block(7, vec![3; 32], vec![b"first".to_vec()]);
        let record = encode(&block).unwrap();
        let (head, body) = record.split_first_chunk().unwrap();
        let head = Head::decode(head).unwrap();
        let body = &body[..body.len() - SEAL];
        let head = Head { body: body.len() as u32, ..head };
        let old = [&head.encode()[..], body].concat();
        assert_eq!(parse(&old), Some(block));
    }
}
