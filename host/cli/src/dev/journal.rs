//! The log file of a network: its output and the log lines of contracts, one JSON object a line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::output;

/// Size in bytes at which the file is renamed; it then replaces the older one.
const BYTES: u64 = 16 << 20;

/// The subject of an entry.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Transaction,
    Log,
    Network,
}

/// One line of the file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    /// Milliseconds since 1970.
    pub(super) time: u64,
    pub(super) kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) chaincode: Option<String>,
    pub(super) text: String,
}

/// Writes the file.
pub(crate) struct Journal {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl Journal {
    /// Continues at the end of the file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        Ok(Self { path: path.to_owned(), file: Some(file), bytes })
    }

    /// Writes an entry. Errors, such as a full disk, are ignored: the network must not depend on
    /// the log.
    pub(super) fn write(&mut self, kind: Kind, chaincode: Option<&str>, text: &str) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let entry = Entry { time, kind, chaincode: chaincode.map(Into::into), text: text.into() };
        let Ok(mut line) = serde_json::to_vec(&entry) else { return };
        line.push(b'\n');
        if self.bytes + line.len() as u64 > BYTES {
            self.begin_anew();
        }
        if let Some(file) = &mut self.file
            && file.write_all(&line).is_ok()
        {
            self.bytes += line.len() as u64;
        }
    }

    fn begin_anew(&mut self) {
        let older = self.path.with_extension("old");
        self.file = None;
        if fs::rename(&self.path, older).is_ok() {
            self.file = File::options().create(true).append(true).open(&self.path).ok();
            self.bytes = 0;
        }
    }
}

/// Reads the file as it grows.
pub(super) struct Reader {
    path: PathBuf,
    at: u64,
}

impl Reader {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), at: 0 }
    }

    /// Returns the complete lines written since the last call.
    pub(super) fn read(&mut self) -> Result<Vec<Entry>> {
        let Ok(mut file) = File::open(&self.path) else { return Ok(Vec::new()) };
        let cannot = || format!("cannot read {}", self.path.display());
        let length = file.metadata().with_context(cannot)?.len();
        if length < self.at {
            // The file was replaced.
            self.at = 0;
        }
        file.seek(SeekFrom::Start(self.at)).with_context(cannot)?;
        let mut lines = BufReader::new(file.take(length - self.at));
        let mut entries = Vec::new();
        loop {
            let mut line = Vec::new();
            lines.read_until(b'\n', &mut line).with_context(cannot)?;
            if line.last() != Some(&b'\n') {
                return Ok(entries);
            }
            self.at += line.len() as u64;
            // Lines that cannot be parsed are from another version of this program.
            entries.extend(serde_json::from_slice::<Entry>(&line));
        }
    }
}

impl Entry {
    /// Formats an entry: the time of day in UTC, and the text.
    pub(super) fn shown(&self) -> String {
        let seconds = self.time / 1_000;
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        let text: Vec<String> = self.text.lines().map(output::shown).collect();
        format!("{hour:02}:{minute:02}:{second:02}.{:03} {}", self.time % 1_000, text.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_what_is_appended_and_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut reader = Reader::new(&path);
        assert!(reader.read().unwrap().is_empty());
        let mut journal = Journal::open(&path).unwrap();
        journal.write(Kind::Log, Some("basic"), "one\ntwo");
        let [entry] = &reader.read().unwrap()[..] else { panic!("one entry") };
        assert_eq!((entry.kind, entry.chaincode.as_deref()), (Kind::Log, Some("basic")));
        assert!(entry.shown().ends_with(" one\ntwo"), "{}", entry.shown());
        assert!(reader.read().unwrap().is_empty());
        // An incomplete line is left for the next call.
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"{\"time\":1,\"kind\":\"network\"").unwrap();
        assert!(reader.read().unwrap().is_empty());
        file.write_all(b",\"text\":\"x\"}\nnonsense\n").unwrap();
        assert_eq!(reader.read().unwrap().len(), 1);
        assert!(reader.read().unwrap().is_empty());
    }

    #[test]
    fn a_large_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut journal = Journal::open(&path).unwrap();
        journal.write(Kind::Network, None, "first");
        let mut reader = Reader::new(&path);
        assert_eq!(reader.read().unwrap().len(), 1);
        journal.bytes = BYTES;
        journal.write(Kind::Network, None, "2");
        assert_eq!(reader.read().unwrap()[0].text, "2");
        assert!(folder.path().join("log.old").exists() || path.with_extension("old").exists());
    }
}
