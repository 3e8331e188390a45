//! The ledgers of a peer: a folder with a state database, one block file per channel, and the
//! peer's own values.
//!
//! ```text
//! <dir>/state                     sled; can be rebuilt from the blocks and the private data
//! <dir>/private                   sled: private data store and transient store
//! <dir>/channels/<id>/blocks      see block_file
//! <dir>/channels/<id>/accepted.*  the orderer's, see committer::accepted_log
//! <dir>/peer/                     see peer_values
//! ```
//!
//! Invariant: a channel exists if, and only if, its block file contains a block.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::block::envelope::TxEnvelope;
use crate::block::genesis::genesis_channel;
use crate::block::header_hash;
use crate::block::tx::CommitTx;
use crate::commit::folderless::{folder_missing, without_folder};
use crate::commit::recover::check_name;
use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::ledger::{Home, Ledger};
use crate::private::rules::NoCollections;
use crate::private::store::{PrivateStore, holds_private_values};
use crate::store::block_file::{BlockFile, BlockScan};
use crate::store::channel_folders::ChannelFolders;
use crate::store::peer_values::PeerValues;
use crate::store::tables::{CHANNELS, PEER, PRIVATE, STATE, Tables};
use crate::store::temporary::TemporaryFolder;
use crate::store::{Batch, Database, disk, key};
use wasmcc_metrics::{TransactionKind, UNKNOWN};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::{Block, HeaderType};
use wasmcc_types::proto::protos::TxValidationCode;

/// All channels of a peer, and the peer's own values.
pub struct Ledgers {
    // Order of dropping: the databases before the folder that contains them.
    channels: RwLock<BTreeMap<ChannelId, Arc<Ledger>>>,
    pub(crate) home: Arc<Home>,
    peer: PeerValues,
    config: LedgerConfig,
    dir: PathBuf,
    temporary: Option<TemporaryFolder>,
}

impl Ledgers {
    /// Opens the folder, and creates it if it is missing. Recovers every channel.
    ///
    /// Errors: `Locked` if it is open already; `CorruptBlock`, `StateAhead` and `OtherChannel` if a
    /// channel cannot be opened. Nothing is changed then.
    pub fn open(dir: &Path, config: LedgerConfig) -> Result<Self, LedgerError> {
        Self::open_in(dir, config, None)
    }

    /// Opens ledgers in a temporary folder, which is removed when they are dropped. Nothing is
    /// flushed. Also removes folders that earlier processes left behind.
    pub fn temporary(config: LedgerConfig) -> Result<Self, LedgerError> {
        let folder = TemporaryFolder::new()?;
        let path = folder.path().to_owned();
        Self::open_in(&path, config, Some(folder))
    }

    fn open_in(
        dir: &Path,
        config: LedgerConfig,
        temporary: Option<TemporaryFolder>,
    ) -> Result<Self, LedgerError> {
        disk::make_folder(dir)?;
        disk::make_folder(&dir.join(CHANNELS))?;
        let open = |name| Database::open(&dir.join(name), config.cache_bytes, temporary.is_some());
        let ledgers = Self {
            channels: RwLock::default(),
            home: Arc::new(Home::new(open(STATE)?, open(PRIVATE)?)),
            peer: PeerValues::open(&dir.join(PEER))?,
            config,
            dir: dir.to_owned(),
            temporary,
        };
        let is_known = |channel: &ChannelId| {
            [&ledgers.home.state, &ledgers.home.private].iter().any(|it| it.has_table(channel))
        };
        let folders = ChannelFolders::list(&dir.join(CHANNELS), is_known)?;
        folders.warn();
        for channel in without_folder(&ledgers.home.state, dir)? {
            let error = folder_missing(&ledgers.home.state, dir, &channel)?;
            tracing::error!(%channel, "{error}");
        }
        let mut channels = BTreeMap::new();
        for channel in folders.channels {
            let ledger = ledgers.open_channel(&channel)?;
            // A channel without a block is left from an interrupted creation.
            if ledger.height() > 0 {
                channels.insert(channel, ledgers.home.add(ledger));
            }
        }
        *ledgers.channels.write().unwrap_or_else(PoisonError::into_inner) = channels;
        Ok(ledgers)
    }

    /// Creates a channel and commits its genesis block, whose first envelope names the channel.
    ///
    /// Errors: `ChannelExists`; `PrivateDataOfAnotherChain` if there was a channel of this name
    /// before and only its folder was removed.
    pub fn create(&self, genesis: &Block) -> Result<Arc<Ledger>, LedgerError> {
        let (channel, tx) = genesis_channel(genesis)?;
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        if channels.contains_key(&channel) {
            return Err(LedgerError::ChannelExists { channel });
        }
        self.home.mend()?;
        self.check_nothing_lost(&channel, genesis)?;
        let ledger = self.join(&channel, genesis, &tx).inspect_err(|_| {
            // If they cannot be removed now, the next attempt or the next start removes them.
            if let Err(error) = self.remove_unfinished(&channel) {
                tracing::warn!(%channel, %error, "the remains of the channel were not removed");
            }
        })?;
        let ledger = self.home.add(ledger);
        channels.insert(channel, Arc::clone(&ledger));
        Ok(ledger)
    }

    /// Checks that no private data of an earlier channel of this name are stored.
    fn check_nothing_lost(&self, channel: &ChannelId, genesis: &Block) -> Result<(), LedgerError> {
        let Home { state, private, .. } = &*self.home;
        if !private.has_table(channel) && !state.has_table(channel) {
            return Ok(());
        }
        let store = PrivateStore::new(private.table(channel)?);
        if !store.holds_sets()? && !holds_private_values(&state.table(channel)?) {
            return Ok(());
        }
        let hash = genesis.header.as_ref().map(header_hash).unwrap_or_default();
        Err(store.of_another_chain(channel, &hash))
    }

