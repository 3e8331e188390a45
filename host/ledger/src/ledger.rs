//! One channel's ledger: its parts, and reading of its blocks.
//!
//! Simulations are in `simulate`, changes of the ledger in `commit`.
//!
//! Invariant: no block is written here, and no reader waits for a commit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use prost::Message;

use crate::block;
use crate::block::envelope::TxEnvelope;
use crate::block::rwset::TxRwSet;
use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::private::store::PrivateStore;
use crate::private::transient::TransientStore;
use crate::rich::Indexes;
use crate::store::block_file::{BlockFile, Location};
use crate::store::checked_blocks::CheckedBlocks;
use crate::store::namespace_heights::NamespaceHeights;
use crate::store::overlay::Overlay;
use crate::store::tx_entry::TxEntry;
use crate::store::{Database, Table, key};
use wasmcc_types::proto::common::{Block, BlockchainInfo, Envelope};
use wasmcc_types::proto::protos::{ProcessedTransaction, TxValidationCode};
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;
use wasmcc_types::{ChannelId, Height};

/// The ledger of one channel, shared by all readers and writers of the channel.
pub struct Ledger {
    pub(crate) channel: ChannelId,
    pub(crate) config: LedgerConfig,
    pub(crate) table: Table,
    pub(crate) private: PrivateStore,
    pub(crate) transient: TransientStore,
    pub(crate) blocks: BlockFile,
    pub(crate) checked: CheckedBlocks,
    pub(crate) overlay: Overlay,
    pub(crate) namespaces: NamespaceHeights,
    pub(crate) indexes: Indexes,
    pub(crate) tip: RwLock<Tip>,
    pub(crate) writer: Mutex<Writer>,
    /// The databases that contain the channel's tables; not set if a tool opened it.
    pub(crate) home: OnceLock<Arc<Home>>,
}

/// The end of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tip {
    /// Number of blocks.
    pub(crate) height: u64,
    /// Header hash of the last block; empty if there is none.
    pub(crate) current_hash: Vec<u8>,
    /// Header hash of the block before it; empty for a genesis block.
    pub(crate) previous_hash: Vec<u8>,
    /// Commit hash of the last block; empty for a genesis block.
    pub(crate) commit_hash: Vec<u8>,
}

/// State of the writer; its lock is held for a whole commit.
pub(crate) struct Writer {
    /// True while a commit is unfinished: the disk may be ahead of memory.
    pub(crate) failed: bool,
    /// The offset for the next block.
    pub(crate) offset: u64,
}

/// The databases that the channels of a peer share.
pub(crate) struct Home {
    pub(crate) state: Database,
    pub(crate) private: Database,
    pub(crate) ledgers: Mutex<Vec<Weak<Ledger>>>,
    /// Held while databases are opened again, and taken before any writer's lock.
    pub(crate) reopening: Mutex<()>,
}

impl Ledger {
    /// The channel.
    pub fn channel_id(&self) -> &ChannelId {
        &self.channel
    }

    /// Number of blocks, which is also the number of the next one.
    pub fn height(&self) -> u64 {
        self.tip().height
    }

    /// Returns the height, and the hashes of the last two block headers.
    pub fn info(&self) -> BlockchainInfo {
        let tip = self.tip();
        BlockchainInfo {
            height: tip.height,
            current_block_hash: tip.current_hash,
            previous_block_hash: tip.previous_hash,
        }
    }

    /// The commit hash of the last block; empty while there is only the genesis block.
    pub fn last_commit_hash(&self) -> Vec<u8> {
        self.tip().commit_hash
    }

    /// Returns a committed block, with verdicts and commit hash in its metadata.
    ///
    /// Errors: `CorruptBlock` if the block differs from the one that was stored. Other blocks are
    /// not affected.
    pub fn block(&self, number: u64) -> Result<Option<Block>, LedgerError> {
        let Some(location) = self.location(number)? else { return Ok(None) };
        self.stored_block(number, location).map(Some)
    }

    /// Returns the block whose header has this hash.
    pub fn block_by_hash(&self, hash: &[u8]) -> Result<Option<Block>, LedgerError> {
        let number = self.table.get(&key::block_hash(hash), |bytes| {
            let digits = bytes.try_into();
            digits.map_err(|_| LedgerError::CorruptState {
                what: "a block number does not have 8 bytes",
            })
        })?;
        number.map_or(Ok(None), |digits| self.block(u64::from_be_bytes(digits)))
    }

    /// Returns the block that contains a transaction, valid or not; the first if the id occurs
    /// twice.
    pub fn block_by_tx_id(&self, tx_id: &str) -> Result<Option<Block>, LedgerError> {
        match self.tx_entry(tx_id)? {
            Some(entry) => self.block(entry.height.block),
            None => Ok(None),
        }
    }

    /// Returns a transaction, valid or not, and its verdict.
    pub fn transaction_by_id(
        &self,
        tx_id: &str,
    ) -> Result<Option<ProcessedTransaction>, LedgerError> {
        let Some(entry) = self.tx_entry(tx_id)? else { return Ok(None) };
        let bytes = self.envelope(entry.height)?;
        let envelope = Envelope::decode(bytes.as_slice())
            .map_err(|source| LedgerError::Decode { what: "envelope", source })?;
        Ok(Some(ProcessedTransaction {
            transaction_envelope: Some(envelope),
            validation_code: i32::from(entry.code),
        }))
    }

    /// Returns the verdict on a transaction and the number of its block, with a single index
    /// look-up; None if the ledger has no transaction of this id.
    pub fn tx_validation(
        &self,
        tx_id: &str,
    ) -> Result<Option<(TxValidationCode, u64)>, LedgerError> {
        let Some(entry) = self.tx_entry(tx_id)? else { return Ok(None) };
        let code = TxValidationCode::try_from(i32::from(entry.code))
            .unwrap_or(TxValidationCode::InvalidOtherReason);
        Ok(Some((code, entry.height.block)))
    }

