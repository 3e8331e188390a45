//! Adding a block: check, validate, store, apply. Fabric: `kv_ledger.go`, function `commit`.
//!
//! The order makes a crash harmless:
//! 1. Private data are written to disk: no block contains them, so they could not be restored.
//! 2. The block is stored, with its verdicts and commit hash.
//! 3. One batch changes state, history and indexes together and moves the savepoint.
//! 4. Purged data are removed from the private data store, and sets that waited for this block from
//!    the transient store.
//!
//! Opening the ledger does the missing steps (`recover`).
//!
//! Does not validate: `judge` does.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Instant;

use crate::block::config_tx::is_config;
use crate::block::known_state::KnownState;
use crate::block::matched::MatchedBlock;
use crate::block::tx::{CommitTx, tx_id};
use crate::block::updates::{KeyUpdate, UpdateBatch};
use crate::block::{commit_hash, header_hash, set_outcome, tx_filter};
use crate::commit::conflict::Conflict;
use crate::commit::judge::{BlockOutcome, check_block};
use crate::error::LedgerError;
use crate::ledger::{Ledger, Tip};
use crate::private::changes::PrivateChanges;
use crate::private::collect::{collect_private, new_holders, purges};
use crate::private::record::PrivateBlock;
use crate::private::rules::CollectionRules;
use crate::private::transient::WaitingBounds;
use crate::rich::Space;
use crate::store::block_file::Location;
use crate::store::overlay::Layer;
use crate::store::tx_entry::TxEntry;
use crate::store::{Batch, key};
use wasmcc_types::Height;
use wasmcc_types::proto::common::{Block, BlockHeader};
use wasmcc_types::proto::protos::TxValidationCode;

/// A committed block with the outcome of its transactions.
#[derive(Clone, Debug)]
pub struct CommittedBlock {
    /// The block's number.
    pub number: u64,
    /// The outcome of each transaction, in order.
    pub txs: Vec<CommittedTx>,
    /// The commit hash; empty for a genesis block.
    pub commit_hash: Vec<u8>,
    /// The block as stored, with verdicts and commit hash in its metadata.
    pub block: Block,
}

impl CommittedBlock {
    /// A block that was committed earlier: the winner of a conflict is no longer known.
    pub fn of_stored(block: Block) -> Self {
        let code = |&code: &u8| TxValidationCode::try_from(i32::from(code));
        let tx = |byte: &u8| CommittedTx {
            code: code(byte).unwrap_or(TxValidationCode::InvalidOtherReason),
            conflict: None,
        };
        let number = block.header.as_ref().map_or(0, |header| header.number);
        let txs = tx_filter(&block).iter().map(tx).collect();
        Self { number, txs, commit_hash: commit_hash(&block).unwrap_or_default(), block }
    }

    /// The verdict on each transaction, in order.
    pub fn codes(&self) -> Vec<TxValidationCode> {
        self.txs.iter().map(|tx| tx.code).collect()
    }
}

/// The outcome of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct CommittedTx {
    /// The verdict.
    pub code: TxValidationCode,
    /// The reason why the ledger made it invalid; None for all others.
    pub conflict: Option<Conflict>,
}

/// The changes of a block.
pub(crate) struct BlockChanges {
    number: u64,
    /// The namespaces that it writes.
    namespaces: Vec<String>,
    batch: Batch,
    /// The replaced values.
    layer: Layer,
    /// The end of the chain after the block.
    tip: Tip,
}

impl Ledger {
    /// Validates a block and adds it. `txs` has one entry for each transaction of the block;
    /// `collections` decide where private data are kept, and how long.
    ///
    /// Errors: a block that does not continue the chain or does not match its data hash or `txs`
    /// changes nothing. After an I/O error, the ledger accepts no more blocks (`NeedsReopen`) until
    /// `reopen` has succeeded.
    pub fn commit(
        &self,
        block: Block,
        txs: Vec<CommitTx>,
        collections: &dyn CollectionRules,
    ) -> Result<CommittedBlock, LedgerError> {
        self.commit_matched(MatchedBlock::of(block)?, txs, collections)
    }

    /// As `commit`, for a block whose data hash was checked before.
    pub fn commit_matched(
        &self,
        block: MatchedBlock,
        txs: Vec<CommitTx>,
        collections: &dyn CollectionRules,
    ) -> Result<CommittedBlock, LedgerError> {
        self.commit_known(block, txs, KnownState::default(), collections)
    }

    /// As `commit_matched`, but state in `known` is not read again.
    pub fn commit_known(
        &self,
        block: MatchedBlock,
        txs: Vec<CommitTx>,
        known: KnownState,
        collections: &dyn CollectionRules,
    ) -> Result<CommittedBlock, LedgerError> {
        let writes = |_| self.config.rich_queries;
        let private = |number, txs: &[CommitTx], outcome: &BlockOutcome| {
            self.store_private(number, txs, outcome, collections)
        };
        self.commit_checked((block, txs, known), writes, |_| Ok(()), private)
    }

