//! The blocks of one channel: an append-only file, and the truth of the ledger.
//!
//! A record is a head of five big-endian 32-bit numbers (length of the rest, entries in the block,
//! length of the header, length of the metadata, check over the four before), the length of each
//! entry, the header, the entries, the metadata. So one entry is read without the others.
//!
//! A block is stored when `append` has returned: it has reached the disk. A record that the file
//! ends in the middle of was never acknowledged; `scan` reports it as `Scan::Torn`.
//!
//! Invariant: no validation and no index; whoever appends keeps the locations.

use std::fs::File;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

use prost::Message;

use crate::ledger::error::LedgerError;
use crate::proto::common::Block;
use crate::proto::common::BlockData;
use crate::proto::common::BlockHeader;
use crate::proto::common::BlockMetadata;
use crate::types::sha256;

/// Bytes of the head of a record.
const HEAD: usize = 20;

/// The open file.
pub(crate) struct BlockFile {
    file: File,
    path: PathBuf,
    sync: bool,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// Of the first byte of the head.
    offset: u64,
    /// Bytes of the record, head included.
    length: u64,
}

/// What is in the file at some offset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A whole record.
    Record(Location),
    /// The end of the file.
    End,
    /// The beginning of a record that was never finished.
    Torn,
    /// Something else.
    Damaged,
}

/// The numbers of a head.
struct Head {
    body: u32,
    entries: u32,
    header: u32,
    metadata: u32,
}

impl Location {
    /// The offset after the record.
    pub(crate) fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    /// The stored form.
    pub(crate) fn encode(self) -> Vec<u8> {
        [self.offset.to_be_bytes(), self.length.to_be_bytes()].concat()
    }

    /// Reads the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let damaged = LedgerError::CorruptState { what: "a block's location has 16 bytes" };
        let Some((offset, rest)) = bytes.split_first_chunk() else { return Err(damaged) };
        let Ok(length) = rest.try_into() else { return Err(damaged) };
        Ok(Self { offset: u64::from_be_bytes(*offset), length: u64::from_be_bytes(length) })
    }
}

impl BlockFile {
    /// Opens or makes the file. Without `sync`, `append` leaves it to the operating system when
    /// blocks reach the disk.
    pub(crate) fn open(path: &Path, sync: bool) -> Result<Self, LedgerError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io("open", path))?;
        Ok(Self { file, path: path.to_owned(), sync })
    }

    /// Opens a file that is there, to read only.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, LedgerError> {
        let file = File::open(path).map_err(io("open", path))?;
        Ok(Self { file, path: path.to_owned(), sync: false })
    }

    /// Brings everything that was appended to disk.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        self.file.sync_all().map_err(io("flush", &self.path))
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> Result<u64, LedgerError> {
        Ok(self.file.metadata().map_err(io("read", &self.path))?.len())
    }

    /// Stores a block at `offset`, which must be the end of the last one. When this returns, the
    /// block is on disk.
    pub(crate) fn append(&self, offset: u64, block: &Block) -> Result<Location, LedgerError> {
        let record = encode(block)?;
        self.file.write_all_at(&record, offset).map_err(io("write", &self.path))?;
        if self.sync {
            self.file.sync_data().map_err(io("flush", &self.path))?;
        }
        Ok(Location { offset, length: record.len() as u64 })
    }

    /// Cuts the file off.
    pub(crate) fn truncate(&self, length: u64) -> Result<(), LedgerError> {
        self.file.set_len(length).map_err(io("truncate", &self.path))?;
        self.flush()
    }

    /// What is at `offset`.
    pub(crate) fn scan(&self, offset: u64) -> Result<Scan, LedgerError> {
        let left = self.length()?.saturating_sub(offset);
        if left == 0 {
            return Ok(Scan::End);
        }
        if left < HEAD as u64 {
            return Ok(Scan::Torn);
        }
        let Some(head) = self.head(offset)? else { return Ok(Scan::Damaged) };
        let length = HEAD as u64 + u64::from(head.body);
        if length > left {
            return Ok(Scan::Torn);
        }
        Ok(Scan::Record(Location { offset, length }))
    }

    /// A whole block; None if the bytes there are not one.
    pub(crate) fn read(&self, location: Location) -> Result<Option<Block>, LedgerError> {
        let Some(head) = self.head(location.offset)? else { return Ok(None) };
        let body = self.bytes(location.offset + HEAD as u64, u64::from(head.body))?;
        Ok(decode(&head, &body))
    }

    /// Entry `index` of a block; None if it has no such entry.
    pub(crate) fn read_entry(
        &self,
        location: Location,
        index: u64,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(head) = self.head(location.offset)? else { return Ok(None) };
        let table_at = location.offset + HEAD as u64;
        let table = self.bytes(table_at, u64::from(head.entries) * 4)?;
        let lengths = lengths(&table);
        let Some(&length) = usize::try_from(index).ok().and_then(|index| lengths.get(index)) else {
            return Ok(None);
        };
        let before: u64 =
            lengths.iter().take(index as usize).map(|&length| u64::from(length)).sum();
        let offset = table_at + table.len() as u64 + u64::from(head.header) + before;
        if offset + u64::from(length) > location.end() {
            return Ok(None);
        }
        self.bytes(offset, u64::from(length)).map(Some)
    }

    fn head(&self, offset: u64) -> Result<Option<Head>, LedgerError> {
        let mut head = [0; HEAD];
        self.file.read_exact_at(&mut head, offset).map_err(io("read", &self.path))?;
        Ok(Head::decode(&head))
    }

    fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, LedgerError> {
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, offset).map_err(io("read", &self.path))?;
        Ok(bytes)
    }
}

