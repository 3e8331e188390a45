//! Finds out why a transaction is not valid, from the blocks alone.
//!
//! A transaction conflicts with the state before its block, so that state is rebuilt.
//!
//! Invariant: reads blocks and private data only, never the stored state.

use crate::block;
use crate::block::envelope::TxEnvelope;
use crate::block::matched::MatchedBlock;
use crate::commit::conflict::Conflict;
use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::ledgers::Ledgers;
use crate::tools::folder::LedgerFolder;
use crate::tools::replay::{Replay, Step, had_refused_writes, is_of_ledger, unjudged_tx};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{ChannelId, Height};

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedTx {
    /// The block, and the transaction's index in it.
    pub height: Height,
    /// The verdict.
    pub code: TxValidationCode,
    /// The reason why the ledger made it invalid, if the ledger did.
    pub conflict: Option<Conflict>,
}

impl LedgerFolder {
    /// Returns every transaction of this id, valid or not, in the order of the chain; all but the
    /// first are duplicates. Empty if there is none. Calls `on_step` after each block that is read
    /// or applied again.
    pub fn inspect_tx(
        &self,
        channel: &ChannelId,
        tx_id: &str,
        on_step: &mut dyn FnMut(Step),
    ) -> Result<Vec<InspectedTx>, LedgerError> {
        let mut walk = self.walk(channel)?;
        let mut found = Vec::new();
        while let Some(block) = walk.next()? {
            find(&block, tx_id, &mut found);
            on_step(walk.step()?);
            self.interrupt.check()?;
        }
        let lost = found.iter().filter(|tx| is_of_ledger(tx.code));
        if let Some(last) = lost.map(|tx| tx.height.block).max() {
            self.explain(channel, last, &mut found, on_step)?;
        }
        Ok(found)
    }

    /// Returns a block, and temporary ledgers with the state before it, with which the layers above
    /// can validate the block. They contain no private data and are removed when dropped.
    ///
    /// Errors: `UnknownBlock` if the channel has no such block, or if it is the first.
    pub fn before_block(
        &self,
        channel: &ChannelId,
        number: u64,
        on_step: &mut dyn FnMut(Step),
    ) -> Result<(Ledgers, Block), LedgerError> {
        let missing = || LedgerError::UnknownBlock { channel: channel.clone(), number };
        let mut walk = self.walk(channel)?;
        let config = LedgerConfig { is_measured: false, ..self.config.clone() };
        let ledgers = Ledgers::temporary(config)?;
        let ledger = ledgers.create(&walk.next()?.ok_or_else(missing)?)?;
        loop {
            let block = walk.next()?.ok_or_else(missing)?;
            on_step(walk.step()?);
            self.interrupt.check()?;
            if ledger.height() == number {
                return Ok((ledgers, block));
            }
            let envelopes = block.data.as_ref().map_or(&[][..], |data| &data.data);
            let judged = envelopes.iter().zip(block::tx_filter(&block));
            let txs = judged.map(|(envelope, &verdict)| unjudged_tx(envelope, verdict));
            let txs = txs.collect::<Result<Vec<_>, _>>()?;
            let rules = self.rules.rules(&ledger.snapshot());
            let refused = had_refused_writes(&block);
            ledger.commit_where(MatchedBlock::of(block)?, txs, rules.as_ref(), refused)?;
        }
    }

    /// Adds the conflicts of the transactions, up to block `last`.
    fn explain(
        &self,
        channel: &ChannelId,
        last: u64,
        found: &mut [InspectedTx],
        on_step: &mut dyn FnMut(Step),
    ) -> Result<(), LedgerError> {
        let blocks = self.blocks(channel)?;
        let private = self.private().ok();
        let mut replay = Replay::scratch(channel.clone(), self.config.clone(), private, blocks)?
            .with_rules(&self.rules)
            .reading_ahead();
        while replay.height() <= last {
            let number = replay.height();
            let Some(mut outcome) = replay.next()? else { break };
            for tx in found.iter_mut().filter(|tx| tx.height.block == number) {
                let index = usize::try_from(tx.height.tx).unwrap_or(usize::MAX);
                let conflict = outcome.conflicts.get_mut(index);
                tx.conflict = conflict.and_then(Option::take);
            }
            on_step(replay.step()?);
            self.interrupt.check()?;
        }
        Ok(())
    }
}

fn find(block: &Block, tx_id: &str, found: &mut Vec<InspectedTx>) {
    let number = block.header.as_ref().map_or(0, |header| header.number);
    let envelopes = block.data.as_ref().map_or(&[][..], |data| &data.data);
    for (index, (envelope, &verdict)) in envelopes.iter().zip(block::tx_filter(block)).enumerate() {
        let Ok(parsed) = TxEnvelope::parse(envelope) else { continue };
        if parsed.channel_header.tx_id == tx_id {
            let code = TxValidationCode::try_from(i32::from(verdict))
                .unwrap_or(TxValidationCode::InvalidOtherReason);
            let height = Height::new(number, index as u64);
            found.push(InspectedTx { height, code, conflict: None });
        }
    }
}
