//! The state database: one table per channel, rows of bytes in byte order, atomic batches.
//!
//! A crash may lose the newest batches, as long as it loses whole batches in order: they are
//! restored from the blocks (see `block_file`).
//!
//! A database that failed to write once can never write again (`Database::has_failed`). It is
//! opened again underneath its tables. Until they are released, only the thread that opened it can
//! use them.
//!
//! Does not interpret the rows.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::thread::{self, ThreadId};

use crate::error::LedgerError;
use crate::store::engine::{Engine, LOCK_RETRIES, LOCK_WAIT};

/// Free space that is required to open a database again, in bytes.
const ROOM_TO_OPEN: usize = 1 << 20;

/// An open state database.
pub(crate) struct Database {
    dir: PathBuf,
    cache_bytes: u64,
    temporary: bool,
    /// None if it could not be opened again.
    engine: Mutex<Option<Arc<Engine>>>,
    tables: Mutex<Vec<Weak<TableSlot>>>,
}

/// The rows of one channel. Clones are handles of the same table.
#[derive(Clone)]
pub(crate) struct Table {
    slot: Arc<TableSlot>,
}

/// The shared part of a table's handles.
struct TableSlot {
    name: String,
    temporary: bool,
    state: RwLock<TableSlotState>,
}

struct TableSlotState {
    open: Option<OpenTable>,
    /// The only thread that may use the table: its database was opened again, and the table is not
    /// recovered yet.
    only_for: Option<ThreadId>,
}

#[derive(Clone)]
struct OpenTable {
    // Fields are dropped in this order: the tree before its database.
    tree: sled::Tree,
    engine: Arc<Engine>,
}

/// Changes that are applied atomically.
#[derive(Default)]
pub(crate) struct Batch {
    batch: sled::Batch,
    bytes: usize,
    longest_key: usize,
    longest_row: usize,
}

/// Rows of a range, in byte order from both ends.
pub(crate) struct TableRows {
    /// The rows, or the error to return instead.
    rows: Result<sled::Iter, Option<LedgerError>>,
    engine: Option<Arc<Engine>>,
}

/// Key and value of one row.
pub(crate) type TableRow = (Vec<u8>, Vec<u8>);

impl Database {
    /// Opens the database in folder `dir`, and creates it if it is missing. A temporary one is
    /// never flushed, and is removed when dropped.
    pub(crate) fn open(dir: &Path, cache_bytes: u64, temporary: bool) -> Result<Self, LedgerError> {
        let engine = Engine::open(dir, cache_bytes, temporary)?;
        Ok(Self {
            dir: dir.to_owned(),
            cache_bytes,
            temporary,
            engine: Mutex::new(Some(Arc::new(engine))),
            tables: Mutex::default(),
        })
    }

    /// Returns the table of a channel; a new one is empty.
    pub(crate) fn table(&self, name: &str) -> Result<Table, LedgerError> {
        let mut tables = lock(&self.tables);
        tables.retain(|table| table.strong_count() > 0);
        let known = tables.iter().filter_map(Weak::upgrade).find(|slot| slot.name == name);
        if let Some(slot) = known {
            return Ok(Table { slot });
        }
        let open = Some(open_table(&self.engine()?, name)?);
        let state = RwLock::new(TableSlotState { open, only_for: None });
        let slot = TableSlot { name: name.to_owned(), temporary: self.temporary, state };
        let slot = Arc::new(slot);
        tables.push(Arc::downgrade(&slot));
        Ok(Table { slot })
    }

