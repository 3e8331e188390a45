//! Opening a channel: removes an incompletely stored block, and applies stored blocks that the
//! state lacks.
//!
//! Does not validate transactions again: a stored block has its verdicts. But the block itself is
//! checked before it is applied: chain, data hash, number of verdicts, commit hash.
//!
//! Invariant: a damaged block is reported, never repaired and never skipped. Only the incomplete
//! record of a block whose commit never returned is removed.

use std::sync::{Mutex, OnceLock, RwLock};

use prost::bytes::Bytes;

use crate::block;
use crate::block::envelope::TxEnvelope;
use crate::block::genesis::genesis_channel;
use crate::block::matched::MatchedBlock;
use crate::block::tx::CommitTx;
use crate::commit::judge::check_block;
use crate::config::LedgerConfig;
use crate::error::{FoldersError, LedgerError};
use crate::ledger::{Ledger, Tip, Writer};
use crate::private::store::PrivateStore;
use crate::private::transient::TransientStore;
use crate::rich::Indexes;
use crate::store::block_file::{BlockFile, BlockScan, Location};
use crate::store::checked_blocks::CheckedBlocks;
use crate::store::namespace_heights::NamespaceHeights;
use crate::store::overlay::Overlay;
use crate::store::tables::Tables;
use crate::store::{Table, key};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;

impl Ledger {
    /// Opens a channel and applies the blocks that its state lacks.
    pub(crate) fn open(
        channel: ChannelId,
        config: LedgerConfig,
        tables: Tables,
        blocks: BlockFile,
    ) -> Result<Self, LedgerError> {
        let ledger = Self::assemble(channel, config, tables, blocks);
        ledger.recover(&mut ledger.any_writer())?;
        Ok(ledger)
    }

    /// Applies the blocks that the state lacks, and moves the writer to the end of the block file.
    pub(crate) fn recover(&self, writer: &mut Writer) -> Result<(), LedgerError> {
        writer.failed = true;
        let tables = [&self.table, &self.private.table, self.transient.table()];
        tables.iter().for_each(|table| table.claim());
        self.indexes.load(&self.table)?;
        for (chaincode, why) in &self.indexes.get().useless {
            tracing::warn!(channel = %self.channel, chaincode, "{why}");
        }
        let (mut tip, mut offset) = self.load_tip()?;
        let applied = tip.height;
        if applied > 0 && self.private.chain()?.is_none() {
            let lost = "the private data store has nothing of this channel: put the ledger's \
                        folder `private` back from a copy. Values in the state can still be read";
            tracing::error!(channel = %self.channel, "{lost}");
        }
        self.namespaces.begin(applied);
        while let Some(location) = self.next_stored(offset, tip.height)? {
            self.blocks.settle(location)?;
            match self.replay(&tip, location) {
                Ok(next) => tip = next,
                Err(error @ LedgerError::CorruptBlock { .. }) => {
                    if !self.blocks.is_torn_at(location)? {
                        return Err(error);
                    }
                    self.cut_off(offset, tip.height)?;
                    break;
                }
                Err(error) => return Err(error),
            }
            offset = location.end();
        }
        if tip.height > applied {
            let blocks = tip.height - applied;
            tracing::info!(channel = %self.channel, blocks, "applied stored blocks to the state");
            self.table.flush()?;
        }
        let height = tip.height;
        self.set_tip(tip);
        self.overlay.advance(height);
        self.private.settle_all(&self.table, height)?;
        self.transient.load(|tx_id| Ok(self.tx_entry(tx_id)?.is_some()))?;
        *writer = Writer { failed: false, offset };
        tables.iter().for_each(|table| table.release());
        Ok(())
    }

    /// Returns the location of the block at `offset`. Removes an incomplete record.
    fn next_stored(&self, offset: u64, number: u64) -> Result<Option<Location>, LedgerError> {
        match self.blocks.scan(offset)? {
            BlockScan::Record(location) => Ok(Some(location)),
            BlockScan::End => Ok(None),
            BlockScan::Torn => self.cut_off(offset, number).map(|()| None),
            BlockScan::Damaged => Err(self.corrupt(number, "its record has a wrong head")),
        }
    }