    /// As `commit`. `writes` returns true for the transactions (by index) whose writes have to
    /// satisfy CouchDB's rules.
    pub(crate) fn commit_where(
        &self,
        block: MatchedBlock,
        txs: Vec<CommitTx>,
        collections: &dyn CollectionRules,
        writes: impl Fn(usize) -> bool,
    ) -> Result<CommittedBlock, LedgerError> {
        let private = |number, txs: &[CommitTx], outcome: &BlockOutcome| {
            self.store_private(number, txs, outcome, collections)
        };
        let known = KnownState::default();
        self.commit_checked((block, txs, known), writes, |_| Ok(()), private)
    }

    /// As `commit_where`, with private data from another source. If `check` refuses the outcome,
    /// nothing has changed.
    pub(crate) fn commit_checked(
        &self,
        (block, txs, known): (MatchedBlock, Vec<CommitTx>, KnownState),
        writes: impl Fn(usize) -> bool,
        check: impl FnOnce(&BlockOutcome) -> Result<(), LedgerError>,
        private: impl FnOnce(u64, &[CommitTx], &BlockOutcome) -> Result<PrivateBlock, LedgerError>,
    ) -> Result<CommittedBlock, LedgerError> {
        let begin = Instant::now();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.failed {
            return Err(LedgerError::NeedsReopen { channel: self.channel.clone() });
        }
        let tip = self.tip();
        check_block(&block, &tip, txs.len())?;
        let header = block.header().clone();
        // Set before anything can fail or panic; cleared at the end.
        writer.failed = true;
        let (outcome, updates) = self.judge(&tip, &txs, known, writes)?;
        if let Err(refused) = check(&outcome) {
            writer.failed = false;
            return Err(refused);
        }
        if header.number == 0 {
            self.private.begin(&header_hash(&header))?;
        }
        let judged = Instant::now();
        let private = private(header.number, &txs, &outcome)?;
        let block = with_outcome(block.into_block(), &outcome);
        let private_stored = Instant::now();
        // The changes are collected while the disk writes.
        let collect = |location| {
            let changes = self.changes((&header, location), &txs, &outcome, updates, &private);
            (location, changes)
        };
        let (location, changes) = self.blocks.append_while(writer.offset, &block, collect)?;
        let stored = Instant::now();
        self.apply_changes(changes?)?;
        let applied = stored.elapsed();
        self.after_block(&txs)?;
        writer.offset = location.end();
        writer.failed = false;
        if let Some(series) = self.series() {
            series.committed(stored - private_stored, stored - judged, applied, begin.elapsed());
        }
        let BlockOutcome { codes, conflicts, commit_hash } = outcome;
        let txs = codes.into_iter().zip(conflicts);
        let txs = txs.map(|(code, conflict)| CommittedTx { code, conflict }).collect();
        Ok(CommittedBlock { number: header.number, txs, commit_hash, block })
    }

    /// Writes the private data of a validated block to disk, and returns them.
    pub(crate) fn store_private(
        &self,
        number: u64,
        txs: &[CommitTx],
        outcome: &BlockOutcome,
        collections: &dyn CollectionRules,
    ) -> Result<PrivateBlock, LedgerError> {
        let (transient, channel) = (&self.transient, &self.channel);
        let codes = outcome.codes.as_slice();
        let records = collect_private(transient, channel, txs, codes, collections)?;
        let new_holders = new_holders(txs, codes, collections);
        let late = self.private.late(number)?;
        let private = PrivateBlock { records, late, new_holders };
        self.private.put_block(number, &private, &purges(txs, codes))?;
        Ok(private)
    }

    /// Writes a validated block to disk. From here on it is part of the chain, even if a later step
    /// fails.
    #[cfg(test)]
    pub(crate) fn store_block(&self, offset: u64, block: &Block) -> Result<Location, LedgerError> {
        self.blocks.append(offset, block)
    }

    /// Applies a stored block to state, history and indexes, publishes the new height, and returns
    /// the new end of the chain.
    pub(crate) fn apply_block(
        &self,
        header: &BlockHeader,
        location: Location,
        txs: &[CommitTx],
        outcome: &BlockOutcome,
        updates: UpdateBatch,
        private: &PrivateBlock,
    ) -> Result<Tip, LedgerError> {
        self.apply_changes(self.changes((header, location), txs, outcome, updates, private)?)
    }