    fn join(
        &self,
        channel: &ChannelId,
        genesis: &Block,
        tx: &TxEnvelope,
    ) -> Result<Ledger, LedgerError> {
        let mut ledger = self.open_channel(channel)?;
        match ledger.height() {
            0 => {}
            1 => {
                drop(ledger);
                self.remove_unfinished(channel)?;
                ledger = self.open_channel(channel)?;
            }
            _ => return Err(LedgerError::ChannelExists { channel: channel.clone() }),
        }
        let rwset = if tx.is_endorser_tx() { None } else { tx.rwset()? };
        let code = TxValidationCode::Valid;
        let commit = CommitTx { tx_id: Some(tx.tx_id()), code, rwset };
        ledger.commit(genesis.clone(), vec![commit], &NoCollections)?;
        if let Some(series) = ledger.series() {
            // The committer counts the transactions of later blocks, but it never sees the genesis
            // block. Fabric: core/ledger/kvledger/kv_ledger.go, `commit`.
            let header_type = HeaderType::try_from(tx.channel_header.r#type);
            let header_type = header_type.map_or(UNKNOWN, |kind| kind.as_str_name());
            let (chaincode, is_valid, code) = (UNKNOWN, true, code.as_str_name());
            series.transactions(TransactionKind { header_type, chaincode, is_valid, code }, 1);
        }
        Ok(ledger)
    }

    /// Removes the remains of a channel whose genesis block was not committed. No handle to it may
    /// exist.
    fn remove_unfinished(&self, channel: &ChannelId) -> Result<(), LedgerError> {
        let dir = self.dir.join(CHANNELS).join(channel.as_str());
        let blocks = dir.join("blocks");
        if blocks.exists() {
            let file = BlockFile::open(&blocks, self.temporary.is_none())?;
            if let BlockScan::Record(first) = file.scan(0)?
                && file.scan(first.end())? != BlockScan::End
            {
                return Err(LedgerError::ChannelExists { channel: channel.clone() });
            }
            // Without its savepoint the state has no blocks, even if the next steps are
            // interrupted.
            let table = self.home.state.table(channel)?;
            let mut batch = Batch::default();
            batch.delete(key::SAVEPOINT.to_vec());
            table.apply(batch)?;
            table.flush()?;
            file.truncate(0)?;
            table.clear()?;
        }
        disk::remove(&dir)
    }

    /// Returns the ledger of a channel.
    pub fn get(&self, channel: &str) -> Option<Arc<Ledger>> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    /// Returns all channels, sorted.
    pub fn channels(&self) -> Vec<ChannelId> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Flushes everything, for the end of a process in which handles may still exist. A failure is
    /// logged: data that are not flushed are rebuilt from the blocks.
    pub fn flush(&self) {
        if !self.home.has_failed()
            && let Err(error) = self.home.flush()
        {
            tracing::warn!(%error, "the ledgers were not flushed at closing");
        }
    }

    /// The folder of all files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the folder of a channel, in which the orderer keeps its log; None if the ledgers are
    /// temporary.
    pub fn channel_dir(&self, channel: &ChannelId) -> Option<PathBuf> {
        let dir = || self.dir.join(CHANNELS).join(channel.as_str());
        self.temporary.is_none().then(dir)
    }

    /// Stores a value that is independent of channels, such as an installed package, under a name
    /// of at most 240 bytes. It is on disk when this returns.
    pub fn put_peer_value(&self, key: &str, value: &[u8]) -> Result<(), LedgerError> {
        self.peer.put(key, value)
    }

    /// Returns a value stored by `put_peer_value`.
    pub fn get_peer_value(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        self.peer.get(key)
    }

    /// Returns the lines of such a value, each parsed by `parse`; empty if there is no value.
    ///
    /// Errors: `Io` with the file if `parse` refuses a line, which is then not what was `expected`,
    /// or if the last line has no end.
    pub fn peer_value_lines<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, LedgerError> {
        self.peer.lines(key, expected, parse)
    }

    /// Removes a value; does nothing if it is missing.
    pub fn remove_peer_value(&self, key: &str) -> Result<(), LedgerError> {
        self.peer.remove(key)
    }

    /// Returns the names of values that start with `prefix`, sorted.
    pub fn peer_value_keys(&self, prefix: &str) -> Result<Vec<String>, LedgerError> {
        self.peer.keys(prefix)
    }

    fn open_channel(&self, channel: &ChannelId) -> Result<Ledger, LedgerError> {
        let parent = self.dir.join(CHANNELS);
        let dir = parent.join(channel.as_str());
        disk::make_folder(&dir)?;
        let durable = self.temporary.is_none();
        let blocks = BlockFile::open(&dir.join("blocks"), durable)?;
        check_name(channel, &blocks)?;
        if durable {
            // A new file survives a power failure only if its parent folders are flushed, too.
            for dir in [&dir, &parent, &self.dir] {
                disk::flush_folder(dir)?;
            }
        }
        let tables = Tables::open(&self.home.state, &self.home.private, channel)?;
        Ledger::open(channel.clone(), self.config.clone(), tables, blocks)
    }
}

impl Drop for Ledgers {
    fn drop(&mut self) {
        // The databases stay open as long as a handle to a channel exists.
        self.flush();
    }
}