    fn cut_off(&self, offset: u64, number: u64) -> Result<(), LedgerError> {
        let bytes = self.blocks.length()?.saturating_sub(offset);
        let channel = &self.channel;
        tracing::warn!(%channel, number, bytes, "removed a block whose storing was interrupted");
        self.blocks.truncate(offset)
    }

    /// Puts the parts of a channel together. Does not read or change anything.
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
            checked: CheckedBlocks::default(),
            home: OnceLock::new(),
            overlay: Overlay::new(0),
            namespaces: NamespaceHeights::default(),
            indexes: Indexes::default(),
            tip: RwLock::new(Tip::default()),
            writer: Mutex::new(Writer { failed: false, offset: 0 }),
        }
    }

    /// Publishes the stored state, for a ledger that is only read.
    pub(crate) fn show_stored(&self) -> Result<(), LedgerError> {
        let (tip, _) = self.load_tip()?;
        let height = tip.height;
        self.namespaces.begin(height);
        self.set_tip(tip);
        self.overlay.advance(height);
        Ok(())
    }

    /// Returns the end of the chain as recorded in the state, and the offset after its last block.
    fn load_tip(&self) -> Result<(Tip, u64), LedgerError> {
        let savepoint = savepoint(&self.table)?;
        let Some(number) = savepoint else { return Ok((Tip::default(), 0)) };
        let location = self
            .location(number)?
            .ok_or(LedgerError::CorruptState { what: "the last block has no location" })?;
        if location.end() > self.blocks.length()? {
            let channel = self.channel.clone();
            return Err(LedgerError::StateAhead { channel, state: number + 1 });
        }
        let read = self.stored(number, location);
        let block = match read {
            Err(LedgerError::CorruptBlock { .. }) if !self.begins_record(location)? => {
                return Err(self.state_of_other_blocks(number));
            }
            read => read?,
        };
        let header =
            block.header.as_ref().ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        let data = block.data.as_ref().ok_or(LedgerError::IncompleteBlock { part: "data" })?;
        // A record of the same length may belong to another chain, or to a fork of this one.
        let row = key::block_hash(&block::header_hash(header));
        let is_last = |bytes: &[u8]| Ok(bytes == number.to_be_bytes());
        if header.number != number || self.table.get(&row, is_last)? != Some(true) {
            return Err(self.state_of_other_blocks(number));
        }
        if header.data_hash != block::data_hash(data) {
            return Err(self.corrupt(number, "it does not match the data hash in its header"));
        }
        let tip = Tip {
            height: number + 1,
            current_hash: block::header_hash(header).to_vec(),
            previous_hash: header.previous_hash.clone(),
            commit_hash: block::commit_hash(&block).unwrap_or_default(),
        };
        Ok((tip, location.end()))
    }

    /// False if the records before the location are intact and none begins there.
    fn begins_record(&self, location: Location) -> Result<bool, LedgerError> {
        let mut offset = 0;
        while offset < location.start() {
            match self.blocks.scan(offset)? {
                BlockScan::Record(record) => offset = record.end(),
                // A record before it is damaged.
                _ => return Ok(true),
            }
        }
        Ok(offset == location.start())
    }

    fn state_of_other_blocks(&self, number: u64) -> LedgerError {
        FoldersError::StateOfOtherBlocks { channel: self.channel.clone(), number }.into()
    }

    /// Applies the stored block after `tip`, which the state lacks.
    fn replay(&self, tip: &Tip, location: Location) -> Result<Tip, LedgerError> {
        let number = tip.height;
        let block = checked_block(&self.channel, &self.blocks, location, tip)?;
        let txs = opened_txs(&self.channel, &block, number, stored_tx)?;
        let (outcome, updates) = self.trust(tip, &txs)?;
        if outcome.commit_hash != block::commit_hash(&block).unwrap_or_default() {
            return Err(self.corrupt(number, "its changes do not match its commit hash"));
        }
        let header = block.header.as_ref();
        let header = header.ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        if number == 0 {
            self.check_private_store(&block::header_hash(header))?;
        }
        let private = self.private.block(number)?;
        self.apply_block(header, location, &txs, &outcome, updates, &private)
    }

    /// Checks that the private data store belongs to the chain, before a state is rebuilt from all
    /// blocks. The store is created before the genesis block is stored. Without it, hashes that
    /// have expired would never expire again.
    fn check_private_store(&self, genesis: &[u8]) -> Result<(), LedgerError> {
        if self.private.chain()?.as_deref() == Some(genesis) {
            return Ok(());
        }
        match self.private.holds_sets_from(0)? {
            true => Err(self.private.of_another_chain(&self.channel, genesis)),
            false => Err(FoldersError::BlocksAlone { channel: self.channel.clone() }.into()),
        }
    }

    fn stored(&self, number: u64, location: Location) -> Result<Block, LedgerError> {
        self.blocks.read(location)?.ok_or_else(|| self.corrupt(number, "its record is damaged"))
    }
}

