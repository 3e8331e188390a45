//! Prepares a block before its turn to be committed: compares it with its hash, opens its entries
//! and computes their signatures. Meanwhile the blocks before it are judged and stored.
//!
//! Invariant: preparing does not decide verdicts. The process caches valid signatures
//! (`wasmcc_msp`), and judging looks up each one in the block's turn, with the configuration and
//! the state of that time. Changes in between, and missing preparation, therefore do no harm.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use prost::Message;

use crate::commit::Committer;
use crate::error::CommitError;
use crate::lanes::Lanes;
use crate::opened_tx;
use wasmcc_ledger::{CommittedBlock, MatchedBlock};
use wasmcc_msp::MspManager;
use wasmcc_msp::policy::{Signed, valid_signers};
use wasmcc_types::Opened;
use wasmcc_types::proto::common::{Block, SignatureHeader};

/// A block that waits for its turn to be committed.
pub struct PreparedBlock {
    block: MatchedBlock,
    opened: Vec<Option<Opened>>,
}

impl Committer {
    /// Does the work that needs no state. The block need not be the next one.
    ///
    /// Errors: a block that contradicts its header.
    pub fn prepare(&self, block: Block) -> Result<PreparedBlock, CommitError> {
        let block = MatchedBlock::of(block)?;
        let (entries, config) = (block.entries().to_vec(), self.channel().config());
        let count = entries.len();
        let open = move |index: usize| {
            let opened = opened_tx::open(entries.get(index)?.clone()).ok()?;
            compute_signatures(&opened, config.msps());
            Some(opened)
        };
        // Entries whose preparation panicked are judged like unprepared ones.
        let opened = Lanes::shared().run(count, self.threads(), open);
        Ok(PreparedBlock { block, opened: opened.into_iter().map(Option::flatten).collect() })
    }

    /// As [`commit`](Self::commit).
    pub fn commit_prepared(
        &self,
        PreparedBlock { block, opened }: PreparedBlock,
    ) -> Result<Arc<CommittedBlock>, CommitError> {
        self.commit_staged(&self.stage(), block, opened)
    }

    /// Commits blocks one after the other, as [`commit`](Self::commit) does, and prepares each one
    /// while the one before is judged and stored. Calls `committed` for each block when it is
    /// announced.
    ///
    /// Errors: those of the first block that is not committed; no later block is committed. Returns
    /// only when `blocks` does.
    pub fn commit_all(
        &self,
        blocks: impl IntoIterator<Item = Block, IntoIter: Send>,
        mut committed: impl FnMut(&Arc<CommittedBlock>),
    ) -> Result<(), CommitError> {
        let mut blocks = blocks.into_iter();
        let has_thread = thread::scope(|scope| {
            // At most one prepared block waits, because it takes memory.
            let (sender, prepared) = sync_channel(0);
            let name = format!("prepare-{}", self.channel().ledger().channel_id());
            let blocks = &mut blocks;
            let prepare = move || self.prepare_all(blocks, &sender);
            if thread::Builder::new().name(name).spawn_scoped(scope, prepare).is_err() {
                return Ok(false);
            }
            for block in prepared {
                committed(&self.commit_prepared(block?)?);
            }
            Ok::<_, CommitError>(true)
        })?;
        if !has_thread {
            for block in blocks {
                committed(&self.commit(block)?);
            }
        }
        Ok(())
    }

    /// Ends after the first refused block, or when the receiver is gone.
    fn prepare_all(
        &self,
        blocks: impl Iterator<Item = Block>,
        sender: &SyncSender<Result<PreparedBlock, CommitError>>,
    ) {
        for block in blocks {
            let prepared = self.prepare(block);
            let is_refused = prepared.is_err();
            if sender.send(prepared).is_err() || is_refused {
                return;
            }
        }
    }
}

/// Computes the signatures of a transaction in the order of judging: those of endorsements only if
/// the creator's signature is valid.
fn compute_signatures(opened: &Opened, msps: &MspManager) {
    let Ok(header) = SignatureHeader::decode(opened.signature_header.clone()) else { return };
    let Ok(creator) = msps.deserialize(&header.creator) else { return };
    if creator.verify_digest(opened.payload_hash(), &opened.signature).is_err()
        || !opened.is_endorser_tx()
    {
        return;
    }
    let Ok(endorsed) = opened.endorsed() else { return };
    let places = 0..endorsed.endorsements.len();
    valid_signers(places.filter_map(|place| Signed::endorsement(endorsed, place)), msps);
}
