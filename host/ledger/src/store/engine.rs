//! An open sled database, and the thread that flushes and closes it.
//!
//! After a failed write, sled 0.34 may wait for ever. If a value needs a file of its own (a blob)
//! and cannot get it, a buffer is never written. Every later flush waits for that buffer. A write
//! that fails in the background wakes only some of its waiters. sled also flushes whenever a handle
//! is dropped.
//!
//! Therefore a separate thread flushes and closes, and callers wait for it with a time limit. After
//! a failure it gets no more jobs. A database that does not close stays open until the process
//! ends.
//!
//! Invariant: `flush` and drop return within their limits. Neither creates a thread or a file.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::LedgerError;
use crate::store::disk::{self, attempt};
use crate::store::leftovers;

/// Milliseconds between flushes in the background. They limit how many blocks are applied again
/// after a crash.
const FLUSH_EVERY_MS: u64 = 1000;

/// Retries, and the time between them, for the lock of a database that this process is closing:
/// sled releases its file from a background thread.
pub(crate) const LOCK_RETRIES: u32 = 20;
pub(crate) const LOCK_WAIT: Duration = Duration::from_millis(25);

/// A smaller cache costs more than it saves, and sled panics below 256 bytes.
const LEAST_CACHE_BYTES: u64 = 1 << 20;

/// Time limit of a flush, and the interval at which failures are checked.
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
const FLUSH_LOOK: Duration = Duration::from_secs(1);
/// Time limit of closing.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// Longest row and longest key for which no page can need a blob.
const SMALL_ROW: usize = 4096;
const SMALL_KEY: usize = 400;
/// Space that must be free in addition to the written bytes: the rest of a page.
const SPARE: usize = 128 << 10;

/// The open database.
pub(crate) struct Engine {
    /// None only while the engine is dropped.
    db: Option<sled::Db>,
    jobs: Sender<EngineJob>,
    failed: AtomicBool,
    /// True if blobs may exist.
    blobs: AtomicBool,
    temporary: bool,
    dir: PathBuf,
}

enum EngineJob {
    Flush(sled::Db, SyncSender<sled::Result<()>>),
    Close(sled::Db, SyncSender<()>),
}

impl Engine {
    /// Opens the database in a folder, and creates it if it is missing.
    pub(crate) fn open(dir: &Path, cache_bytes: u64, temporary: bool) -> Result<Self, LedgerError> {
        let blobs = dir.join("blobs");
        disk::make_folder(dir)?;
        if !temporary {
            leftovers::remove(dir)?;
        }
        disk::make_folder(&blobs)?;
        // sled creates files that all users can read, but keeps the mode of existing ones.
        disk::open_file(&dir.join("db")).map_err(disk::io("open", dir))?;
        let db = open_sled(dir, cache_bytes, temporary)?;
        let (jobs, todo) = channel();
        let mut synced = (!temporary).then(|| SyncedBlobs::new(blobs.clone()));
        let keeper = thread::Builder::new().name("ledger-flush".to_owned());
        let started = keeper.spawn(move || work(&todo, &mut synced));
        started.map_err(disk::io("start a thread for", dir))?;
        let blobs = fs::read_dir(&blobs).is_ok_and(|mut blobs| blobs.next().is_some());
        Ok(Self {
            db: Some(db),
            jobs,
            failed: AtomicBool::new(false),
            blobs: AtomicBool::new(blobs),
            temporary,
            dir: dir.to_owned(),
        })
    }

