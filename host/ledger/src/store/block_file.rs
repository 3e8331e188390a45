//! The block file of one channel: an append-only file of records (`block_record`). It is the source
//! of truth of the ledger.
//!
//! A block is on disk when `append` has returned. After the last complete record there may be bytes
//! of a block whose storing was interrupted, and which was never acknowledged. They are the
//! beginning of a record, or the remains after a power failure: sectors that were never written
//! read as zeros. `scan` reports both as `BlockScan::Torn`, and everything else as damage.
//!
//! Does not validate blocks and has no index: the caller keeps the locations.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, thread};

use crate::error::LedgerError;
use crate::store::block_record::{HEAD, Head, decode, encode, lengths};
use crate::store::disk::{self, attempt};
use wasmcc_types::proto::common::Block;

/// The unit that a disk writes completely or not at all, in bytes.
const SECTOR: u64 = 512;

/// Number of zeros in a row from which bytes count as never written; lengths and hashes do not
/// contain so many.
const LOST: usize = 4;

/// Size of a record from which a separate thread flushes it, in bytes. For a smaller one, starting
/// the thread takes longer than the work done in parallel.
const FLUSHED_BESIDE: usize = 256 << 10;

/// The open file. Clones are handles of the same file.
#[derive(Clone)]
pub(crate) struct BlockFile {
    file: Arc<File>,
    path: PathBuf,
    sync: bool,
}

/// The position of a record in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// Offset of the first byte of the head.
    offset: u64,
    /// Length of the record in bytes, head included.
    length: u64,
}

/// The content of the file at an offset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BlockScan {
    /// A record of full length. Its bytes may still be wrong.
    Record(Location),
    /// The end of the file.
    End,
    /// An incomplete record whose storing was interrupted, at the end of the file.
    Torn,
    /// Anything else.
    Damaged,
}

impl Location {
    /// Offset of the first byte of the record.
    pub(crate) fn start(self) -> u64 {
        self.offset
    }

    /// Offset of the first byte after the record.
    pub(crate) fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    /// Encodes the location.
    pub(crate) fn encode(self) -> Vec<u8> {
        [self.offset.to_be_bytes(), self.length.to_be_bytes()].concat()
    }

    /// Decodes a location.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let damaged =
            LedgerError::CorruptState { what: "a block's location does not have 16 bytes" };
        let Some((offset, rest)) = bytes.split_first_chunk() else { return Err(damaged) };
        let Ok(length) = rest.try_into() else { return Err(damaged) };
        Ok(Self { offset: u64::from_be_bytes(*offset), length: u64::from_be_bytes(length) })
    }
}

impl BlockFile {
    /// Opens the file, and creates it if it is missing. Without `sync`, the operating system
    /// decides when an appended block reaches the disk.
    pub(crate) fn open(path: &Path, sync: bool) -> Result<Self, LedgerError> {
        let file = disk::open_file(path).map_err(disk::io("open", path))?;
        Ok(Self { file: Arc::new(file), path: path.to_owned(), sync })
    }

