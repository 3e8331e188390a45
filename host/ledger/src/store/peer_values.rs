//! Values of the peer that are independent of channels, such as installed packages: one file each.
//!
//! They are not rows of the state database: a package may be large, and it must survive the loss of
//! the state, which can be rebuilt from the blocks.
//!
//! Intended for few values: there is no index, and listing reads the folder.

use std::fs;
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::LedgerError;
use crate::store::disk::{self, attempt, io};

/// Longest file name that every file system accepts, minus the suffix of an unfinished file.
const MAX_NAME: usize = 240;

/// The suffix of an unfinished file. Encoded keys do not contain '~'.
const UNFINISHED: &str = "~new";

/// A folder of values by name.
pub(crate) struct PeerValues {
    dir: PathBuf,
}

impl PeerValues {
    /// Opens the folder, creates it if it is missing, and removes the remains of an interrupted
    /// `put`.
    pub(crate) fn open(dir: &Path) -> Result<Self, LedgerError> {
        disk::make_folder(dir)?;
        let values = Self { dir: dir.to_owned() };
        for name in values.names()? {
            if name.ends_with(UNFINISHED) {
                let path = dir.join(name);
                disk::remove(&path)?;
            }
        }
        Ok(values)
    }

    /// Sets a value. It is on disk when this returns. After an interruption, the old value stays.
    pub(crate) fn put(&self, key: &str, value: &[u8]) -> Result<(), LedgerError> {
        let name = file_name(key)?;
        let path = self.dir.join(&name);
        let unfinished = self.dir.join(name + UNFINISHED);
        let mut file = disk::create_file(&unfinished).map_err(io("make", &unfinished))?;
        let written = attempt("write a value").and_then(|()| file.write_all(value));
        written.map_err(io("write", &unfinished))?;
        let flushed = attempt("flush a value").and_then(|()| file.sync_all());
        flushed.map_err(io("flush", &unfinished))?;
        disk::rename(&unfinished, &path)?;
        disk::flush_folder(&self.dir)
    }

    /// Returns a value; None if it does not exist.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = self.dir.join(file_name(key)?);
        match fs::read(&path) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("read", &path)(error)),
        }
    }

    /// Returns the lines of a value; empty if it does not exist. `expected` describes the lines
    /// that `parse` accepts, for errors. The last line must have an end, too.
    pub(crate) fn lines<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let value = self.get(key)?.unwrap_or_default();
        let lines = value.split_inclusive(|byte| *byte == b'\n').zip(1..);
        let read = |(line, number): (&[u8], usize)| {
            let line = line.strip_suffix(b"\n").and_then(|line| str::from_utf8(line).ok());
            line.and_then(&parse).ok_or_else(|| {
                let text = format!("it is damaged: line {number} is not {expected}");
                Error::new(ErrorKind::InvalidData, text)
            })
        };
        let path = self.dir.join(file_name(key)?);
        lines.map(read).collect::<Result<_, _>>().map_err(io("read", &path))
    }

    /// Removes a value, if it exists.
    pub(crate) fn remove(&self, key: &str) -> Result<(), LedgerError> {
        disk::remove(&self.dir.join(file_name(key)?))?;
        disk::flush_folder(&self.dir)
    }

    /// Returns the names that start with `prefix`, sorted.
    pub(crate) fn keys(&self, prefix: &str) -> Result<Vec<String>, LedgerError> {
        let names = self.names()?;
        let keys = names.iter().filter_map(|name| key_of(name));
        let mut keys: Vec<_> = keys.filter(|key| key.starts_with(prefix)).collect();
        keys.sort_unstable();
        Ok(keys)
    }

    fn names(&self) -> Result<Vec<String>, LedgerError> {
        let entries = fs::read_dir(&self.dir).map_err(io("list", &self.dir))?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect::<Result<_, _>>().map_err(io("list", &self.dir))
    }
}

/// Encodes a key as a file name: letters, digits, '-', '_' and '.' are unchanged, except a leading
/// '.'; every other byte becomes %XX.
fn file_name(key: &str) -> Result<String, LedgerError> {
    let refused = |reason| LedgerError::PeerKey { key: key.chars().take(64).collect(), reason };
    let mut name = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'.' if name.is_empty() => name.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(byte.into()),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    match name.len() {
        0 => Err(refused("it is empty")),
        length if length > MAX_NAME => Err(refused("it is too long for a file name")),
        _ => Ok(name),
    }
}

/// Returns the key of a file name; None for files of other origin.
fn key_of(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    let key = String::from_utf8(bytes).ok()?;
    (file_name(&key).ok()? == name).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_by_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let values = PeerValues::open(dir.path()).unwrap();
        let keys = [".hidden", "..", "a/b", "package/basic_1:ab%41", "é~new", "z"];
        for key in keys {
            values.put(key, key.as_bytes()).unwrap();
        }
        fs::write(dir.path().join("half~new"), b"x").unwrap();
        let values = PeerValues::open(dir.path()).unwrap();
        assert_eq!(values.keys("").unwrap().len(), keys.len());
        for key in keys {
            assert_eq!(values.get(key).unwrap(), Some(key.as_bytes().to_vec()));
        }
        assert_eq!(values.keys("package/").unwrap(), ["package/basic_1:ab%41"]);
        values.put("z", b"other").unwrap();
        assert_eq!(values.get("z").unwrap(), Some(b"other".to_vec()));
        values.remove("z").unwrap();
        values.remove("z").unwrap();
        assert_eq!(values.get("z").unwrap(), None);
    }

    #[test]
    fn a_value_whose_lines_are_damaged_is_refused_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let values = PeerValues::open(dir.path()).unwrap();
        let lines = || values.lines("numbers", "a number", |line| line.parse::<u8>().ok());
        assert_eq!(lines().unwrap(), [0_u8; 0]);
        for (value, damaged) in [
            ("", None),
            ("1\n2\n", None),
            ("1\n2", Some(2)),
            ("1\n\n3\n", Some(2)),
            ("x\n", Some(1)),
        ] {
            values.put("numbers", value.as_bytes()).unwrap();
            let Some(number) = damaged else {
                assert_eq!(lines().unwrap().len(), value.lines().count());
                continue;
            };
            let error = lines().unwrap_err();
            assert!(error.to_string().ends_with("numbers"), "{error}");
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(cause, format!("it is damaged: line {number} is not a number"));
        }
        values.put("numbers", b"1\n\xff\n").unwrap();
        assert!(lines().is_err());
    }

    #[test]
    fn names_that_cannot_be_kept_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let values = PeerValues::open(dir.path()).unwrap();
        assert!(values.put("", b"").is_err());
        assert!(values.put(&"a".repeat(240), b"").is_ok());
        assert!(values.put(&"a".repeat(241), b"").is_err());
    }
}
