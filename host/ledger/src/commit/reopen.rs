//! Makes a ledger usable again after a failed write.
//!
//! After a failed commit a channel accepts no more blocks, because block file and state may differ.
//! `Ledger::reopen` makes them agree, as opening the ledger does. A database that failed to write
//! has to be opened again, which affects all channels. Each channel is recovered before it is read
//! again.
//!
//! Invariant: committed blocks stay committed, and the height never falls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::error::LedgerError;
use crate::ledger::{Home, Ledger};
use crate::store::Database;

impl Home {
    pub(crate) fn new(state: Database, private: Database) -> Self {
        Self { state, private, ledgers: Mutex::default(), reopening: Mutex::default() }
    }

    /// Adds a channel whose tables are in these databases.
    pub(crate) fn add(self: &Arc<Self>, ledger: Ledger) -> Arc<Ledger> {
        let ledger = Arc::new(ledger);
        if ledger.home.set(Arc::clone(self)).is_ok() {
            let mut ledgers = lock(&self.ledgers);
            ledgers.retain(|ledger| ledger.strong_count() > 0);
            ledgers.push(Arc::downgrade(&ledger));
        }
        ledger
    }

    /// Flushes all applied changes.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        self.private.flush()?;
        self.state.flush()
    }

    /// True if one of the databases can no longer write.
    pub(crate) fn has_failed(&self) -> bool {
        self.state.has_failed() || self.private.has_failed()
    }

    /// Opens failed databases again, and recovers all channels.
    ///
    /// Errors: only those that keep a database closed. A channel that cannot be recovered stays
    /// closed, and its own `reopen` returns the reason.
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
                tracing::warn!(channel = %ledger.channel, %error, "cannot reopen the channel");
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// Puts the ledger into the state after a failed write: it accepts no more blocks until it is
    /// opened again. For tests of its callers.
    #[cfg(any(test, feature = "fault-injection"))]
    pub fn fail_commits(&self) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).failed = true;
    }

    /// Makes block file and state agree again after a failed write, so that commits are possible.
    /// An incompletely stored block is removed. A completely stored block is part of the chain
    /// although its commit failed: compare `height`. Nothing committed is lost. Does nothing if
    /// nothing has failed.
    ///
    /// Errors: those of opening. Fails while the cause persists, or while a reader still uses a
    /// database that has to be opened again; retry later.
    pub fn reopen(&self) -> Result<(), LedgerError> {
        if let Some(home) = self.home.get() {
            home.mend()?;
        }
        let mut writer = self.any_writer();
        if writer.failed { self.recover(&mut writer) } else { Ok(()) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