    /// Opens an existing file for reading.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, LedgerError> {
        let file = File::open(path).map_err(disk::io("open", path))?;
        Ok(Self { file: Arc::new(file), path: path.to_owned(), sync: false })
    }

    /// Flushes all appended data to disk.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        let flushed = attempt("flush the blocks").and_then(|()| self.file.sync_all());
        flushed.map_err(self.io("flush"))
    }

    /// Makes sure that the last block is on disk, if the process ended before its flush or the
    /// flush failed. The record is written again: after a failed flush the operating system treats
    /// its pages as clean, and would flush nothing.
    pub(crate) fn settle(&self, location: Location) -> Result<(), LedgerError> {
        // Only the last block can be affected: each one is flushed before the next is written.
        if !self.sync || location.end() != self.length()? {
            return Ok(());
        }
        let record = self.bytes(location.offset, location.length)?;
        let written = attempt("write a block again")
            .and_then(|()| self.file.write_all_at(&record, location.offset));
        written.map_err(self.io("write"))?;
        self.flush()
    }

    /// Length of the file in bytes.
    pub(crate) fn length(&self) -> Result<u64, LedgerError> {
        let metadata = attempt("ask the length").and_then(|()| self.file.metadata());
        Ok(metadata.map_err(self.io("read"))?.len())
    }

    /// Stores a block at `offset`, which must be the end of the last one. It is on disk when this
    /// returns.
    pub(crate) fn append(&self, offset: u64, block: &Block) -> Result<Location, LedgerError> {
        self.append_while(offset, block, |location| location)
    }

    /// As `append`; runs `meanwhile` while the disk writes, and returns its outcome. `meanwhile`
    /// must not change other stored data: the block is not on disk yet.
    pub(crate) fn append_while<T>(
        &self,
        offset: u64,
        block: &Block,
        meanwhile: impl FnOnce(Location) -> T,
    ) -> Result<T, LedgerError> {
        let record = encode(block)?;
        self.write(&record, offset).map_err(self.io("write"))?;
        let location = Location { offset, length: record.len() as u64 };
        if !self.sync {
            return Ok(meanwhile(location));
        }
        attempt("flush a block").map_err(self.io("flush"))?;
        if record.len() < FLUSHED_BESIDE {
            self.file.sync_data().map_err(self.io("flush"))?;
            return Ok(meanwhile(location));
        }
        let (flushed, outcome) = thread::scope(|scope| {
            let flush = || self.file.sync_data();
            let named = thread::Builder::new().name("block-flush".to_owned());
            let flushing = named.spawn_scoped(scope, flush);
            let outcome = meanwhile(location);
            // If no thread can be started, flush afterwards.
            let flushed = flushing.map_or_else(|_| Ok(flush()), thread::ScopedJoinHandle::join);
            (flushed, outcome)
        });
        let flushed = flushed.unwrap_or_else(|panic| resume_unwind(panic));
        flushed.map_err(self.io("flush"))?;
        Ok(outcome)
    }

    fn write(&self, record: &[u8], offset: u64) -> io::Result<()> {
        attempt("write a block")?;
        #[cfg(test)]
        if let Err(error) = attempt("write all of a block") {
            self.file.write_all_at(&record[..record.len() / 2], offset)?;
            return Err(error);
        }
        self.file.write_all_at(record, offset)
    }

    /// Cuts the file to this length.
    pub(crate) fn truncate(&self, length: u64) -> Result<(), LedgerError> {
        let cut = attempt("truncate the blocks").and_then(|()| self.file.set_len(length));
        cut.map_err(self.io("truncate"))?;
        self.flush()
    }

    /// Determines what is at `offset`.
    pub(crate) fn scan(&self, offset: u64) -> Result<BlockScan, LedgerError> {
        let left = self.length()?.saturating_sub(offset);
        if left == 0 {
            return Ok(BlockScan::End);
        }
        if left < HEAD as u64 {
            return Ok(BlockScan::Torn);
        }
        let Some(head) = self.head(offset)? else {
            return Ok(if self.is_torn(offset)? { BlockScan::Torn } else { BlockScan::Damaged });
        };
        let length = HEAD as u64 + u64::from(head.body);
        if length > left {
            return Ok(BlockScan::Torn);
        }
        Ok(BlockScan::Record(Location { offset, length }))
    }

    /// True if the rest of the file is an incomplete record after a power failure: at least one
    /// sector was never written, and no complete record follows.
    pub(crate) fn is_torn(&self, offset: u64) -> Result<bool, LedgerError> {
        let rest = self.bytes(offset, self.length()?.saturating_sub(offset))?;
        let Some((head, body)) = rest.split_first_chunk() else { return Ok(true) };
        let Some(head) = Head::decode(head) else {
            return Ok(has_lost(&rest[..HEAD], &rest, offset) && !holds_record(&rest));
        };
        let record = HEAD.saturating_add(head.body as usize).min(HEAD + body.len());
        let (record, after) = rest.split_at(record);
        Ok(has_lost(record, &rest, offset) && after.iter().all(|byte| *byte == 0))
    }

    /// As `is_torn`, for a record of full length that does not match its hashes.
    pub(crate) fn is_torn_at(&self, location: Location) -> Result<bool, LedgerError> {
        self.is_torn(location.offset)
    }

    /// Reads a block; None if the bytes are not a block.
    pub(crate) fn read(&self, location: Location) -> Result<Option<Block>, LedgerError> {
        let Some(head) = self.head(location.offset)? else { return Ok(None) };
        let start = location.offset.saturating_add(HEAD as u64);
        let body = self.bytes(start, u64::from(head.body))?;
        Ok(decode(&head, &body.into()))
    }

    /// Reads entry `index` of a block; None if the block has no such entry.
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
        self.read_at(&mut head, offset)?;
        Ok(Head::decode(&head))
    }

    fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, LedgerError> {
        let mut bytes = vec![0; length as usize];
        self.read_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), LedgerError> {
        let read = attempt("read blocks").and_then(|()| self.file.read_exact_at(bytes, offset));
        read.map_err(self.io("read"))
    }

    fn io(&self, action: &'static str) -> impl FnOnce(io::Error) -> LedgerError {
        disk::io(action, &self.path)
    }
}

