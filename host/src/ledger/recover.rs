//! Opening a channel: cut off what was never acknowledged, apply what was stored but not applied.
//!
//! Verdicts are not judged again: a stored block has them. But everything that a stored block says
//! about itself is checked before it is applied: chain, data hash, number of verdicts, commit hash.
//!
//! Invariant: a damaged block is reported, never repaired and never skipped. Only the unfinished
//! record of a block whose commit never returned is removed.

use std::sync::Mutex;
use std::sync::RwLock;

use crate::ledger::block;
use crate::ledger::block_file::BlockFile;
use crate::ledger::block_file::Location;
use crate::ledger::block_file::Scan;
use crate::ledger::channel::Ledger;
use crate::ledger::channel::Tip;
use crate::ledger::commit::CommitTx;
use crate::ledger::commit::Writer;
use crate::ledger::commit::check_block;
use crate::ledger::config::LedgerConfig;
use crate::ledger::envelope::TxEnvelope;
use crate::ledger::error::LedgerError;
use crate::ledger::folder::Tables;
use crate::ledger::key;
use crate::ledger::overlay::Overlay;
use crate::ledger::private::store::PrivateStore;
use crate::ledger::private::transient::TransientStore;
use crate::ledger::rich::Indexes;
use crate::ledger::store::Table;
use crate::proto::common::Block;
use crate::proto::protos::TxValidationCode;
use crate::types::ChannelId;

impl Ledger {
    /// Opens a channel and brings its state up to its blocks.
    pub(crate) fn open(
        channel: ChannelId,
        config: LedgerConfig,
        tables: Tables,
        blocks: BlockFile,
    ) -> Result<Self, LedgerError> {
        let mut ledger = Self::assemble(channel, config, tables, blocks);
        ledger.indexes.load(&ledger.table)?;
        let offset = ledger.load_tip()?;
        ledger.overlay = Overlay::new(ledger.height());
        let offset = ledger.catch_up(offset)?;
        ledger.writer = Mutex::new(Writer { failed: false, offset });
        Ok(ledger)
    }

    /// Applies the stored blocks from `offset` on and does what comes after blocks. Returns the
    /// offset after the last one.
    pub(crate) fn catch_up(&self, mut offset: u64) -> Result<u64, LedgerError> {
        let applied = self.height();
        loop {
            match self.blocks.scan(offset)? {
                Scan::Record(location) => {
                    self.replay(location)?;
                    offset = location.end();
                }
                Scan::End => break,
                Scan::Torn => {
                    tracing::warn!(
                        channel = %self.channel,
                        block = self.height(),
                        "cut off a block whose storing was interrupted"
                    );
                    self.blocks.truncate(offset)?;
                    break;
                }
                Scan::Damaged => {
                    return Err(self.corrupt(self.height(), "its record has a wrong head"));
                }
            }
        }
        if self.height() > applied {
            let blocks = self.height() - applied;
            tracing::info!(channel = %self.channel, blocks, "applied stored blocks to the state");
        }
        self.settle_all_private(self.height())?;
        self.transient.load(|tx_id| Ok(self.tx_entry(tx_id)?.is_some()))?;
        Ok(offset)
    }

    /// The parts of a channel put together; nothing is read or changed.
    pub(crate) fn assemble(
        channel: ChannelId,
        config: LedgerConfig,
        tables: Tables,
        blocks: BlockFile,
    ) -> Self {
        Self {
            channel,
            config,
            table: tables.state,
            private: PrivateStore::new(tables.private),
            transient: TransientStore::new(tables.transient),
            blocks,
            overlay: Overlay::new(0),
            indexes: Indexes::default(),
            tip: RwLock::new(Tip::default()),
            writer: Mutex::new(Writer { failed: false, offset: 0 }),
        }
    }

