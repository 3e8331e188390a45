//! Going on after a write that failed.
//!
//! A commit that fails leaves its channel closed to further blocks, since the file of the blocks
//! and the state may not agree. `Ledger::reopen` brings them to agreement as opening the ledger
//! does. If a database could not write, it is opened anew as well, which concerns every channel:
//! all of them are brought up to their blocks before anybody reads from it again.
//!
//! Invariant: blocks that were committed stay committed, and the height never falls.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;

use crate::ledger::channel::Ledger;
use crate::ledger::commit::Writer;
use crate::ledger::error::LedgerError;
use crate::ledger::store::Database;

/// What the channels of a peer share.
pub(crate) struct Home {
    pub(crate) state: Database,
    pub(crate) private: Database,
    ledgers: Mutex<Vec<Weak<Ledger>>>,
    /// Held by whoever opens a database again, and taken before any writer.
    reopening: Mutex<()>,
}

impl Home {
    pub(crate) fn new(state: Database, private: Database) -> Self {
        Self { state, private, ledgers: Mutex::default(), reopening: Mutex::default() }
    }

    /// Takes a channel in whose tables are in these databases.
    pub(crate) fn add(self: &Arc<Self>, ledger: Ledger) -> Arc<Ledger> {
        let ledger = Arc::new(ledger);
        if ledger.home.set(Arc::clone(self)).is_ok() {
            let mut ledgers = lock(&self.ledgers);
            ledgers.retain(|ledger| ledger.strong_count() > 0);
            ledgers.push(Arc::downgrade(&ledger));
        }
        ledger
    }

    /// Brings everything that was applied to disk.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        self.private.flush()?;
        self.state.flush()
    }

    /// Whether one of the databases cannot write any more.
    pub(crate) fn has_failed(&self) -> bool {
        self.state.has_failed() || self.private.has_failed()
    }

    /// Opens what has failed again, and brings all channels up to their blocks then.
    ///
    /// Errors: only those that keep the databases closed; a channel that cannot be brought up to
    /// its blocks stays closed, and its own `reopen` says why.
    pub(crate) fn mend(&self) -> Result<(), LedgerError> {
        let _alone = lock(&self.reopening);
        if !self.has_failed() {
            return Ok(());
        }
        let all: Vec<_> = lock(&self.ledgers).iter().filter_map(Weak::upgrade).collect();
        let mut writers: Vec<_> = all.iter().map(|ledger| ledger.any_writer()).collect();
        for writer in &mut writers {
            writer.failed = true;
        }
        for database in [&self.private, &self.state] {
            if database.has_failed() {
                database.open_again()?;
            }
        }
        for (ledger, writer) in all.iter().zip(&mut writers) {
            if let Err(error) = ledger.recover(writer) {
                tracing::warn!(channel = %ledger.channel, %error, "the channel is not open again");
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// Brings the file of the blocks and the state to agreement again after a write that failed,
    /// so that commits can go on. A block whose storing was interrupted is cut off; one that was
    /// stored whole is part of the chain, although its commit has failed: compare `height`. Nothing
    /// that was committed is lost. Does no harm where nothing has failed.
    ///
    /// Errors: as for opening. While the cause is still there, or somebody still reads from a
    /// database that has to be opened anew, it fails and can be tried again.
    pub fn reopen(&self) -> Result<(), LedgerError> {
        if let Some(home) = self.home.get() {
            home.mend()?;
        }
        let mut writer = self.any_writer();
        if writer.failed { self.recover(&mut writer) } else { Ok(()) }
    }

    /// The writer, whatever became of the last commit.
    pub(crate) fn any_writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
