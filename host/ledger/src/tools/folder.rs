//! A ledger folder that no peer has open, for the tools that inspect and repair it.
//!
//! Unlike `Ledgers`, opening it recovers nothing: the tools see the files on disk. Each tool has a
//! file of its own: `verify`, `rebuild`, `export`, `import`, `inspect`.
//!
//! Invariant: opening changes no block. A state that cannot be opened is a finding, not an error.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commit::folderless::{folder_missing, height_in, without_folder};
use crate::commit::recover::check_name;
use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::private::rules::NoCollections;
use crate::store::block_file::BlockFile;
use crate::store::channel_folders::ChannelFolders;
use crate::store::tables::{CHANNELS, PRIVATE, STATE};
use crate::store::{Database, disk};
use crate::tools::interrupt::Interrupt;
use crate::tools::rules::RulesOfState;
use wasmcc_types::ChannelId;

/// All channels of a peer that is not running.
pub struct LedgerFolder {
    pub(crate) dir: PathBuf,
    pub(crate) config: LedgerConfig,
    /// The open database. Its lock prevents peers from opening the folder.
    pub(crate) state: Result<Database, LedgerError>,
    pub(crate) private: Result<Database, LedgerError>,
    /// True if an import may remove private data of another chain.
    pub(crate) discards_private: bool,
    /// Rules for the collections of blocks that are validated again.
    pub(crate) rules: Arc<dyn RulesOfState>,
    /// True once the tool has to stop.
    pub(crate) interrupt: Interrupt,
}

impl LedgerFolder {
    /// Opens a folder that `Ledgers` created.
    ///
    /// Errors: `NoLedger`, and `Locked` if a peer or another tool has it open.
    pub fn open(dir: &Path, config: LedgerConfig) -> Result<Self, LedgerError> {
        let channels = dir.join(CHANNELS);
        match fs::metadata(&channels) {
            Ok(found) if found.is_dir() => {}
            // Other users may be able to read it.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(disk::io("read", &channels)(error));
            }
            _ => return Err(LedgerError::NoLedger { dir: dir.to_owned() }),
        }
        let state = match Database::open(&dir.join(STATE), config.cache_bytes, false) {
            Err(error @ LedgerError::Locked { .. }) => return Err(error),
            // The state of the database is unknown, so this is not a finding.
            Err(LedgerError::Io { action, path, source })
                if source.kind() == ErrorKind::PermissionDenied =>
            {
                return Err(LedgerError::Io { action, path, source });
            }
            state => state,
        };
        let private = Database::open(&dir.join(PRIVATE), config.cache_bytes, false);
        let (dir, rules) = (dir.to_owned(), Arc::new(NoCollections));
        let (discards_private, interrupt) = (false, Interrupt::default());
        Ok(Self { dir, config, state, private, discards_private, rules, interrupt })
    }

    /// Creates the folders of a ledger without channels, for a peer whose first channel is
    /// imported.
    pub fn make(dir: &Path) -> Result<(), LedgerError> {
        disk::make_folder(dir)?;
        disk::make_folder(&dir.join(CHANNELS))
    }

    /// Sets the rules for private data of blocks that the private data store lacks, because they
    /// are imported or the store was lost. Without rules, such data never expire.
    pub fn with_rules(self, rules: Arc<dyn RulesOfState>) -> Self {
        Self { rules, ..self }
    }

    /// Stops a tool with `Interrupted` as soon as `is_raised` returns true. It is called after each
    /// block, and for each compared row.
    pub fn interruptible(self, is_raised: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { interrupt: Interrupt::new(is_raised), ..self }
    }

    /// Allows an import to remove private data of another chain with the channel's name, which
    /// cannot be restored.
    pub fn discarding_private_data(self) -> Self {
        Self { discards_private: true, ..self }
    }

    /// Returns the channels that have blocks, in their folder or in the state, sorted.
    pub fn channels(&self) -> Result<Vec<ChannelId>, LedgerError> {
        let is_known = |channel: &ChannelId| {
            let databases = [&self.state, &self.private];
            databases.into_iter().flatten().any(|database| database.has_table(channel))
        };
        let folders = ChannelFolders::list(&self.dir.join(CHANNELS), is_known)?;
        folders.warn();
        let mut channels = folders.channels;
        // A channel without a block is left from an interrupted creation, unless the state has
        // blocks.
        channels.retain(|channel| {
            let blocks = fs::metadata(self.blocks_path(channel));
            blocks.is_ok_and(|blocks| blocks.len() > 0) || self.height_of_state(channel) > Some(0)
        });
        if let Ok(database) = &self.state {
            channels.extend(without_folder(database, &self.dir)?);
            channels.sort_unstable();
        }
        Ok(channels)
    }

    /// Returns the number of blocks in the state; None if it cannot be read.
    pub(crate) fn height_of_state(&self, channel: &ChannelId) -> Option<u64> {
        let database = self.state.as_ref().ok()?;
        height_in(database, channel).ok()
    }

    /// Returns the channel with this name.
    ///
    /// Errors: `UnknownChannel`.
    pub fn channel(&self, name: &str) -> Result<ChannelId, LedgerError> {
        let known = self.channels()?;
        let found = known.iter().find(|channel| channel.as_str() == name).cloned();
        found.ok_or_else(|| LedgerError::UnknownChannel { channel: name.to_owned(), known })
    }

    /// Returns the database of private data. Its contents cannot be restored, so no tool silently
    /// continues without it.
    ///
    /// Errors: `PrivateData` if it could not be opened.
    pub(crate) fn private(&self) -> Result<&Database, LedgerError> {
        let closed = |error| LedgerError::PrivateData { reason: chain(error) };
        self.private.as_ref().map_err(|error| closed(error))
    }

    /// Opens the blocks of a channel for reading.
    ///
    /// Errors: `FolderMissing`; `OtherChannel` if they belong to another channel.
    pub(crate) fn blocks(&self, channel: &ChannelId) -> Result<BlockFile, LedgerError> {
        if let Ok(database) = &self.state
            && without_folder(database, &self.dir)?.contains(channel)
        {
            return Err(folder_missing(database, &self.dir, channel)?);
        }
        let blocks = BlockFile::open_to_read(&self.blocks_path(channel))?;
        check_name(channel, &blocks)?;
        Ok(blocks)
    }

    fn blocks_path(&self, channel: &ChannelId) -> PathBuf {
        self.dir.join(CHANNELS).join(channel.as_str()).join("blocks")
    }
}

/// Joins the texts of an error and its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
