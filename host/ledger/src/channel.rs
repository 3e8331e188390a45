//! One channel's ledger: reads its blocks and opens its simulators.
//!
//! Invariant: nothing is written here (see `commit`), and no reader waits for a commit.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::RwLock;

use prost::Message;

use crate::block_file::BlockFile;
use crate::block_file::Location;
use crate::checked_blocks::CheckedBlocks;
use crate::commit::Writer;
use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::history::HistoryIterator;
use crate::key;
use crate::overlay::Overlay;
use crate::private::store::PrivateStore;
use crate::private::transient::TransientStore;
use crate::reopen::Home;
use crate::rich::Indexes;
use crate::simulator::Simulator;
use crate::snapshot::Snapshot;
use crate::store::Table;
use wasmcc_types::ChannelId;
use wasmcc_types::Height;
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::common::BlockchainInfo;
use wasmcc_types::proto::common::Envelope;
use wasmcc_types::proto::protos::ProcessedTransaction;
use wasmcc_types::proto::protos::TxValidationCode;

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
    pub(crate) indexes: Indexes,
    pub(crate) tip: RwLock<Tip>,
    pub(crate) writer: Mutex<Writer>,
    /// The databases that hold the channel's tables; not set when a tool opened it.
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

/// Index entry of a transaction.
pub(crate) struct TxEntry {
    pub(crate) height: Height,
    pub(crate) code: u8,
}

impl TxEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.height.to_bytes();
        bytes.push(self.code);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        match key::height(bytes) {
            Some((height, &[code])) => Ok(Self { height, code }),
            _ => Err(LedgerError::CorruptState { what: "a transaction has no block and code" }),
        }
    }
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

    /// Height and the hashes of the last two block headers.
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
    /// Errors: `CorruptBlock` if the block is not what was stored. Other blocks are not affected.
    pub fn block(&self, number: u64) -> Result<Option<Block>, LedgerError> {
        let Some(location) = self.location(number)? else { return Ok(None) };
        self.stored_block(number, location).map(Some)
    }

    /// The block whose header has this hash.
    pub fn block_by_hash(&self, hash: &[u8]) -> Result<Option<Block>, LedgerError> {
        let number = self.table.get(&key::block_hash(hash), |bytes| {
            let digits = bytes.try_into();
            digits.map_err(|_| LedgerError::CorruptState {
                what: "a block number does not have 8 bytes",
            })
        })?;
        number.map_or(Ok(None), |digits| self.block(u64::from_be_bytes(digits)))
    }

    /// The block that holds a transaction, valid or not; the first if the id occurs twice.
    pub fn block_by_tx_id(&self, tx_id: &str) -> Result<Option<Block>, LedgerError> {
        match self.tx_entry(tx_id)? {
            Some(entry) => self.block(entry.height.block),
            None => Ok(None),
        }
    }

    /// A transaction, valid or not, and its verdict.
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

    /// Returns the verdict on a transaction and the number of its block, with one look into the
    /// index; None if the ledger has no transaction of this id.
    pub fn tx_validation(
        &self,
        tx_id: &str,
    ) -> Result<Option<(TxValidationCode, u64)>, LedgerError> {
        let Some(entry) = self.tx_entry(tx_id)? else { return Ok(None) };
        let code = TxValidationCode::try_from(i32::from(entry.code))
            .unwrap_or(TxValidationCode::InvalidOtherReason);
        Ok(Some((code, entry.height.block)))
    }

    /// Starts a simulation on the current state. `tx_id` only appears in error texts. The
    /// simulation sees no private data in the clear.
    pub fn simulator(self: &Arc<Self>, tx_id: &str) -> Simulator {
        Simulator::new(self.snapshot(), tx_id)
    }

    /// Starts a simulation that reads private data as a peer of `org` (MSP id) holds them.
    pub fn simulator_for(self: &Arc<Self>, tx_id: &str, org: &str) -> Simulator {
        Simulator::new(self.snapshot(), tx_id).reading_as(org)
    }

    /// Returns a snapshot of the current state, for reads that are not recorded.
    pub fn snapshot(self: &Arc<Self>) -> Snapshot {
        Snapshot::new(Arc::clone(self))
    }

    /// Everything that valid transactions ever wrote to a public key, newest first.
    pub fn history(
        self: &Arc<Self>,
        namespace: &str,
        key: &str,
    ) -> Result<HistoryIterator, LedgerError> {
        HistoryIterator::new(&self.snapshot(), namespace, key)
    }

    pub(crate) fn tip(&self) -> Tip {
        self.tip.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes the end of the chain, unless a newer one is known. Recovery applies blocks once
    /// more.
    pub(crate) fn set_tip(&self, tip: Tip) {
        let mut known = self.tip.write().unwrap_or_else(PoisonError::into_inner);
        if tip.height >= known.height {
            wasmcc_metrics::channel(self.channel.as_str()).height(tip.height);
            *known = tip;
        }
    }

    /// Where a block is stored; None if its number is not committed.
    pub(crate) fn location(&self, number: u64) -> Result<Option<Location>, LedgerError> {
        self.table.get(&key::block(number), Location::decode)
    }

    pub(crate) fn tx_entry(&self, tx_id: &str) -> Result<Option<TxEntry>, LedgerError> {
        self.table.get(&key::tx(tx_id), TxEntry::decode)
    }

    /// The serialized envelope of a transaction of a committed block.
    pub(crate) fn envelope(&self, height: Height) -> Result<Vec<u8>, LedgerError> {
        let missing = || self.corrupt(height.block, "an indexed transaction is not in it");
        let location = self.location(height.block)?.ok_or_else(missing)?;
        self.stored_entry(height.block, location, height.tx)?.ok_or_else(missing)
    }

    pub(crate) fn corrupt(&self, number: u64, reason: impl Into<String>) -> LedgerError {
        let channel = self.channel.clone();
        LedgerError::CorruptBlock { channel, number, reason: reason.into() }
    }
}