    /// Returns the names of all tables.
    pub(crate) fn table_names(&self) -> Result<Vec<String>, LedgerError> {
        let names = self.engine()?.db().tree_names();
        Ok(names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// True if a channel has a table.
    pub(crate) fn has_table(&self, name: &str) -> bool {
        let is_named = |table: &sled::IVec| table == name.as_bytes();
        self.engine().is_ok_and(|engine| engine.db().tree_names().iter().any(is_named))
    }

    /// Removes the table of a channel with all rows, if it exists. No handle to it may exist.
    pub(crate) fn drop_table(&self, name: &str) -> Result<(), LedgerError> {
        let engine = self.engine()?;
        engine.check_room(0, (0, 0))?;
        let dropped = engine.db().drop_tree(name).map(drop);
        dropped.map_err(|error| engine.error("remove a table", error))
    }

    /// Flushes all applied batches.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        if self.temporary { Ok(()) } else { self.engine()?.flush() }
    }

    /// True if a write failed, so that the database must be opened again.
    pub(crate) fn has_failed(&self) -> bool {
        self.engine().is_ok_and(|engine| engine.has_failed()) || lock(&self.engine).is_none()
    }

    /// Opens the database again underneath its tables, from the files on disk. Only this thread can
    /// use the tables until `Table::release`.
    ///
    /// Errors: `Locked` while a reader still uses it; retry later. `Io` if the disk is full; the
    /// database can still be read then.
    pub(crate) fn open_again(&self) -> Result<(), LedgerError> {
        if let Ok(engine) = self.engine() {
            engine.try_room(ROOM_TO_OPEN)?;
        }
        let tables = lock(&self.tables);
        let slots: Vec<_> = tables.iter().filter_map(Weak::upgrade).collect();
        for slot in &slots {
            let mut state = slot.state.write().unwrap_or_else(PoisonError::into_inner);
            (state.open, state.only_for) = (None, Some(thread::current().id()));
        }
        let mut engine = lock(&self.engine);
        drop(engine.take());
        if !self.temporary {
            Self::wait_until_closed(&self.dir)?;
        }
        let opened = Arc::new(Engine::open(&self.dir, self.cache_bytes, self.temporary)?);
        for slot in &slots {
            let mut state = slot.state.write().unwrap_or_else(PoisonError::into_inner);
            state.open = Some(open_table(&opened, &slot.name)?);
        }
        *engine = Some(opened);
        Ok(())
    }

    /// Waits until a database that this process has dropped is closed. Its folder must not be moved
    /// before: background threads may still write files into it, by name.
    pub(crate) fn wait_until_closed(dir: &Path) -> Result<(), LedgerError> {
        let path = dir.join("db");
        let io = |source| LedgerError::Io { action: "lock", path: path.clone(), source };
        for _ in 0..LOCK_RETRIES {
            let file = match File::open(&path) {
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    return Ok(());
                }
                file => file.map_err(io)?,
            };
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_WAIT),
                Err(TryLockError::Error(error)) => return Err(io(error)),
            }
        }
        Err(LedgerError::Locked { dir: dir.to_owned() })
    }

    /// Marks the database as failed, as after a failed write.
    #[cfg(test)]
    pub(crate) fn fail(&self) {
        self.engine().unwrap().fail();
    }

    fn engine(&self) -> Result<Arc<Engine>, LedgerError> {
        lock(&self.engine).clone().ok_or_else(is_closed)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Without a flush nothing is lost, because the blocks are the source of truth. Flushing
        // avoids that they are applied again.
        if !self.has_failed()
            && let Err(error) = self.flush()
        {
            tracing::warn!(%error, "the state database was not flushed at closing");
        }
    }
}

impl Table {
    /// Passes the value of a row to `read`; None if the row does not exist.
    pub(crate) fn get<T>(
        &self,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        let value =
            self.with(|open| open.tree.get(key).map_err(|error| open.engine.error("read", error)))?;
        value.map(|value| read(&value)).transpose()
    }

    /// True if the row exists.
    pub(crate) fn contains(&self, key: &[u8]) -> Result<bool, LedgerError> {
        self.with(|open| {
            open.tree.contains_key(key).map_err(|error| open.engine.error("read", error))
        })
    }

    /// Returns the rows from `start` (included) to `end` (excluded); empty if `end` is not after
    /// `start`.
    pub(crate) fn range(&self, start: &[u8], end: &[u8]) -> TableRows {
        TableRows::of(self.open(), |tree| tree.range(start..end))
    }

    /// Returns all rows.
    pub(crate) fn rows(&self) -> TableRows {
        TableRows::of(self.open(), |tree| tree.iter())
    }

    /// Removes all rows. Not atomic.
    pub(crate) fn clear(&self) -> Result<(), LedgerError> {
        let OpenTable { tree, engine } = self.open()?;
        engine.check_room(0, (0, 0))?;
        tree.clear().map_err(|error| engine.error("clear a table", error))
    }

