//! Checks all stored data of a channel against its blocks.
//!
//! All blocks are validated again, into a separate state. At the height of the stored state the two
//! are compared row by row: state, history, transaction index, locations of blocks. Private data
//! are compared with their hashes in the blocks.
//!
//! Invariant: reports only, and repairs nothing. A state behind its blocks and an incomplete last
//! block are not faults: a crash leaves them, and opening the ledger repairs them.

use serde::Serialize;

use crate::commit::recover::savepoint;
use crate::error::{FoldersError, LedgerError};
use crate::store::Table;
use crate::tools::folder::{LedgerFolder, chain};
use crate::tools::interrupt::Interrupt;
use crate::tools::private_check::CheckedPrivate;
use crate::tools::replay::{Replay, Step};
use crate::tools::row_difference::Differences;
use wasmcc_types::ChannelId;

/// Limit on the faults that are described; further ones are only counted.
const MAX_FAULTS: usize = 20;

/// Private values that are only in the state are reported as further faults.
const PRIVATE_STORE_LOST: &str = "the private data store has nothing of this channel: put the \
                                  folder `private` of the ledger back from a copy";

/// The findings of one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The channel.
    pub channel: String,
    /// Number of correct blocks, from the first on.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Blocks in the stored state; fewer than `blocks` after a crash.
    pub state_height: u64,
    /// Rows of the stored state and indexes that were compared.
    pub rows: u64,
    /// Private write sets that were compared with their hashes.
    pub private_sets: u64,
    /// Private write sets that organizations here should have, but lack. Not a fault: their blocks
    /// were committed without them.
    pub missing_private_sets: u64,
    /// Bytes after the last complete block, of a block whose storing was interrupted.
    pub unfinished_bytes: u64,
    /// The faults, at most twenty.
    pub faults: Vec<Fault>,
    /// Number of further faults.
    pub more_faults: u64,
}

/// An inconsistency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The block that it belongs to, if any.
    pub block: Option<u64>,
    /// The description.
    pub reason: String,
}

impl Verified {
    /// True if there are no faults.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, block: Option<u64>, reason: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { block, reason });
        } else {
            self.more_faults += 1;
        }
    }

    /// Records an error as a fault. Errors of the operating system are returned: they show nothing
    /// about the data.
    fn fault_of(&mut self, error: &LedgerError) -> Result<(), LedgerError> {
        match error.refusal() {
            Some(refusal) => Err(refusal),
            None => {
                self.fault(None, chain(error));
                Ok(())
            }
        }
    }

    fn add_private(&mut self, block: u64, checked: CheckedPrivate) {
        self.private_sets += checked.sets;
        self.missing_private_sets += checked.missing;
        for reason in checked.faults {
            self.fault(Some(block), reason);
        }
    }

    /// Reports blocks that the state holds and the block file does not.
    fn compare_ends(&mut self) {
        if self.is_good() && self.state_height > self.blocks {
            let reason = match self.unfinished_bytes {
                0 => "the state holds it, but the block file ends before it",
                _ => "the state holds it, but the block file ends in the middle of it",
            };
            self.fault(Some(self.blocks), reason.to_owned());
        }
    }

    fn compare(
        &mut self,
        expected: &Replay,
        stored: &Table,
        interrupt: &Interrupt,
    ) -> Result<(), LedgerError> {
        let incomplete = expected.incomplete_indexes();
        let differences = Differences::new(expected.table(), stored, incomplete);
        let mut differences = differences.interruptible(interrupt);
        loop {
            match differences.next() {
                Ok(Some(difference)) => self.fault(difference.block, difference.reason),
                Ok(None) => break,
                Err(error @ LedgerError::Interrupted) => return Err(error),
                Err(error) => {
                    self.fault_of(&error)?;
                    break;
                }
            }
        }
        self.rows = differences.rows();
        Ok(())
    }
}

impl LedgerFolder {
    /// Checks a channel. Calls `on_step` after each block. The state for the comparison is built in
    /// the folder for temporary files.
    ///
    /// Errors: only failures that prevent the check, such as a read-only or a full disk, and
    /// `Interrupted`; faults of the channel are in the result.
    pub fn verify(
        &self,
        channel: &ChannelId,
        on_step: &mut dyn FnMut(Step),
    ) -> Result<Verified, LedgerError> {
        let mut found = Verified { channel: channel.to_string(), ..Verified::default() };
        let blocks = match self.blocks(channel) {
            Err(error @ LedgerError::OtherChannel { .. }) => {
                found.fault(Some(0), error.to_string());
                return Ok(found);
            }
            Err(LedgerError::Folders(error @ FoldersError::FolderMissing { height, .. })) => {
                found.state_height = height;
                found.fault(None, error.to_string());
                return Ok(found);
            }
            blocks => blocks?,
        };
        let stored = self.stored_state(channel, &mut found)?;
        if let Some(refusal) = self.private.as_ref().err().and_then(LedgerError::refusal) {
            return Err(refusal);
        }
        let private = self.private();
        if let Err(error) = &private {
            found.fault(None, error.to_string());
        }
        let has_private = private.is_ok();
        let config = self.config.clone();
        let replay = Replay::scratch(channel.clone(), config, private.ok(), blocks)?;
        let mut replay = replay.with_rules(&self.rules).reading_ahead();
        // The blocks do not say which indexes exist.
        if let Some(stored) = &stored
            && let Err(error) = replay.copy_indexes(stored, false)
        {
            found.fault_of(&error)?;
        }
        loop {
            if let Some(stored) = &stored
                && replay.height() == found.state_height
            {
                found.compare(&replay, stored, &self.interrupt)?;
            }
            match replay.next() {
                Ok(Some(outcome)) => {
                    if replay.height() == 1 && has_private && !replay.has_its_private_store()? {
                        found.fault(None, PRIVATE_STORE_LOST.to_owned());
                    }
                    found.transactions += outcome.codes.len() as u64;
                    found.add_private(replay.height() - 1, replay.check_private(&outcome)?);
                    on_step(replay.step()?);
                    self.interrupt.check()?;
                }
                Ok(None) => {
                    found.unfinished_bytes =
                        replay.blocks().length()?.saturating_sub(replay.offset());
                    break;
                }
                Err(LedgerError::CorruptBlock { number, reason, .. }) => {
                    found.fault(Some(number), reason);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        found.blocks = replay.height();
        found.compare_ends();
        Ok(found)
    }

    /// Returns the stored rows, if they can be read.
    fn stored_state(
        &self,
        channel: &ChannelId,
        found: &mut Verified,
    ) -> Result<Option<Table>, LedgerError> {
        let opened = match &self.state {
            Ok(database) => database.table(channel).and_then(|table| {
                let savepoint = savepoint(&table)?;
                Ok((table, savepoint.map_or(0, |number| number.saturating_add(1))))
            }),
            Err(error) => {
                if let Some(refusal) = error.refusal() {
                    return Err(refusal);
                }
                found.fault(None, format!("the state database cannot be opened: {}", chain(error)));
                return Ok(None);
            }
        };
        match opened {
            Ok((table, height)) => {
                found.state_height = height;
                Ok(Some(table))
            }
            Err(error) => {
                found.fault_of(&error)?;
                Ok(None)
            }
        }
    }
}