    /// Collects the changes of a block to state, history and indexes. Reads only.
    pub(crate) fn changes(
        &self,
        (header, location): (&BlockHeader, Location),
        txs: &[CommitTx],
        outcome: &BlockOutcome,
        updates: UpdateBatch,
        private: &PrivateBlock,
    ) -> Result<BlockChanges, LedgerError> {
        let number = header.number;
        let hash = header_hash(header);
        let namespaces = updates.namespaces.keys().cloned().collect();
        let mut batch = Batch::default();
        let mut layer = Layer::new();
        let codes = outcome.codes.as_slice();
        let private = PrivateChanges::prepare(&self.table, number, txs, codes, &updates, private)?;
        let indexes = self.indexes.get();
        private.apply(&mut batch, &mut layer, &indexes);
        for (namespace, ns) in updates.namespaces {
            let space = indexes.concern(&namespace, "").then(|| Space::public(&namespace));
            for (key, mut update) in ns.public {
                for (last, heights) in update.history.drain(..) {
                    batch.put(key::history(&namespace, &key, last), heights);
                }
                if let Some(space) = &space {
                    let (before, after) = (update.before.as_ref(), update.after.as_ref());
                    indexes.change(&mut batch, space, &key, before, after);
                }
                change_row(&mut batch, &mut layer, key::state(&namespace, &key), update);
            }
            for (key, height) in ns.written_absent {
                batch.put(key::history(&namespace, &key, height), height.to_bytes());
            }
            for (collection, keys) in ns.hashed {
                for (key_hash, update) in keys {
                    let row = key::hashed(&namespace, &collection, &key_hash);
                    change_row(&mut batch, &mut layer, row, update);
                }
            }
        }
        self.index_txs(&mut batch, number, txs, &outcome.codes)?;
        batch.put(key::block(number), location.encode());
        batch.put(key::block_hash(&hash), number.to_be_bytes().to_vec());
        batch.put(key::SAVEPOINT.to_vec(), number.to_be_bytes().to_vec());
        let tip = Tip {
            height: number + 1,
            current_hash: hash.to_vec(),
            previous_hash: header.previous_hash.clone(),
            commit_hash: outcome.commit_hash.clone(),
        };
        Ok(BlockChanges { number, namespaces, batch, layer, tip })
    }

    /// Applies the changes of a stored block.
    fn apply_changes(&self, changes: BlockChanges) -> Result<Tip, LedgerError> {
        let BlockChanges { number, namespaces, batch, layer, tip } = changes;
        self.namespaces.note(number, namespaces.iter());
        self.overlay.publish(number, layer);
        self.table.apply(batch)?;
        self.set_tip(tip.clone());
        self.overlay.advance(number + 1);
        Ok(tip)
    }

    /// Removes private data that are no longer needed once the block is applied.
    pub(crate) fn after_block(&self, txs: &[CommitTx]) -> Result<(), LedgerError> {
        let height = self.height();
        let interval = self.config.private_purge_interval_blocks;
        self.private.settle(&self.table, height, interval)?;
        let bounds = WaitingBounds::now(&self.config, height);
        self.transient.forget(txs.iter().filter_map(tx_id), &bounds)
    }

    /// Adds the transactions to the index. If an id occurs again, the index keeps its first
    /// transaction.
    fn index_txs(
        &self,
        batch: &mut Batch,
        number: u64,
        txs: &[CommitTx],
        codes: &[TxValidationCode],
    ) -> Result<(), LedgerError> {
        let mut seen = HashSet::with_capacity(txs.len());
        for (index, (tx, code)) in txs.iter().zip(codes).enumerate() {
            let Some(tx_id) = tx_id(tx) else { continue };
            let row = key::tx(tx_id);
            // For valid transactions of chaincodes, `find_duplicates` has searched the index
            // already.
            let from_chaincode = tx.rwset.as_ref().is_some_and(|rwset| !is_config(rwset));
            let new = *code == TxValidationCode::Valid && from_chaincode;
            if !seen.insert(tx_id) || !new && self.table.contains(&row)? {
                continue;
            }
            let height = Height::new(number, index as u64);
            batch.put(row, TxEntry { height, code: *code as i32 as u8 }.encode());
        }
        Ok(())
    }
}

pub(crate) fn with_outcome(mut block: Block, outcome: &BlockOutcome) -> Block {
    let filter: Vec<u8> = outcome.codes.iter().map(|code| *code as i32 as u8).collect();
    let commit_hash = (!outcome.commit_hash.is_empty()).then_some(outcome.commit_hash.as_slice());
    set_outcome(&mut block, &filter, commit_hash);
    block
}

fn change_row(batch: &mut Batch, layer: &mut Layer, row: Vec<u8>, update: KeyUpdate) {
    match &update.after {
        Some(value) => batch.put(row.clone(), value.encode()),
        None => batch.delete(row.clone()),
    }
    layer.insert(row, update.before);
}
