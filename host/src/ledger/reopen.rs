//! Opening a channel once more in place, after a commit that failed half-way.
//!
//! Invariant: as at opening, the blocks are the truth: what is stored is applied, what was not
//! stored whole is cut off.

use std::sync::PoisonError;

use crate::ledger::channel::Ledger;
use crate::ledger::commit::Writer;
use crate::ledger::error::LedgerError;

impl Ledger {
    /// Brings state and file to agreement again after a failed write, so that commits can go on.
    /// Does nothing if no commit has failed. Readers go on meanwhile.
    ///
    /// Errors: the cause of the failure is still there; the ledger takes no blocks, and this can be
    /// tried again.
    pub fn reopen(&self) -> Result<(), LedgerError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if !writer.failed {
            return Ok(());
        }
        let offset = self.load_tip()?;
        self.overlay.advance(self.height());
        let offset = self.catch_up(offset)?;
        *writer = Writer { failed: false, offset };
        Ok(())
    }
}
