//! Checks everything that a channel has stored against its blocks.
//!
//! Every block is judged again from the first on, into a state of its own; where the stored state
//! stands, the two are compared row by row: state, history, transaction index, places of blocks.
//! Private data are compared with their hashes in the blocks.
//!
//! Invariant: finds and reports, repairs nothing. A state that is behind its blocks, and a last
//! block that was not stored whole, are what a crash leaves; opening the ledger takes care of them.

use serde::Serialize;

use crate::ledger::error::LedgerError;
use crate::ledger::folder::LedgerFolder;
use crate::ledger::folder::chain;
use crate::ledger::private::check::CheckedPrivate;
use crate::ledger::recover::savepoint;
use crate::ledger::replay::Replay;
use crate::ledger::replay::Step;
use crate::ledger::row_difference::Differences;
use crate::ledger::store::Table;
use crate::types::ChannelId;

/// How many faults are described; the others are counted.
const MAX_FAULTS: usize = 20;

/// What was found in one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The channel.
    pub channel: String,
    /// Blocks that are right, from the first on.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Blocks that the stored state holds; fewer than `blocks` after a crash.
    pub state_height: u64,
    /// Rows of the stored state and indexes that were compared.
    pub rows: u64,
    /// Private write sets that are stored and were compared with their hashes.
    pub private_sets: u64,
    /// Private write sets that organizations here should have, and have not. No fault: their
    /// blocks were committed without them.
    pub missing_private_sets: u64,
    /// Bytes after the last whole block: the beginning of one whose storing was interrupted.
    pub unfinished_bytes: u64,
    /// What is wrong, at most twenty of them.
    pub faults: Vec<Fault>,
    /// How many faults there are beyond those.
    pub more_faults: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The block that it belongs to, if it belongs to one.
    pub block: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

impl Verified {
    /// Whether nothing is wrong.
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

    fn add_private(&mut self, block: u64, checked: CheckedPrivate) {
        self.private_sets += checked.sets;
        self.missing_private_sets += checked.missing;
        for reason in checked.faults {
            self.fault(Some(block), reason);
        }
    }

    fn compare(&mut self, expected: &Replay, stored: &Table) {
        let incomplete = expected.incomplete_indexes();
        let mut differences = Differences::new(expected.table(), stored, incomplete);
        loop {
            match differences.next() {
                Ok(Some(difference)) => self.fault(difference.block, difference.reason),
                Ok(None) => break,
                Err(error) => {
                    self.fault(None, chain(&error));
                    break;
                }
            }
        }
        self.rows = differences.rows();
    }
}

impl LedgerFolder {
    /// Checks a channel. `on_step` is called after each block. The state that is made to compare
    /// with lies in the folder for temporary files meanwhile.
    ///
    /// Errors: only what keeps this from looking; what is wrong with the channel is in the result.
    pub fn verify(
        &self,
        channel: &ChannelId,
        on_step: &mut dyn FnMut(Step),
    ) -> Result<Verified, LedgerError> {
        let mut found = Verified {
            channel: channel.to_string(),
            blocks: 0,
            transactions: 0,
            state_height: 0,
            rows: 0,
            private_sets: 0,
            missing_private_sets: 0,
            unfinished_bytes: 0,
            faults: Vec::new(),
            more_faults: 0,
        };
        let stored = self.stored_state(channel, &mut found);
        let private = self.private();
        if let Err(error) = &private {
            found.fault(None, error.to_string());
        }
        let (config, blocks) = (self.config.clone(), self.blocks(channel)?);
        let mut replay =
            Replay::scratch(channel.clone(), config, private.ok(), blocks)?.with_rules(&self.rules);
        // Which indexes there are is not in the blocks.
        if let Some(stored) = &stored
            && let Err(error) = replay.copy_indexes(stored, false)
        {
            found.fault(None, chain(&error));
        }
        loop {
            if let Some(stored) = &stored
                && replay.height() == found.state_height
            {
                found.compare(&replay, stored);
            }
            match replay.next() {
                Ok(Some(outcome)) => {
                    found.transactions += outcome.codes.len() as u64;
                    found.add_private(replay.height() - 1, replay.check_private(&outcome)?);
                    on_step(replay.step()?);
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
        if found.is_good() && found.state_height > found.blocks {
            let reason = match found.unfinished_bytes {
                0 => "the state holds it, but the file of the blocks ends before it",
                _ => "the state holds it, but the file of the blocks ends in the middle of it",
            };
            found.fault(Some(found.blocks), reason.to_owned());
        }
        Ok(found)
    }

    /// The rows that are stored, if they can be read.
    fn stored_state(&self, channel: &ChannelId, found: &mut Verified) -> Option<Table> {
        let opened = match &self.state {
            Ok(database) => database.table(channel).and_then(|table| {
                let savepoint = savepoint(&table)?;
                Ok((table, savepoint.map_or(0, |number| number.saturating_add(1))))
            }),
            Err(error) => {
                found.fault(None, format!("the state database cannot be opened: {}", chain(error)));
                return None;
            }
        };
        match opened {
            Ok((table, height)) => {
                found.state_height = height;
                Some(table)
            }
            Err(error) => {
                found.fault(None, chain(&error));
                None
            }
        }
    }
}
