//! Keeps the envelopes that an orderer has accepted on disk, until a block on disk holds them.
//!
//! Two files in the folder of the channel, written in turn. A record is a head of big-endian
//! numbers, followed by the envelope:
//!
//! ```text
//! nonce 8 | number 8 | height 8 | sequence 8 | length 4 | check 8 | envelope
//! ```
//!
//! Numbers grow by one, and the check covers everything but itself. A file ends before the first
//! bytes that are not the next record. The rest was never acknowledged, or is left from an earlier
//! use of the file. Clients do not know the nonce, so their data cannot look like a record.
//!
//! Invariant: only settled envelopes are overwritten: those in a block on disk, and dropped ones.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::block_writer::random_nonce;
use wasmcc_types::sha256_all;

const NAMES: [&str; 2] = ["accepted.0", "accepted.1"];
/// Length of the head, in bytes.
const HEAD: usize = 44;
/// Length of the part of the head that precedes the check, in bytes.
const CHECKED: usize = 36;
/// When a file has reached this size, the other one is written as soon as it is free.
const FILE_BYTES: u64 = 16 << 20;

/// The open log of one channel.
pub(crate) struct AcceptedLog {
    files: [LogFile; 2],
    /// Index of the file that is being written.
    current: usize,
    nonce: [u8; 8],
    /// The number of the last record; 0 if there was none.
    last: u64,
}

/// An accepted envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Its number in the order of all envelopes.
    pub(crate) number: u64,
    /// The height of the ledger when it was accepted; no earlier block holds it.
    pub(crate) height: u64,
    /// The sequence of the configuration with which it was checked.
    pub(crate) sequence: u64,
    /// The envelope as it will be in a block.
    pub(crate) envelope: Vec<u8>,
}

struct LogFile {
    file: File,
    /// The position of the next record.
    end: u64,
    /// The number of the last record; 0 if there is none.
    last: u64,
}

impl AcceptedLog {
    /// True if there may be records in the folder of a channel.
    pub(crate) fn is_in(folder: &Path) -> bool {
        let holds = |name| std::fs::metadata(folder.join(name)).is_ok_and(|file| file.len() > 0);
        NAMES.into_iter().any(holds)
    }

    /// Opens or creates the log in the folder of a channel. Also returns its records in order;
    /// blocks may hold some of them already.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, Vec<Accepted>)> {
        let mut nonce = [0; 8];
        nonce.copy_from_slice(&random_nonce()[..8]);
        let mut files = Vec::new();
        let mut found: Vec<Accepted> = Vec::new();
        for name in NAMES {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let mut file = options.open(folder.join(name))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let (records, end) = read(&bytes);
            let last = records.last().map_or(0, |record| record.number);
            if last > found.last().map_or(0, |record| record.number) {
                nonce.copy_from_slice(&bytes[..8]);
                found.extend(records);
            } else {
                found.splice(..0, records);
            }
            files.push(LogFile { file, end, last });
        }
        // Flushes the folder, so that the files exist after a power failure.
        File::open(folder)?.sync_all()?;
        let files: [LogFile; 2] =
            files.try_into().map_err(|_| io::Error::other("a log has two files"))?;
        let current = usize::from(files[1].last > files[0].last);
        let last = files[current].last;
        Ok((Self { files, current, nonce, last }, found))
    }

    /// The number of the last record.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Writes envelopes to disk, each with the sequence of its configuration. Returns the number of
    /// the first one. Records up to `settled` may be overwritten. On an error, none of the
    /// envelopes is kept.
    pub(crate) fn append(
        &mut self,
        settled: u64,
        height: u64,
        envelopes: impl IntoIterator<Item = (u64, impl AsRef<[u8]>)>,
    ) -> io::Result<u64> {
        let first = self.last + 1;
        let (mut bytes, mut last) = (Vec::new(), self.last);
        for (sequence, envelope) in envelopes {
            last += 1;
            write(&mut bytes, self.nonce, [last, height, sequence], envelope.as_ref())?;
        }
        self.turn(settled)?;
        let LogFile { file, end, last: of_file } = &mut self.files[self.current];
        let written = file.write_all_at(&bytes, *end).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // The envelopes are refused. If the file cannot be truncated, later records overwrite
            // them.
            let _ = file.set_len(*end);
            return Err(error);
        }
        *end += bytes.len() as u64;
        (*of_file, self.last) = (last, last);
        Ok(first)
    }

    /// Empties the files. All records must be settled.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        for file in &mut self.files {
            file.cut()?;
            file.file.sync_all()?;
        }
        Ok(())
    }

    /// Makes every later write fail.
    #[cfg(test)]
    pub(crate) fn fail_writes(&mut self) -> io::Result<()> {
        for file in &mut self.files {
            file.file = File::open("/dev/null")?;
        }
        Ok(())
    }

    /// Returns to the beginning of a file if possible.
    fn turn(&mut self, settled: u64) -> io::Result<()> {
        let other = 1 - self.current;
        if self.last <= settled {
            let current = &mut self.files[self.current];
            // Overwriting is cheaper than letting the file grow again.
            if current.end > FILE_BYTES {
                current.cut()?
            } else {
                current.end = 0
            }
            if self.files[other].end > 0 {
                self.files[other].cut()?;
            }
        } else if self.files[self.current].end > FILE_BYTES && self.files[other].last <= settled {
            self.files[other].cut()?;
            self.current = other;
        }
        Ok(())
    }
}