    /// Keeps the private data of a simulation until its transaction is in a block (Fabric:
    /// transient store). They are on disk when this returns. Keeping the same data again does
    /// nothing. `creator` is the serialized identity of the client.
    ///
    /// Errors: `TransientShareUsed` if the client's waiting sets are at the client's limit;
    /// `TransientStoreFull`.
    pub fn keep_transient(
        &self,
        tx_id: &str,
        creator: &[u8],
        private: &TxPvtReadWriteSet,
    ) -> Result<(), LedgerError> {
        self.transient.keep(tx_id, creator, private, self.height(), &self.config)
    }

    /// Returns the stored private data of a committed transaction for an organization (MSP id),
    /// ordered by namespace and collection; None if there are none. Purged keys are left out.
    pub fn private_data(
        &self,
        org: &str,
        block: u64,
        tx: u64,
    ) -> Result<Option<TxPvtReadWriteSet>, LedgerError> {
        self.private.sets_of_tx(org, Height::new(block, tx), self.height())
    }

    /// As [`private_data`](Self::private_data), for all transactions of a block, by their indexes.
    pub fn private_data_of_block(
        &self,
        org: &str,
        block: u64,
    ) -> Result<BTreeMap<u64, TxPvtReadWriteSet>, LedgerError> {
        self.private.sets_of_block(org, block, self.height())
    }

    pub(crate) fn tip(&self) -> Tip {
        self.tip.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes the end of the chain, unless a newer one is published. Recovery applies blocks
    /// again.
    pub(crate) fn set_tip(&self, tip: Tip) {
        let mut known = self.tip.write().unwrap_or_else(PoisonError::into_inner);
        if tip.height >= known.height {
            if let Some(series) = self.series() {
                series.height(tip.height);
            }
            *known = tip;
        }
    }

    /// The metrics of the channel; None if this is a copy of it.
    pub(crate) fn series(&self) -> Option<Arc<wasmcc_metrics::Channel>> {
        self.config.is_measured.then(|| wasmcc_metrics::channel(self.channel.as_str()))
    }

    /// Returns the location of a block; None if its number is not committed.
    pub(crate) fn location(&self, number: u64) -> Result<Option<Location>, LedgerError> {
        self.table.get(&key::block(number), Location::decode)
    }

    pub(crate) fn tx_entry(&self, tx_id: &str) -> Result<Option<TxEntry>, LedgerError> {
        self.table.get(&key::tx(tx_id), TxEntry::decode)
    }

    /// Returns the serialized envelope of a transaction of a committed block.
    pub(crate) fn envelope(&self, height: Height) -> Result<Vec<u8>, LedgerError> {
        let missing = || self.corrupt(height.block, "an indexed transaction is not in it");
        let location = self.location(height.block)?.ok_or_else(missing)?;
        self.stored_entry(height.block, location, height.tx)?.ok_or_else(missing)
    }

    /// Returns the public read-write set of a committed transaction.
    pub(crate) fn public_set(&self, at: Height) -> Result<TxRwSet, LedgerError> {
        Ok(TxEnvelope::parse(&self.envelope(at)?)?.rwset()?.unwrap_or_default())
    }

    pub(crate) fn corrupt(&self, number: u64, reason: impl Into<String>) -> LedgerError {
        let channel = self.channel.clone();
        LedgerError::CorruptBlock { channel, number, reason: reason.into() }
    }

    /// Locks the writer, even if the last commit panicked.
    pub(crate) fn any_writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a block; checks its hashes if this is its first read.
    ///
    /// Errors: `CorruptBlock` if it differs from the block that was stored.
    pub(crate) fn stored_block(
        &self,
        number: u64,
        location: Location,
    ) -> Result<Block, LedgerError> {
        let block = self.blocks.read(location)?;
        let block = block.ok_or_else(|| self.corrupt(number, "its record is damaged"))?;
        if !self.checked.contains(number) {
            self.check_stored(number, &block)?;
            self.checked.insert(number);
        }
        Ok(block)
    }

    /// Reads a transaction of a block. The first read of a block checks the hashes of the whole
    /// block.
    pub(crate) fn stored_entry(
        &self,
        number: u64,
        location: Location,
        index: u64,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        if self.checked.contains(number) {
            return self.blocks.read_entry(location, index);
        }
        let data = self.stored_block(number, location)?.data.unwrap_or_default().data;
        let entry = usize::try_from(index).ok().and_then(|index| data.into_iter().nth(index));
        Ok(entry.map(Vec::from))
    }

    /// Checks that the data match the header, and that the header belongs to the chain.
    fn check_stored(&self, number: u64, block: &Block) -> Result<(), LedgerError> {
        let header =
            block.header.as_ref().ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        let data = block.data.as_ref().ok_or(LedgerError::IncompleteBlock { part: "data" })?;
        if header.data_hash != block::data_hash(data) {
            return Err(self.corrupt(number, "it does not match the data hash in its header"));
        }
        let row = key::block_hash(&block::header_hash(header));
        let is_this = |bytes: &[u8]| Ok(bytes == number.to_be_bytes());
        if header.number != number || self.table.get(&row, is_this)? != Some(true) {
            return Err(self.corrupt(number, "its header is not that of the chain"));
        }
        if block::tx_filter(block).len() != data.data.len() {
            return Err(self.corrupt(number, "the numbers of its transactions and verdicts differ"));
        }
        Ok(())
    }
}
