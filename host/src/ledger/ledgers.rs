//! The ledgers of a peer: a folder with a state database, one block file per channel, and the
//! peer's own values.
//!
//! ```text
//! <dir>/state                     sled; can be made again from the blocks and the private data
//! <dir>/private                   sled: private data store and transient store
//! <dir>/channels/<id>/blocks      see block_file
//! <dir>/channels/<id>/accepted.*  the orderer's, see committer::accepted_log
//! <dir>/peer/                     see peer_values
//! ```
//!
//! Invariant: a channel exists if its block file holds a block; nothing else says so.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::ledger::block_file::BlockFile;
use crate::ledger::channel::Ledger;
use crate::ledger::channel_folders::ChannelFolders;
use crate::ledger::collections::NoCollections;
use crate::ledger::commit::CommitTx;
use crate::ledger::config::LedgerConfig;
use crate::ledger::envelope::TxEnvelope;
use crate::ledger::error::LedgerError;
use crate::ledger::folder::CHANNELS;
use crate::ledger::folder::PRIVATE;
use crate::ledger::folder::STATE;
use crate::ledger::folder::Tables;
use crate::ledger::peer_values::PeerValues;
use crate::ledger::store::Database;
use crate::proto::common::Block;
use crate::proto::protos::TxValidationCode;
use crate::types::ChannelId;

/// All channels of a peer, and what it keeps besides.
pub struct Ledgers {
    // Dropped in this order: the database before the folder that it is in.
    channels: RwLock<BTreeMap<ChannelId, Arc<Ledger>>>,
    database: Database,
    private: Database,
    peer: PeerValues,
    config: LedgerConfig,
    dir: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Ledgers {
    /// Opens the folder, made if it is missing, and brings every channel up to its blocks.
    ///
    /// Errors: `Locked` if it is open already, `CorruptBlock` and `StateAhead` if a channel cannot
    /// be opened; nothing is changed then.
    pub fn open(dir: &Path, config: LedgerConfig) -> Result<Self, LedgerError> {
        Self::open_in(dir, config, None)
    }

    /// Ledgers in a new folder that goes away when they are dropped. Nothing is forced to disk.
    pub fn temporary(config: LedgerConfig) -> Result<Self, LedgerError> {
        let parent = std::env::temp_dir();
        let dir = tempfile::tempdir().map_err(io("make a folder in", &parent))?;
        let path = dir.path().to_owned();
        Self::open_in(&path, config, Some(dir))
    }

    fn open_in(
        dir: &Path,
        config: LedgerConfig,
        temporary: Option<tempfile::TempDir>,
    ) -> Result<Self, LedgerError> {
        fs::create_dir_all(dir.join(CHANNELS)).map_err(io("make", dir))?;
        let open = |name| Database::open(&dir.join(name), config.cache_bytes, temporary.is_some());
        let (database, private) = (open(STATE)?, open(PRIVATE)?);
        let ledgers = Self {
            channels: RwLock::default(),
            database,
            private,
            peer: PeerValues::open(&dir.join("peer"))?,
            config,
            dir: dir.to_owned(),
            temporary,
        };
        let is_known = |channel: &ChannelId| {
            ledgers.database.has_table(channel) || ledgers.private.has_table(channel)
        };
        let folders = ChannelFolders::list(&dir.join(CHANNELS), is_known)?;
        folders.warn();
        let mut channels = BTreeMap::new();
        for channel in folders.channels {
            let ledger = ledgers.open_channel(&channel)?;
            // A channel without a block is one whose creation was interrupted.
            if ledger.height() > 0 {
                channels.insert(channel, Arc::new(ledger));
            }
        }
        *ledgers.channels.write().unwrap_or_else(PoisonError::into_inner) = channels;
        Ok(ledgers)
    }

    /// Makes a channel and commits its genesis block, whose first envelope names the channel.
    pub fn create(&self, genesis: &Block) -> Result<Arc<Ledger>, LedgerError> {
        let (channel, tx) = genesis_channel(genesis)?;
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        if channels.contains_key(&channel) {
            return Err(LedgerError::ChannelExists { channel });
        }
        let ledger = Arc::new(self.open_channel(&channel)?);
        let rwset = if tx.is_endorser_tx() { None } else { tx.rwset()? };
        let tx = CommitTx { tx_id: Some(tx.tx_id()), code: TxValidationCode::Valid, rwset };
        ledger.commit(genesis.clone(), vec![tx], &NoCollections)?;
        channels.insert(channel, Arc::clone(&ledger));
        Ok(ledger)
    }

    /// The ledger of a channel.
    pub fn get(&self, channel: &str) -> Option<Arc<Ledger>> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    /// All channels, sorted.
    pub fn channels(&self) -> Vec<ChannelId> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The folder that everything is in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the folder of a channel, in which the orderer keeps its log; none if the ledgers are
    /// temporary.
    pub fn channel_dir(&self, channel: &ChannelId) -> Option<PathBuf> {
        let dir = || self.dir.join(CHANNELS).join(channel.as_str());
        self.temporary.is_none().then(dir)
    }

    /// Keeps a value that belongs to no channel, such as an installed package, under a name of at
    /// most 240 bytes. When this returns it is on disk.
    pub fn put_peer_value(&self, key: &str, value: &[u8]) -> Result<(), LedgerError> {
        self.peer.put(key, value)
    }

    /// A value that `put_peer_value` kept.
    pub fn get_peer_value(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        self.peer.get(key)
    }

    /// Forgets a value; nothing happens if there is none.
    pub fn remove_peer_value(&self, key: &str) -> Result<(), LedgerError> {
        self.peer.remove(key)
    }

    /// The names of kept values that start with `prefix`, sorted.
    pub fn peer_value_keys(&self, prefix: &str) -> Result<Vec<String>, LedgerError> {
        self.peer.keys(prefix)
    }

    fn open_channel(&self, channel: &ChannelId) -> Result<Ledger, LedgerError> {
        let parent = self.dir.join(CHANNELS);
        let dir = parent.join(channel.as_str());
        fs::create_dir_all(&dir).map_err(io("make", &dir))?;
        let durable = self.temporary.is_none();
        let blocks = BlockFile::open(&dir.join("blocks"), durable)?;
        if durable {
            // A file is found again after a power failure only if its folders were flushed, too.
            for dir in [&dir, &parent, &self.dir] {
                File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("flush", dir))?;
            }
        }
        let tables = Tables::open(&self.database, &self.private, channel)?;
        Ledger::open(channel.clone(), self.config.clone(), tables, blocks)
    }
}

/// The channel that a genesis block is for, and its one transaction.
pub(crate) fn genesis_channel(genesis: &Block) -> Result<(ChannelId, TxEnvelope), LedgerError> {
    let envelopes = genesis.data.as_ref().map_or(&[][..], |data| &data.data);
    let [envelope] = envelopes else {
        return Err(LedgerError::NotGenesis { reason: "it must hold one transaction" });
    };
    let tx = TxEnvelope::parse(envelope)?;
    Ok((ChannelId::parse(&tx.channel_header.channel_id)?, tx))
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError {
    move |source| LedgerError::Io { action, path: path.to_owned(), source }
}