/// Checks that the blocks belong to a channel: their genesis block names it. Accepts blocks whose
/// first block is missing or damaged; later reads report the damage.
///
/// Errors: `OtherChannel`.
pub(crate) fn check_name(channel: &ChannelId, blocks: &BlockFile) -> Result<(), LedgerError> {
    let BlockScan::Record(location) = blocks.scan(0)? else { return Ok(()) };
    let Some(genesis) = blocks.read(location)? else { return Ok(()) };
    let genesis = MatchedBlock::of(genesis).map(MatchedBlock::into_block);
    match genesis.and_then(|genesis| genesis_channel(&genesis)) {
        Ok((named, _)) if named != *channel => {
            Err(LedgerError::OtherChannel { folder: channel.clone(), channel: named })
        }
        _ => Ok(()),
    }
}

/// Returns the number of the last block in a table; None if it has none.
pub(crate) fn savepoint(table: &Table) -> Result<Option<u64>, LedgerError> {
    let digits = table.get(key::SAVEPOINT, |bytes| {
        let digits = bytes.try_into();
        digits
            .map_err(|_| LedgerError::CorruptState { what: "the savepoint does not have 8 bytes" })
    })?;
    Ok(digits.map(u64::from_be_bytes))
}

/// Reads a stored block and checks what needs no state: that it continues the chain and matches its
/// header.
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
    let block =
        blocks.read(location)?.ok_or_else(|| damaged("its record is damaged".to_owned()))?;
    let verdicts = block::tx_filter(&block).len();
    let matched = MatchedBlock::of(block).and_then(|block| {
        check_block(&block, tip, verdicts)?;
        Ok(block)
    });
    Ok(matched.map_err(|error| damaged(error.to_string()))?.into_block())
}

/// Returns the transactions of a stored block; `open` makes each from its envelope and verdict.
pub(crate) fn opened_txs(
    channel: &ChannelId,
    block: &Block,
    number: u64,
    open: impl Fn(&Bytes, u8) -> Result<CommitTx, LedgerError>,
) -> Result<Vec<CommitTx>, LedgerError> {
    let envelopes = block.data.as_ref().map_or(&[][..], |data| &data.data);
    let txs = envelopes.iter().zip(block::tx_filter(block)).enumerate();
    txs.map(|(index, (envelope, &verdict))| {
        open(envelope, verdict).map_err(|error| {
            let reason = format!("transaction {index}: {error}");
            LedgerError::CorruptBlock { channel: channel.clone(), number, reason }
        })
    })
    .collect()
}

/// Returns a transaction with its stored verdict. Only valid ones have changes to apply.
fn stored_tx(envelope: &Bytes, verdict: u8) -> Result<CommitTx, LedgerError> {
    let code = TxValidationCode::try_from(i32::from(verdict))
        .unwrap_or(TxValidationCode::InvalidOtherReason);
    match TxEnvelope::open(envelope.clone()) {
        Ok(parsed) => {
            let valid = code == TxValidationCode::Valid;
            let rwset = if valid { parsed.rwset()? } else { None };
            Ok(CommitTx { tx_id: Some(parsed.tx_id()), code, rwset })
        }
        Err(error) if code == TxValidationCode::Valid => Err(error),
        Err(_) => Ok(CommitTx { tx_id: None, code, rwset: None }),
    }
}