impl LogFile {
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        (self.end, self.last) = (0, 0);
        Ok(())
    }
}

/// Adds a record; `numbers` are those in its head.
fn write(
    bytes: &mut Vec<u8>,
    nonce: [u8; 8],
    numbers: [u64; 3],
    envelope: &[u8],
) -> io::Result<()> {
    let length = u32::try_from(envelope.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the envelope is too large"))?;
    let at = bytes.len();
    bytes.extend_from_slice(&nonce);
    for number in numbers {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&length.to_be_bytes());
    let check = sha256_all([&bytes[at..], envelope]);
    bytes.extend_from_slice(&check[..HEAD - CHECKED]);
    bytes.extend_from_slice(envelope);
    Ok(())
}

/// Returns the records at the beginning of a file, and the position of their end.
fn read(bytes: &[u8]) -> (Vec<Accepted>, u64) {
    let (mut records, mut at) = (Vec::<Accepted>::new(), 0);
    let nonce = bytes.get(..8);
    while let Some((record, length)) = bytes.get(at..).and_then(read_record) {
        let follows = records.last().is_none_or(|last| record.number == last.number + 1);
        if !follows || bytes.get(at..at + 8) != nonce {
            break;
        }
        records.push(record);
        at += length;
    }
    (records, at as u64)
}

/// Reads one record. None if the bytes are not a complete record.
fn read_record(bytes: &[u8]) -> Option<(Accepted, usize)> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let number = |at: usize| {
        let digits = head.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_be_bytes(digits))
    };
    let (checked, check) = head.split_at_checked(CHECKED)?;
    let length = u32::from_be_bytes(checked.last_chunk().copied()?) as usize;
    let envelope = rest.get(..length)?;
    if sha256_all([checked, envelope])[..HEAD - CHECKED] != *check {
        return None;
    }
    let [number, height, sequence] = [number(8)?, number(16)?, number(24)?];
    Some((Accepted { number, height, sequence, envelope: envelope.to_vec() }, HEAD + length))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn envelopes(bodies: &[&[u8]]) -> Vec<(u64, Vec<u8>)> {
        bodies.iter().map(|body| (3, body.to_vec())).collect()
    }

    fn bodies(found: &[Accepted]) -> Vec<&[u8]> {
        found.iter().map(|record| record.envelope.as_slice()).collect()
    }

    fn open(folder: &tempfile::TempDir) -> (AcceptedLog, Vec<Accepted>) {
        AcceptedLog::open(folder.path()).unwrap()
    }

    #[test]
    fn what_was_appended_is_found_again_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!AcceptedLog::is_in(folder.path()));
        let (mut log, found) = open(&folder);
        assert!(found.is_empty() && !AcceptedLog::is_in(folder.path()));
        assert_eq!(log.append(0, 7, envelopes(&[b"a", b""])).unwrap(), 1);
        assert_eq!(log.append(0, 8, envelopes(&[b"c"])).unwrap(), 3);
        let (mut log, found) = open(&folder);
        assert!(AcceptedLog::is_in(folder.path()));
        assert_eq!(bodies(&found), [b"a".as_slice(), b"", b"c"]);
        let last = Accepted { number: 3, height: 8, sequence: 3, envelope: b"c".to_vec() };
        assert_eq!(found[2], last);
        assert_eq!(log.append(0, 9, envelopes(&[b"d"])).unwrap(), 4, "it goes on");
        assert_eq!(open(&folder).1.len(), 4);
        log.clear().unwrap();
        assert!(open(&folder).1.is_empty());
    }

    #[test]
    fn only_the_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        open(&folder);
        for name in NAMES {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_torn_tail_is_left_out_wherever_it_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(&folder);
        log.append(0, 0, envelopes(&[b"first"])).unwrap();
        let whole = log.files[0].end;
        log.append(0, 0, envelopes(&[b"second"])).unwrap();
        let path = folder.path().join(NAMES[0]);
        let bytes = std::fs::read(&path).unwrap();
        for length in whole..bytes.len() as u64 {
            std::fs::write(&path, &bytes[..length as usize]).unwrap();
            assert_eq!(bodies(&open(&folder).1), [b"first"], "{length}");
            // A power failure may leave zeros.
            let mut zeros = bytes[..length as usize].to_vec();
            zeros.resize(bytes.len() + 4096, 0);
            std::fs::write(&path, zeros).unwrap();
            let (mut log, found) = open(&folder);
            assert_eq!(bodies(&found), [b"first"], "{length} and zeros");
            log.append(0, 0, envelopes(&[b"other"])).unwrap();
            assert_eq!(bodies(&open(&folder).1), [b"first".as_slice(), b"other"], "{length}");
        }
    }

    #[test]
    fn a_changed_byte_ends_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(&folder);
        log.append(0, 0, envelopes(&[b"first", b"second"])).unwrap();
        let path = folder.path().join(NAMES[0]);
        let bytes = std::fs::read(&path).unwrap();
        for at in HEAD + 5..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert_eq!(bodies(&open(&folder).1), [b"first"], "{at}");
        }
    }

    #[test]
    fn a_settled_file_is_written_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(&folder);
        log.append(0, 0, envelopes(&[b"one", b"two", b"three"])).unwrap();
        let length = || std::fs::metadata(folder.path().join(NAMES[0])).unwrap().len();
        let before = length();
        log.append(2, 0, envelopes(&[b"four"])).unwrap();
        assert!(length() > before, "the third is not settled");
        assert_eq!(log.append(4, 0, envelopes(&[b"five"])).unwrap(), 5);
        assert_eq!(bodies(&open(&folder).1), [b"five"], "records behind it are of an earlier use");
        log.append(4, 0, envelopes(&[b"six"])).unwrap();
        assert_eq!(bodies(&open(&folder).1), [b"five".as_slice(), b"six"]);
    }

    #[test]
    fn the_files_take_turns_and_stay_bounded_while_something_is_always_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(&folder);
        let mut last = 0;
        for round in 0..200_u64 {
            // All records but the last one are settled.
            let large = vec![round as u8; 1 << 20];
            last = log.append(last.max(1) - 1, round, [(0, large)]).unwrap();
            let found = open(&folder).1;
            assert!(found.len() <= 40);
            assert_eq!(found.last().unwrap().number, last);
            assert!(found.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
        }
        assert_eq!(last, 200);
        let length = |name| std::fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(NAMES.into_iter().all(|name| length(name) <= FILE_BYTES + (2 << 20)));
    }

    #[test]
    fn an_envelope_cannot_pass_for_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(&folder);
        let forged = |number| {
            let mut bytes = vec![0; 10];
            write(&mut bytes, [7; 8], [number, 0, 0], b"forged").unwrap();
            bytes
        };
        log.append(0, 0, [(0, forged(3))]).unwrap();
        // The second record is as long as the part before the forged record was.
        log.append(1, 0, [(0, vec![1; 10])]).unwrap();
        assert_eq!(bodies(&open(&folder).1), [[1; 10]]);
    }

    #[test]
    fn a_full_disk_keeps_what_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(&folder);
        log.append(0, 0, envelopes(&[b"kept"])).unwrap();
        let writable = std::mem::replace(&mut log.files[0].file, File::open("/dev/full").unwrap());
        assert!(log.append(0, 0, envelopes(&[b"refused"])).is_err());
        log.files[0].file = writable;
        assert_eq!(bodies(&open(&folder).1), [b"kept"]);
        assert_eq!(log.append(0, 0, envelopes(&[b"next"])).unwrap(), 2);
        assert_eq!(bodies(&open(&folder).1), [b"kept".as_slice(), b"next"]);
    }
}