    /// Applies a batch atomically for readers.
    pub(crate) fn apply(&self, batch: Batch) -> Result<(), LedgerError> {
        let OpenTable { tree, engine } = self.open()?;
        engine.check_room(batch.bytes, (batch.longest_key, batch.longest_row))?;
        tree.apply_batch(batch.batch).map_err(|error| {
            // The batch may be applied partly, and later writes may depend on it.
            engine.fail();
            engine.error("write", error)
        })
    }

    /// Flushes all batches applied to any table of the database, unless it is temporary.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        if self.slot.temporary { Ok(()) } else { self.open()?.engine.flush() }
    }

    /// Makes this thread the only user of the table, after its database was opened again.
    pub(crate) fn claim(&self) {
        let mut state = self.slot.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.only_for.is_some() {
            state.only_for = Some(thread::current().id());
        }
    }

    /// Allows all threads to use the table again.
    pub(crate) fn release(&self) {
        self.slot.state.write().unwrap_or_else(PoisonError::into_inner).only_for = None;
    }

    fn open(&self) -> Result<OpenTable, LedgerError> {
        self.with(|open| Ok(open.clone()))
    }

    fn with<T>(
        &self,
        use_it: impl FnOnce(&OpenTable) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let state = self.slot.state.read().unwrap_or_else(PoisonError::into_inner);
        let is_mine = |thread: ThreadId| thread == thread::current().id();
        match &state.open {
            Some(open) if state.only_for.is_none_or(is_mine) => use_it(open),
            _ => Err(is_closed()),
        }
    }
}

impl Batch {
    /// Sets a row.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        let row = key.len() + value.len();
        self.bytes += row;
        self.longest_key = self.longest_key.max(key.len());
        self.longest_row = self.longest_row.max(row);
        self.batch.insert(key, value);
    }

    /// Removes a row; does nothing if it is missing.
    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.batch.remove(key);
    }
}

impl TableRows {
    fn of(
        open: Result<OpenTable, LedgerError>,
        rows: impl FnOnce(&sled::Tree) -> sled::Iter,
    ) -> Self {
        match open {
            Ok(OpenTable { tree, engine }) => Self { rows: Ok(rows(&tree)), engine: Some(engine) },
            Err(error) => Self { rows: Err(Some(error)), engine: None },
        }
    }

    /// Returns the next row, with its value converted by `read`.
    pub(crate) fn next_as<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Result<T, LedgerError>,
    ) -> Option<Result<(Vec<u8>, T), LedgerError>> {
        let row = self.step(sled::Iter::next)?;
        Some(row.and_then(|(key, value)| Ok((key.to_vec(), read(&value)?))))
    }

    fn step(
        &mut self,
        step: impl FnOnce(&mut sled::Iter) -> Option<sled::Result<(sled::IVec, sled::IVec)>>,
    ) -> Option<Result<(sled::IVec, sled::IVec), LedgerError>> {
        match &mut self.rows {
            Ok(rows) => Some(step(rows)?.map_err(|error| match &self.engine {
                Some(engine) => engine.error("read", error),
                None => LedgerError::Store { action: "read", source: Box::new(error) },
            })),
            Err(error) => error.take().map(Err),
        }
    }
}

impl Iterator for TableRows {
    type Item = Result<TableRow, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(sled::Iter::next).map(row)
    }
}

impl DoubleEndedIterator for TableRows {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(sled::Iter::next_back).map(row)
    }
}

fn row(row: Result<(sled::IVec, sled::IVec), LedgerError>) -> Result<TableRow, LedgerError> {
    row.map(|(key, value)| (key.to_vec(), value.to_vec()))
}

fn open_table(engine: &Arc<Engine>, name: &str) -> Result<OpenTable, LedgerError> {
    let tree = engine.db().open_tree(name);
    let tree = tree.map_err(|error| engine.error("open a table", error))?;
    Ok(OpenTable { tree, engine: Arc::clone(engine) })
}

fn is_closed() -> LedgerError {
    let text = "it is being opened again after a failure, or that failed; try again";
    LedgerError::Store { action: "answer", source: text.into() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
