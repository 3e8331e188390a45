//! Reads the blocks of a channel in order.

use crate::block;
use crate::commit::recover::checked_block;
use crate::error::LedgerError;
use crate::ledger::{Ledger, Tip};
use crate::store::block_file::{BlockFile, Location};
use crate::tools::folder::LedgerFolder;
use crate::tools::records::next_record;
use crate::tools::replay::{Step, unless_torn};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Block;

/// Reads blocks in order, without a state: checks the chain and the data hashes, not the verdicts.
pub struct Walk {
    channel: ChannelId,
    blocks: BlockFile,
    tip: Tip,
    offset: u64,
    /// The number of blocks in the state, which the file must have, too.
    of_state: u64,
}

impl LedgerFolder {
    /// Reads the blocks of a channel from the first one on.
    pub fn walk(&self, channel: &ChannelId) -> Result<Walk, LedgerError> {
        let (channel, blocks) = (channel.clone(), self.blocks(channel)?);
        let of_state = self.height_of_state(&channel).unwrap_or(0);
        Ok(Walk { channel, blocks, tip: Tip::default(), offset: 0, of_state })
    }

    /// Reads the blocks after those of a ledger that [`stored`](Self::stored) returned: after a
    /// crash its state lacks them.
    pub fn walk_after(&self, ledger: &Ledger) -> Result<Walk, LedgerError> {
        let (channel, tip) = (ledger.channel_id().clone(), ledger.tip());
        let last = tip.height.checked_sub(1).map(|last| ledger.location(last)).transpose()?;
        let offset = last.flatten().map_or(0, Location::end);
        Ok(Walk { blocks: self.blocks(&channel)?, channel, tip, offset, of_state: 0 })
    }
}

impl Walk {
    /// Returns the next block; None at the end, and at an incomplete block.
    ///
    /// Errors: `CorruptBlock`; `StateAhead` at the end if the file has lost blocks.
    #[allow(clippy::should_implement_trait, reason = "after an error there is no next block")]
    pub fn next(&mut self) -> Result<Option<Block>, LedgerError> {
        let next = self.read()?;
        if next.is_none() && self.of_state > self.tip.height {
            let (channel, state) = (self.channel.clone(), self.of_state);
            return Err(LedgerError::StateAhead { channel, state });
        }
        Ok(next)
    }

    fn read(&mut self) -> Result<Option<Block>, LedgerError> {
        let next = next_record(&self.channel, &self.blocks, self.offset, self.tip.height)?;
        let Some(location) = next else { return Ok(None) };
        let block = checked_block(&self.channel, &self.blocks, location, &self.tip);
        let Some(block) = unless_torn(&self.blocks, location, block)? else { return Ok(None) };
        if let Some(header) = &block.header {
            self.tip.current_hash = block::header_hash(header).to_vec();
        }
        self.tip.height += 1;
        self.offset = location.end();
        Ok(Some(block))
    }

    /// The progress.
    pub fn step(&self) -> Result<Step, LedgerError> {
        let of_bytes = self.blocks.length()?;
        Ok(Step { blocks: self.tip.height, bytes: self.offset, of_bytes })
    }
}
