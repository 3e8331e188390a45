//! The state database: one table per channel, rows of bytes in byte order, atomic batches.
//!
//! Blocks are not in it (see `block_file`), so it may lose its newest batches in a crash as long as
//! it loses them whole and in order: they are made again from the blocks.
//!
//! Invariant: the only file that names sled; knows nothing of what the rows mean.

use std::fs::File;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use crate::ledger::error::LedgerError;

/// Milliseconds between flushes in the background. They only bound how many blocks are applied
/// again after a crash.
const FLUSH_EVERY_MS: u64 = 1000;

/// How often and how long to wait for the lock of a database that this process is just closing:
/// sled lets go of its file from a background thread.
const LOCK_RETRIES: u32 = 20;
const LOCK_WAIT: Duration = Duration::from_millis(25);

/// An open state database.
pub(crate) struct Database {
    db: sled::Db,
    temporary: bool,
}

/// The rows of one channel. Clones are the same table.
#[derive(Clone)]
pub(crate) struct Table {
    tree: sled::Tree,
    temporary: bool,
}

/// Changes that are applied together or not at all.
#[derive(Default)]
pub(crate) struct Batch {
    batch: sled::Batch,
}

/// Rows of a range, in byte order from either end.
pub(crate) struct Rows {
    rows: sled::Iter,
}

/// Key and value of one row.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

impl Database {
    /// Opens or makes the database in folder `dir`; a temporary one is never flushed and goes away
    /// when dropped.
    pub(crate) fn open(dir: &Path, cache_bytes: u64, temporary: bool) -> Result<Self, LedgerError> {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            .mode(sled::Mode::HighThroughput)
            .flush_every_ms((!temporary).then_some(FLUSH_EVERY_MS))
            .temporary(temporary);
        let mut tries = 0;
        loop {
            match config.open() {
                Ok(db) => return Ok(Self { db, temporary }),
                Err(error) if is_locked(&error) && tries < LOCK_RETRIES => {
                    tries += 1;
                    std::thread::sleep(LOCK_WAIT);
                }
                Err(error) if is_locked(&error) => {
                    return Err(LedgerError::Locked { dir: dir.to_owned() });
                }
                Err(error) => return Err(failed("open")(error)),
            }
        }
    }

    /// The table of a channel, empty if it is new.
    pub(crate) fn table(&self, name: &str) -> Result<Table, LedgerError> {
        let tree = self.db.open_tree(name).map_err(failed("open a table"))?;
        Ok(Table { tree, temporary: self.temporary })
    }

    /// Whether there is a table of a channel.
    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.db.tree_names().iter().any(|table| table == name.as_bytes())
    }

    /// Removes the table of a channel and all its rows, if it is there.
    pub(crate) fn drop_table(&self, name: &str) -> Result<(), LedgerError> {
        self.db.drop_tree(name).map(drop).map_err(failed("remove a table"))
    }

    /// Brings everything that was applied to disk.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        self.db.flush().map(drop).map_err(failed("flush"))
    }

    /// Waits until a database that this process has dropped is really closed. Only then may its
    /// folder be moved: until then background threads may still write files into it, by name.
    pub(crate) fn wait_until_closed(dir: &Path) -> Result<(), LedgerError> {
        let path = dir.join("db");
        let io = |source| LedgerError::Io { action: "lock", path: path.clone(), source };
        for _ in 0..LOCK_RETRIES {
            let file = match File::open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                file => file.map_err(io)?,
            };
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_WAIT),
                Err(TryLockError::Error(error)) => return Err(io(error)),
            }
        }
        Err(LedgerError::Locked { dir: dir.to_owned() })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Not flushed is not lost: the blocks are the truth. A flush saves applying them again.
        if !self.temporary
            && let Err(error) = self.db.flush()
        {
            tracing::warn!(%error, "the state database was not flushed at closing");
        }
    }
}

impl Table {
    /// Gives the value of a row to `read`; None if there is no such row.
    pub(crate) fn get<T>(
        &self,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        let value = self.tree.get(key).map_err(failed("read"))?;
        value.map(|value| read(&value)).transpose()
    }

    /// Whether there is such a row.
    pub(crate) fn contains(&self, key: &[u8]) -> Result<bool, LedgerError> {
        self.tree.contains_key(key).map_err(failed("read"))
    }

    /// The rows from `start` up to but without `end`; none if `end` is not after `start`.
    pub(crate) fn range(&self, start: &[u8], end: &[u8]) -> Rows {
        Rows { rows: self.tree.range(start..end) }
    }

    /// All rows.
    pub(crate) fn rows(&self) -> Rows {
        Rows { rows: self.tree.iter() }
    }

    /// Removes all rows. Not atomic.
    pub(crate) fn clear(&self) -> Result<(), LedgerError> {
        self.tree.clear().map_err(failed("clear a table"))
    }

    /// Applies a batch. Readers see all of it or nothing.
    pub(crate) fn apply(&self, batch: Batch) -> Result<(), LedgerError> {
        self.tree.apply_batch(batch.batch).map_err(failed("write"))
    }

    /// Brings everything that was applied to any table of the database to disk, unless it is
    /// temporary.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        if self.temporary {
            return Ok(());
        }
        self.tree.flush().map(drop).map_err(failed("flush"))
    }
}

impl Batch {
    /// Sets a row.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.batch.insert(key, value);
    }

    /// Removes a row, if it is there.
    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.batch.remove(key);
    }
}

impl Rows {
    /// The next row, its value as `read` makes it of the bytes.
    pub(crate) fn next_as<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Result<T, LedgerError>,
    ) -> Option<Result<(Vec<u8>, T), LedgerError>> {
        let row = self.rows.next()?.map_err(failed("read"));
        Some(row.and_then(|(key, value)| Ok((key.to_vec(), read(&value)?))))
    }
}

impl Iterator for Rows {
    type Item = Result<Row, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next().map(row)
    }
}

impl DoubleEndedIterator for Rows {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.rows.next_back().map(row)
    }
}

fn row(row: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Row, LedgerError> {
    row.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(failed("read"))
}

fn failed(action: &'static str) -> impl FnOnce(sled::Error) -> LedgerError {
    move |error| LedgerError::Store { action, source: Box::new(error) }
}

/// sled wraps the operating system's refusal into an error of kind `Other`; only its text tells.
fn is_locked(error: &sled::Error) -> bool {
    match error {
        sled::Error::Io(error) => {
            error.kind() == ErrorKind::WouldBlock
                || error.to_string().contains("could not acquire lock")
        }
        _ => false,
    }
}