    pub(crate) fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("set until this is dropped")
    }

    /// True if writes no longer reach the disk.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire) || self.db().context.global_error().is_err()
    }

    /// Marks the database as failed.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Makes sure that a blob could be written, because sled cannot handle a failure there. Called
    /// before `bytes` are written; `longest` has the lengths of the longest key and row.
    pub(crate) fn check_room(
        &self,
        bytes: usize,
        longest: (usize, usize),
    ) -> Result<(), LedgerError> {
        attempt("write rows").map_err(disk::io("write", &self.dir))?;
        if self.has_failed() {
            return Err(self.failure("write"));
        }
        if self.temporary {
            return Ok(());
        }
        let (key, row) = longest;
        if key > SMALL_KEY || row > SMALL_ROW {
            self.blobs.store(true, Ordering::Relaxed);
        }
        if !self.blobs.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.try_room(bytes.saturating_add(SPARE))
    }

    /// Tries to create a file of `bytes` bytes.
    pub(crate) fn try_room(&self, bytes: usize) -> Result<(), LedgerError> {
        let tried = tempfile::tempfile_in(&self.dir).and_then(|mut file| {
            let zeros = [0; 64 << 10];
            let mut left = bytes;
            while left > 0 {
                let part = left.min(zeros.len());
                file.write_all(&zeros[..part])?;
                left -= part;
            }
            Ok(())
        });
        tried.map_err(disk::io("write to", &self.dir))
    }

    /// Flushes all applied batches.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        attempt("flush rows").map_err(disk::io("flush", &self.dir))?;
        if self.has_failed() {
            return Err(self.failure("flush"));
        }
        let (done, flushed) = sync_channel(1);
        let mut waited = Duration::ZERO;
        let asked = self.jobs.send(EngineJob::Flush(self.db().clone(), done));
        let outcome = loop {
            match flushed.recv_timeout(FLUSH_LOOK) {
                Ok(outcome) => break outcome.map_err(|error| self.error("flush", error)),
                Err(RecvTimeoutError::Timeout) if waited < FLUSH_LIMIT => {
                    waited += FLUSH_LOOK;
                    if self.db().context.global_error().is_err() {
                        // Does not block, and wakes a waiter that sled would leave waiting.
                        drop(self.db().flush());
                    }
                }
                Err(_) => break Err(self.failure("flush")),
            }
        };
        drop(asked);
        outcome.inspect_err(|_| self.fail())
    }

    /// Converts an error of sled.
    pub(crate) fn error(&self, action: &'static str, error: sled::Error) -> LedgerError {
        convert(action, &self.dir, error)
    }

    fn failure(&self, action: &'static str) -> LedgerError {
        match self.db().context.global_error() {
            Err(error) => self.error(action, error),
            Ok(()) => {
                let text = "it failed before, or does not answer; it must be opened again";
                LedgerError::Store { action, source: text.into() }
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        let (done, closed) = sync_channel(1);
        if let Err(refused) = self.jobs.send(EngineJob::Close(db, done)) {
            // The thread panicked. Dropping the database here might block for ever, so it stays
            // open until the process ends.
            std::mem::forget(refused);
        } else if closed.recv_timeout(CLOSE_LIMIT).is_ok() {
            return;
        }
        let (dir, limit) = (self.dir.display(), CLOSE_LIMIT.as_secs());
        tracing::warn!(
            %dir,
            "the database did not close within {limit} s and stays open until the process ends; \
             unwritten data are restored from the blocks"
        );
    }
}

/// Runs the thread's loop. One flush answers all requests that arrived before it began.
fn work(todo: &Receiver<EngineJob>, blobs: &mut Option<SyncedBlobs>) {
    while let Ok(job) = todo.recv() {
        let mut waiting = Vec::new();
        let mut close = None;
        for job in std::iter::once(job).chain(todo.try_iter()) {
            match job {
                EngineJob::Flush(db, done) => waiting.push((db, done)),
                EngineJob::Close(db, done) => close = Some((db, done)),
            }
        }
        if let Some((db, _)) = waiting.first() {
            let synced = blobs.as_mut().map_or(Ok(()), SyncedBlobs::sync);
            let flushed = synced.map_err(sled::Error::Io).and_then(|()| db.flush()).map(drop);
            for (db, done) in waiting {
                drop(db);
                // The receiver is gone if its caller gave up waiting.
                drop(done.send(flushed.clone()));
            }
        }
        if let Some((db, done)) = close {
            drop(db);
            let _ = done.send(());
            return;
        }
    }
}

/// The blobs that are flushed: sled writes them, but never flushes them.
struct SyncedBlobs {
    dir: PathBuf,
    seen: Option<SystemTime>,
    names: HashSet<OsString>,
}

impl SyncedBlobs {
    fn new(dir: PathBuf) -> Self {
        Self { dir, seen: None, names: HashSet::new() }
    }

    /// Flushes new blobs.
    fn sync(&mut self) -> io::Result<()> {
        let changed = fs::metadata(&self.dir)?.modified()?;
        if self.seen == Some(changed) {
            return Ok(());
        }
        let mut names = HashSet::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            if !self.names.contains(&name) {
                match File::open(self.dir.join(&name)) {
                    Ok(blob) => blob.sync_data()?,
                    // It was removed in the meantime, because nothing refers to it any more.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
            }
            names.insert(name);
        }
        File::open(&self.dir)?.sync_all()?;
        // A blob that is created during this scan changes the folder's time again.
        (self.seen, self.names) = (Some(changed), names);
        Ok(())
    }
}

fn open_sled(dir: &Path, cache_bytes: u64, temporary: bool) -> Result<sled::Db, LedgerError> {
    // sled panics in this case.
    if SystemTime::now() < UNIX_EPOCH {
        let source = "the clock of this machine is set to a time before 1970".into();
        return Err(LedgerError::Store { action: "open", source });
    }
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(cache_bytes.max(LEAST_CACHE_BYTES))
        .mode(sled::Mode::HighThroughput)
        .flush_every_ms((!temporary).then_some(FLUSH_EVERY_MS))
        .temporary(temporary);
    let mut tries = 0;
    loop {
        attempt("open a database").map_err(disk::io("open", dir))?;
        // sled panics on some kinds of damage.
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| config.open()));
        let Ok(opened) = opened else {
            let source = "it is so damaged that reading it panics".into();
            return Err(LedgerError::Store { action: "open", source });
        };
        match opened {
            Ok(db) => return Ok(db),
            Err(error) if is_locked(&error) && tries < LOCK_RETRIES => {
                tries += 1;
                thread::sleep(LOCK_WAIT);
            }
            Err(error) if is_locked(&error) => {
                return Err(LedgerError::Locked { dir: dir.to_owned() });
            }
            Err(error) => return Err(convert("open", dir, error)),
        }
    }
}

/// Converts an error of sled. An error of the operating system is not damage.
fn convert(action: &'static str, dir: &Path, error: sled::Error) -> LedgerError {
    match error {
        sled::Error::Io(source) => LedgerError::Io { action, path: dir.to_owned(), source },
        error => LedgerError::Store { action, source: Box::new(error) },
    }
}

/// sled wraps the operating system's error into an error of kind `Other`; only the text identifies
/// it.
fn is_locked(error: &sled::Error) -> bool {
    match error {
        sled::Error::Io(error) => {
            error.kind() == ErrorKind::WouldBlock
                || error.to_string().contains("could not acquire lock")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_of_any_size_opens() {
        for cache_bytes in [0, 255, u64::MAX] {
            let dir = tempfile::tempdir().unwrap();
            Engine::open(dir.path(), cache_bytes, true).unwrap();
        }
    }
}
