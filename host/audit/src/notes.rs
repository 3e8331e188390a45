//! The notes of an audit in its work folder, from which it resumes after an interruption. The first
//! line describes the audit; then each block has one line of JSON.
//!
//! Invariant: a block's line is on disk before the block is in the followed ledger. So every block
//! of the ledger has its line, and lines above its height are ignored.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::finding::{BlockReport, Totals};

/// The description of the audit.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// The components with their hashes, and the options, written as flags.
    flags: Vec<String>,
}

/// The reason why notes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotesError {
    /// Reading or writing failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The operation.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The notes belong to another audit.
    #[error(
        "{} belongs to an audit with other components or options: use another folder, or the \
         same options\n  there: {found}\n  now:   {asked}",
        path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// The components and options of the audit in the folder.
        found: String,
        /// The components and options of this audit.
        asked: String,
    },
    /// Another version of this program wrote the notes.
    #[error(
        "{} belongs to an audit of another version: start again with an empty folder",
        path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
    },
    /// The notes do not fit the ledger beside them.
    #[error("{} is damaged: {reason}: start again with an empty folder", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The damage.
        reason: String,
    },
}

/// An open file of notes.
pub struct Notes {
    path: PathBuf,
    file: File,
}

impl Notes {
    /// Opens the notes of an audit whose ledger has `height` blocks; creates them if they are
    /// missing. Returns the statistics so far. Calls `on_block` for each block with findings.
    pub fn open(
        path: &Path,
        flags: &[String],
        height: u64,
        on_block: &mut dyn FnMut(BlockReport),
    ) -> Result<(Self, Totals), NotesError> {
        let io = |action| {
            let path = path.to_owned();
            move |source| NotesError::Io { action, path, source }
        };
        let damaged = |reason: String| NotesError::Damaged { path: path.to_owned(), reason };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(io("open"))?;
        let mut reader = BufReader::new(&file);
        let mut line = String::new();
        let (mut end, mut totals, mut next) = (0_u64, Totals::default(), 0_u64);
        let read = reader.read_line(&mut line).map_err(io("read"))?;
        if line.ends_with('\n') {
            let head: Head = serde_json::from_str(&line).map_err(|error| {
                // An intact line of another format.
                match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&line) {
                    Ok(_) => NotesError::OtherVersion { path: path.to_owned() },
                    Err(_) => damaged(format!("its first line cannot be read: {error}")),
                }
            })?;
            let is_same = head.flags == flags;
            // With height 0 the ledger holds nothing of another audit yet.
            if !is_same && height > 0 {
                let (found, asked) = (head.flags.join(" "), flags.join(" "));
                return Err(NotesError::Other { path: path.to_owned(), found, asked });
            }
            end = if is_same { read as u64 } else { 0 };
        }
        while end > 0 && next < height {
            line.clear();
            let read = reader.read_line(&mut line).map_err(io("read"))?;
            if !line.ends_with('\n') {
                break;
            }
            let report: BlockReport = serde_json::from_str(&line)
                .map_err(|error| damaged(format!("block {next} cannot be read: {error}")))?;
            if report.number != next {
                return Err(damaged(format!("block {} follows block {next}", report.number)));
            }
            totals.add(&report.totals);
            end += read as u64;
            next += 1;
            if !report.findings.is_empty() {
                on_block(report);
            }
        }
        if next < height {
            return Err(damaged(format!("it ends before block {next}, the ledger has {height}")));
        }
        drop(reader);
        file.set_len(end).map_err(io("shorten"))?;
        file.seek(SeekFrom::Start(end)).map_err(io("read"))?;
        let mut notes = Self { path: path.to_owned(), file };
        if end == 0 {
            notes.write(&Head { flags: flags.to_vec() })?;
        }
        Ok((notes, totals))
    }

    /// Adds a block. The line is on disk when this returns.
    pub fn add(&mut self, report: &BlockReport) -> Result<(), NotesError> {
        self.write(report)
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), NotesError> {
        let io = |source| NotesError::Io { action: "write", path: self.path.clone(), source };
        let mut bytes = serde_json::to_vec(line).map_err(|error| io(error.into()))?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).and_then(|()| self.file.sync_data()).map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(number: u64) -> BlockReport {
        let totals = Totals { blocks: 1, same: number, ..Totals::default() };
        BlockReport { number, totals, findings: Vec::new() }
    }

    fn open(path: &Path, flags: &str, height: u64) -> Result<(Notes, Totals), NotesError> {
        let flags: Vec<String> = flags.split(' ').map(str::to_owned).collect();
        Notes::open(path, &flags, height, &mut |_| {})
    }

    #[test]
    fn notes_go_on_at_the_height_of_the_ledger() {
        let dir = std::env::temp_dir().join(format!("wasmcc-notes-{}", std::process::id()));
        let path = dir.as_path();
        let _ = std::fs::remove_file(path);
        let (mut notes, totals) = open(path, "a", 0).unwrap();
        assert_eq!(totals, Totals::default());
        (0..4).for_each(|number| notes.add(&report(number)).unwrap());
        drop(notes);
        // The last block did not reach the ledger; its line is written again.
        let (mut notes, totals) = open(path, "a", 3).unwrap();
        assert_eq!((totals.blocks, totals.same), (3, 3));
        notes.add(&report(3)).unwrap();
        drop(notes);
        assert_eq!(open(path, "a", 4).unwrap().1.same, 6);
        let other = open(path, "b", 4).err().unwrap().to_string();
        assert!(other.contains("other components"), "{other}");
        let short = open(path, "a", 5).err().unwrap().to_string();
        assert!(short.contains("ends before block 4"), "{short}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn notes_of_another_version_are_not_called_damaged() {
        let dir = std::env::temp_dir().join(format!("wasmcc-version-{}", std::process::id()));
        let path = dir.as_path();
        let text = |line: &str| {
            std::fs::write(path, line).unwrap();
            open(path, "a", 0).err().unwrap().to_string()
        };
        let other = text("{\"components\":[\"vec\"]}\n");
        assert!(other.contains("of another version: start again with an empty"), "{other}");
        let damaged = text("{\"components\":[\n");
        assert!(damaged.contains("is damaged: its first line cannot be read"), "{damaged}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn notes_of_another_audit_are_told_apart_by_its_flags() {
        let dir = std::env::temp_dir().join(format!("wasmcc-flags-{}", std::process::id()));
        let path = dir.as_path();
        let _ = std::fs::remove_file(path);
        open(path, "--fuel=1", 0).map(drop).unwrap();
        // No block was audited yet, so another audit may use the folder.
        let (mut notes, _) = open(path, "--fuel=2 --no-rich-queries", 0).unwrap();
        notes.add(&report(0)).unwrap();
        drop(notes);
        let error = open(path, "--fuel=3", 1).err().unwrap().to_string();
        let shown = "\n  there: --fuel=2 --no-rich-queries\n  now:   --fuel=3";
        assert!(error.ends_with(shown), "{error}");
        std::fs::remove_file(path).unwrap();
    }
}