    /// Reads the end of the chain as the state knows it, and gives the offset after it.
    pub(crate) fn load_tip(&self) -> Result<u64, LedgerError> {
        let savepoint = savepoint(&self.table)?;
        let Some(number) = savepoint else { return Ok(0) };
        let location = self
            .location(number)?
            .ok_or(LedgerError::CorruptState { what: "the last block has no location" })?;
        if location.end() > self.blocks.length()? {
            let channel = self.channel.clone();
            return Err(LedgerError::StateAhead { channel, state: number + 1 });
        }
        let block = self.stored(number, location)?;
        let header =
            block.header.as_ref().ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        let data = block.data.as_ref().ok_or(LedgerError::IncompleteBlock { part: "data" })?;
        if header.number != number || header.data_hash != block::data_hash(data) {
            return Err(self.corrupt(number, "it does not match the data hash in its header"));
        }
        self.set_tip(Tip {
            height: number + 1,
            current_hash: block::header_hash(header).to_vec(),
            previous_hash: header.previous_hash.clone(),
            commit_hash: block::commit_hash(&block).unwrap_or_default(),
        });
        Ok(location.end())
    }

    /// Applies a stored block that the state does not have.
    fn replay(&self, location: Location) -> Result<(), LedgerError> {
        let tip = self.tip();
        let number = tip.height;
        let block = checked_block(&self.channel, &self.blocks, location, &tip)?;
        let txs = self.stored_txs(&block, number, stored_tx)?;
        let (outcome, updates) = self.trust(&tip, &txs)?;
        if outcome.commit_hash != block::commit_hash(&block).unwrap_or_default() {
            return Err(self.corrupt(number, "its changes do not match its commit hash"));
        }
        let header = block.header.as_ref();
        let header = header.ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        let private = self.private.block(number)?;
        self.apply_block(header, location, &txs, &outcome, updates, &private)
    }

    /// The transactions of a stored block, opened by `open` from envelope and verdict.
    pub(crate) fn stored_txs(
        &self,
        block: &Block,
        number: u64,
        open: impl Fn(&[u8], u8) -> Result<CommitTx, LedgerError>,
    ) -> Result<Vec<CommitTx>, LedgerError> {
        let envelopes = block.data.as_ref().map_or(&[][..], |data| &data.data);
        let txs = envelopes.iter().zip(block::tx_filter(block)).enumerate();
        txs.map(|(index, (envelope, &verdict))| {
            open(envelope, verdict)
                .map_err(|error| self.corrupt(number, format!("transaction {index}: {error}")))
        })
        .collect()
    }

    fn stored(&self, number: u64, location: Location) -> Result<Block, LedgerError> {
        self.blocks.read(location)?.ok_or_else(|| self.corrupt(number, "it does not parse"))
    }
}

/// The number of the last block that a table holds; None if it holds none.
pub(crate) fn savepoint(table: &Table) -> Result<Option<u64>, LedgerError> {
    let digits = table.get(key::SAVEPOINT, |bytes| {
        let digits = bytes.try_into();
        digits.map_err(|_| LedgerError::CorruptState { what: "the savepoint has 8 bytes" })
    })?;
    Ok(digits.map(u64::from_be_bytes))
}

/// Reads a stored block and checks what needs no state: that it continues the chain, and that it is
/// what its header says.
pub(crate) fn checked_block(
    channel: &ChannelId,
    blocks: &BlockFile,
    location: Location,
    tip: &Tip,
) -> Result<Block, LedgerError> {
    let damaged = |reason: String| {
        let channel = channel.clone();
        LedgerError::CorruptBlock { channel, number: tip.height, reason }
    };
    let block = blocks.read(location)?.ok_or_else(|| damaged("it does not parse".to_owned()))?;
    let verdicts = block::tx_filter(&block).len();
    check_block(&block, tip, verdicts).map_err(|error| damaged(error.to_string()))?;
    Ok(block)
}

/// A transaction with the verdict that was stored. Only what a valid one did matters any more.
fn stored_tx(envelope: &[u8], verdict: u8) -> Result<CommitTx, LedgerError> {
    let code = TxValidationCode::try_from(i32::from(verdict))
        .unwrap_or(TxValidationCode::InvalidOtherReason);
    match TxEnvelope::parse(envelope) {
        Ok(parsed) => {
            let valid = code == TxValidationCode::Valid;
            let rwset = if valid { parsed.rwset()? } else { None };
            Ok(CommitTx { tx_id: Some(parsed.tx_id()), code, rwset })
        }
        Err(error) if code == TxValidationCode::Valid => Err(error),
        Err(_) => Ok(CommitTx { tx_id: None, code, rwset: None }),
    }
}