/// True if a sector that overlaps `part` was never written. `rest` starts at `offset` of the file
/// and extends to its end; `part` is its beginning.
fn has_lost(part: &[u8], rest: &[u8], offset: u64) -> bool {
    let mut start = 0;
    while start < part.len() {
        let in_sector = SECTOR - (offset + start as u64) % SECTOR;
        let end = rest.len().min(start + in_sector as usize);
        let sector = &rest[start..end];
        if sector.len() >= LOST && sector.iter().all(|byte| *byte == 0) {
            return true;
        }
        start = end;
    }
    false
}

/// True if a complete record begins anywhere in these bytes.
fn holds_record(bytes: &[u8]) -> bool {
    let mut windows = bytes.windows(HEAD).enumerate();
    windows.any(|(at, head)| {
        // A cheap test first: most bytes are not a head, and hashing at each position would be
        // slow.
        let body = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let entries = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let left = (bytes.len() - at - HEAD) as u64;
        u64::from(body) <= left
            && u64::from(entries) * 4 <= u64::from(body)
            && body > 0
            && head.first_chunk().is_some_and(|head| Head::decode(head).is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::new_block;
    use crate::store::disk::faults;

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
    fn a_block_is_flushed_while_its_changes_are_collected() {
        let (_dir, file) = file();
        let mut offset = 0;
        // The second one is flushed by a separate thread.
        for (number, length) in [(0, 10), (1, FLUSHED_BESIDE)] {
            let block = new_block(number, vec![], vec![vec![7; length]]);
            let location = file
                .append_while(offset, &block, |location| {
                    assert_eq!(file.read(location).unwrap().as_ref(), Some(&block));
                    location
                })
                .unwrap();
            assert_eq!(file.scan(offset).unwrap(), BlockScan::Record(location));
            offset = location.end();
            faults::fail_after(2);
            let failed: Result<(), _> =
                file.append_while(offset, &block, |_| panic!("it is not flushed"));
            assert_eq!(faults::end(), Some("flush a block"));
            assert!(matches!(failed, Err(LedgerError::Io { action: "flush", .. })));
        }
    }

    #[test]
    fn every_cut_of_a_record_is_torn() {
        let (_dir, file) = file();
        let block = new_block(0, vec![], vec![b"tx".to_vec()]);
        let location = file.append(0, &block).unwrap();
        assert_eq!(file.scan(0).unwrap(), BlockScan::Record(location));
        assert_eq!(file.scan(location.end()).unwrap(), BlockScan::End);
        for length in (1..location.end()).rev() {
            file.truncate(length).unwrap();
            assert_eq!(file.scan(0).unwrap(), BlockScan::Torn, "{length}");
        }
    }

    #[test]
    fn a_changed_head_is_damage_and_not_a_torn_record() {
        let (_dir, file) = file();
        file.append(0, &new_block(0, vec![], vec![b"tx".to_vec()])).unwrap();
        file.file.write_all_at(&[0xff], 0).unwrap();
        assert_eq!(file.scan(0).unwrap(), BlockScan::Damaged);
    }

    #[test]
    fn what_a_power_failure_leaves_is_torn() {
        let (_dir, file) = file();
        let first = file.append(0, &new_block(0, vec![], vec![vec![7; 700]])).unwrap();
        let block = new_block(1, vec![1; 32], vec![vec![8; 5000]]);
        let second = file.append(first.end(), &block).unwrap();
        let whole = file.bytes(0, second.end()).unwrap();
        let torn = |bytes: &[u8]| {
            file.truncate(0).unwrap();
            file.file.write_all_at(bytes, 0).unwrap();
            match file.scan(first.end()).unwrap() {
                BlockScan::Record(at) => file.is_torn_at(at).unwrap(),
                found => found == BlockScan::Torn,
            }
        };
        let (start, end) = (first.end() as usize, second.end() as usize);
        // Any number of zeros after the last complete record.
        for zeros in [1, 19, 20, 21, 4096, 70_000] {
            assert!(torn(&[&whole[..start], &vec![0; zeros]].concat()), "{zeros}");
        }
        // The second record without some of its sectors, at its full size.
        for sector in start / 512..=(end - 1) / 512 {
            let mut bytes = whole.clone();
            bytes[(sector * 512).max(start)..((sector + 1) * 512).min(end)].fill(0);
            assert!(torn(&bytes), "sector {sector}");
            bytes.extend([0; 900]);
            assert!(torn(&bytes), "sector {sector} and zeros");
        }
        // Changed bytes are damage, and so are incomplete records before a complete one.
        for at in (start..end).step_by(37) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert!(!torn(&bytes), "byte {at}");
        }
        let third = file.append(second.end(), &new_block(2, vec![2; 32], vec![])).unwrap();
        let whole = file.bytes(0, third.end()).unwrap();
        for sector in start / 512..end / 512 {
            let mut bytes = whole.clone();
            bytes[(sector * 512).max(start)..(sector + 1) * 512].fill(0);
            assert!(!torn(&bytes), "sector {sector} of three records");
        }
    }
}
