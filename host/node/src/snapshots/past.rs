//! The states from which snapshots are made.
//!
//! Invariant: each past block is judged once, however many states are needed.

use std::sync::Arc;

use wasmcc_channel::collections::collection_history;
use wasmcc_committer::StateRules;
use wasmcc_ledger::{CollectionsAt, Ledger, LedgerConfig, LedgerError, Ledgers, Snapshot};
use wasmcc_types::proto::common::Block;

/// States of one channel, in ascending order of their blocks.
pub(super) struct States {
    /// The open state, if the job has one; it is that of the only block.
    open: Option<Snapshot>,
    /// The result of the last call; dropped before the channel that it belongs to.
    last: Option<(u64, Snapshot, Vec<CollectionsAt>)>,
    past: Option<Past>,
}

impl States {
    /// Without `open`, states are rebuilt from the blocks.
    pub(super) fn new(open: Option<Snapshot>) -> Self {
        Self { open, last: None, past: None }
    }

    /// Returns the state after a block, and the collections of the blocks up to it. The block must
    /// not be below that of the last call.
    pub(super) fn after(
        &mut self,
        ledger: &Arc<Ledger>,
        block: u64,
    ) -> Result<(&Snapshot, &[CollectionsAt]), LedgerError> {
        // While a state is open, the channel keeps the values that later blocks change.
        let last = self.last.take().filter(|(number, ..)| *number == block);
        let last = match (last, &self.open) {
            (Some(last), _) => last,
            (None, open) => {
                let snapshot = match (open, &mut self.past) {
                    (Some(open), _) => open.clone(),
                    (None, Some(past)) => past.after(block)?,
                    (None, past) => past.insert(Past::begin(Arc::clone(ledger))?).after(block)?,
                };
                let collections = collection_history(&snapshot)?;
                (block, snapshot, collections)
            }
        };
        let (_, snapshot, collections) = self.last.insert(last);
        Ok((snapshot, collections))
    }
}

/// A channel that is rebuilt in a temporary ledger.
struct Past {
    blocks: Arc<Ledger>,
    // Order of dropping: the channel before its ledgers.
    again: Arc<Ledger>,
    _ledgers: Ledgers,
}

impl Past {
    /// Begins with the genesis block of a channel.
    fn begin(blocks: Arc<Ledger>) -> Result<Self, LedgerError> {
        let config = LedgerConfig { is_measured: false, ..LedgerConfig::default() };
        let ledgers = Ledgers::temporary(config)?;
        let again = ledgers.create(&read(&blocks, 0)?)?;
        Ok(Self { blocks, again, _ledgers: ledgers })
    }

    /// Returns the state after a block, which must not be below one of an earlier call.
    fn after(&self, number: u64) -> Result<Snapshot, LedgerError> {
        while self.again.height() <= number {
            let block = read(&self.blocks, self.again.height())?;
            self.again.follow(block, &StateRules, None)?;
        }
        Ok(self.again.snapshot())
    }
}

fn read(ledger: &Ledger, number: u64) -> Result<Block, LedgerError> {
    ledger.block(number)?.ok_or(LedgerError::Missing { what: "a block before a snapshot" })
}