impl Head {
    fn encode(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        let numbers = [self.body, self.entries, self.header, self.metadata];
        for (place, number) in head.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        let check = sha256(&head[..16]);
        head[16..].copy_from_slice(&check[..4]);
        head
    }

    fn decode(bytes: &[u8; HEAD]) -> Option<Self> {
        let number = |at: usize| {
            let digits = bytes[at..at + 4].try_into().expect("a slice of four bytes");
            u32::from_be_bytes(digits)
        };
        let head =
            Self { body: number(0), entries: number(4), header: number(8), metadata: number(12) };
        (head.encode() == *bytes).then_some(head)
    }
}

fn encode(block: &Block) -> Result<Vec<u8>, LedgerError> {
    let header = block.header.as_ref().ok_or(LedgerError::IncompleteBlock { part: "header" })?;
    let data = block.data.as_ref().ok_or(LedgerError::IncompleteBlock { part: "data" })?;
    let (header_bytes, metadata) = (header.encode_to_vec(), block.metadata.clone());
    let metadata = metadata.unwrap_or_default().encode_to_vec();
    let entries: usize = data.data.iter().map(|entry| entry.len() + 4).sum();
    let body = entries + header_bytes.len() + metadata.len();
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
    for entry in &data.data {
        record.extend_from_slice(entry);
    }
    record.extend_from_slice(&metadata);
    Ok(record)
}

fn decode(head: &Head, body: &[u8]) -> Option<Block> {
    let table = usize::try_from(head.entries).ok()?.checked_mul(4)?;
    let (table, rest) = body.split_at_checked(table)?;
    let (header, mut rest) = rest.split_at_checked(head.header as usize)?;
    let mut data = Vec::with_capacity(head.entries as usize);
    for length in lengths(table) {
        let (entry, after) = rest.split_at_checked(length as usize)?;
        data.push(entry.to_vec());
        rest = after;
    }
    if rest.len() != head.metadata as usize {
        return None;
    }
    Some(Block {
        header: Some(BlockHeader::decode(header).ok()?),
        data: Some(BlockData { data }),
        metadata: Some(BlockMetadata::decode(rest).ok()?),
    })
}

fn lengths(table: &[u8]) -> Vec<u32> {
    let (numbers, _) = table.as_chunks::<4>();
    numbers.iter().map(|&number| u32::from_be_bytes(number)).collect()
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError {
    move |source| LedgerError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::block::new_block;

    fn file() -> (tempfile::TempDir, BlockFile) {
        let dir = tempfile::tempdir().unwrap();
        let file = BlockFile::open(&dir.path().join("blocks"), true).unwrap();
        (dir, file)
    }

    #[test]
    fn blocks_and_single_entries_are_read_back() {
        let (_dir, file) = file();
        let entries = vec![b"first".to_vec(), Vec::new(), vec![7; 5000]];
        let first = new_block(0, vec![], entries.clone());
        let second = new_block(1, vec![1; 32], vec![]);
        let at_first = file.append(0, &first).unwrap();
        let at_second = file.append(at_first.end(), &second).unwrap();
        assert_eq!(file.read(at_first).unwrap(), Some(first));
        assert_eq!(file.read(at_second).unwrap(), Some(second));
        for (index, entry) in entries.into_iter().enumerate() {
            assert_eq!(file.read_entry(at_first, index as u64).unwrap(), Some(entry));
        }
        assert_eq!(file.read_entry(at_first, 3).unwrap(), None);
        assert_eq!(file.read_entry(at_first, u64::MAX).unwrap(), None);
        assert_eq!(Location::decode(&at_second.encode()).unwrap(), at_second);
    }

    #[test]
    fn every_cut_of_a_record_is_torn() {
        let (_dir, file) = file();
        let block = new_block(0, vec![], vec![b"tx".to_vec()]);
        let location = file.append(0, &block).unwrap();
        assert_eq!(file.scan(0).unwrap(), Scan::Record(location));
        assert_eq!(file.scan(location.end()).unwrap(), Scan::End);
        for length in (1..location.end()).rev() {
            file.truncate(length).unwrap();
            assert_eq!(file.scan(0).unwrap(), Scan::Torn, "{length}");
        }
    }

    #[test]
    fn a_changed_head_is_damage_and_not_a_torn_record() {
        let (_dir, file) = file();
        file.append(0, &new_block(0, vec![], vec![b"tx".to_vec()])).unwrap();
        file.file.write_all_at(&[0xff], 0).unwrap();
        assert_eq!(file.scan(0).unwrap(), Scan::Damaged);
    }
}
