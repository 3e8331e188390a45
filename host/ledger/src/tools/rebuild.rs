//! Rebuilds the state and all indexes from the blocks and the private data store.
//!
//! The new state is built in a separate folder and replaces the old one when it is complete. After
//! an interruption the folder can still be opened: a peer rebuilds a missing state when it opens
//! the ledger. If the state's folder is a link to another disk, the new state is built there, and
//! the link is kept. After an interruption between the two moves the link is dangling until this
//! tool runs again.
//!
//! Invariant: blocks are only read; in the private data store, only missing sets are recorded. If a
//! block is damaged, or the private data cannot be opened, the old state is unchanged.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::LedgerError;
use crate::private::store::holds_private_values;
use crate::store::disk::io;
use crate::store::tables::{STATE, Tables};
use crate::store::{Database, Table, disk};
use crate::tools::folder::LedgerFolder;
use crate::tools::replay::{Replay, Step};
use wasmcc_types::ChannelId;

/// A channel whose state was rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The channel.
    pub channel: ChannelId,
    /// The number of blocks in the new state.
    pub blocks: u64,
    /// The number of blocks in the old state, if it could be read. If it exceeds `blocks`, the
    /// block file has lost blocks.
    pub old_height: Option<u64>,
    /// Bytes of an incomplete last block. The next opening removes them.
    pub unfinished_bytes: u64,
}

/// The folder of the state, and the temporary ones beside it, on the same disk.
struct StatePlaces {
    state: PathBuf,
    new: PathBuf,
    old: PathBuf,
}

impl StatePlaces {
    /// Returns the folders for a ledger's folder.
    ///
    /// Errors: `Io` if the state is a link to a disk that is not mounted.
    fn of(dir: &Path) -> Result<Self, LedgerError> {
        let state = dir.join(STATE);
        let Ok(target) = fs::read_link(&state) else {
            let [new, old] = ["state.new", "state.old"].map(|name| dir.join(name));
            return Ok(Self { state, new, old });
        };
        let state = match fs::canonicalize(&state) {
            Err(error) if error.kind() == ErrorKind::NotFound => dir.join(target),
            found => found.map_err(io("find", &state))?,
        };
        let parent = state.parent().unwrap_or(dir);
        fs::metadata(parent).map_err(io("find", parent))?;
        // Other programs may use that folder, too, so these names are unique to this one.
        let beside = |ending: &str| {
            let mut name = state.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            state.with_file_name(name)
        };
        let (new, old) = (beside(".wasmcc-new"), beside(".wasmcc-old"));
        Ok(Self { state, new, old })
    }
}

impl LedgerFolder {
    /// Rebuilds the state of all channels: they share one database. Calls `on_step` after each
    /// block.
    ///
    /// Errors: `CorruptBlock` if a block is damaged, `StateAhead` if a channel has lost all its
    /// blocks, `PrivateStoreLost` if only the old state has private values,
    /// `PrivateDataOfAnotherChain` if the private data store belongs to other blocks,
    /// `Interrupted`; nothing has changed then.
    pub fn rebuild(
        self,
        on_step: &mut dyn FnMut(&ChannelId, Step),
    ) -> Result<Vec<Rebuilt>, LedgerError> {
        let StatePlaces { state, new, old } = StatePlaces::of(&self.dir)?;
        disk::remove(&new)?;
        disk::remove(&old)?;
        let database = Database::open(&new, self.config.cache_bytes, false)?;
        let made = self.replay_into(&database, on_step).and_then(|rebuilt| {
            self.private()?.flush()?;
            database.flush()?;
            Ok(rebuilt)
        });
        drop(database);
        Database::wait_until_closed(&new)?;
        let rebuilt = match made {
            Ok(rebuilt) => rebuilt,
            Err(error) => {
                disk::remove(&new)?;
                return Err(error);
            }
        };
        drop(self.state);
        Database::wait_until_closed(&state)?;
        // It may be a damaged database, a file, or missing.
        if state.symlink_metadata().is_ok() {
            disk::rename(&state, &old)?;
        }
        disk::rename(&new, &state)?;
        disk::flush_folder(state.parent().unwrap_or(&self.dir))?;
        disk::remove(&old)?;
        Ok(rebuilt)
    }

    fn replay_into(
        &self,
        database: &Database,
        on_step: &mut dyn FnMut(&ChannelId, Step),
    ) -> Result<Vec<Rebuilt>, LedgerError> {
        let mut rebuilt = Vec::new();
        let private = self.private()?;
        for channel in self.channels()? {
            let tables = Tables::open(database, private, &channel)?;
            let (config, blocks) = (self.config.clone(), self.blocks(&channel)?);
            let mut replay = Replay::new(channel.clone(), config, tables, blocks)
                .with_rules(&self.rules)
                .noting()
                .reading_ahead();
            // If the old state cannot be read, a peer creates its indexes again when it opens the
            // ledger.
            let old = self.old_table(&channel);
            if let Some(old) = &old {
                replay.copy_indexes(old, true)?;
            }
            while replay.next()?.is_some() {
                if replay.height() == 1 && !replay.has_its_private_store()? {
                    if old.as_ref().is_some_and(holds_private_values) {
                        return Err(LedgerError::PrivateStoreLost { channel });
                    }
                    replay.begin_private_store()?;
                }
                on_step(&channel, replay.step()?);
                self.interrupt.check()?;
            }
            let old_height = self.height_of_state(&channel);
            if let Some(state) = old_height.filter(|state| replay.height() == 0 && *state > 0) {
                return Err(LedgerError::StateAhead { channel, state });
            }
            rebuilt.push(Rebuilt {
                blocks: replay.height(),
                old_height,
                unfinished_bytes: replay.blocks().length()?.saturating_sub(replay.offset()),
                channel,
            });
        }
        Ok(rebuilt)
    }

    fn old_table(&self, channel: &ChannelId) -> Option<Table> {
        self.state.as_ref().ok()?.table(channel).ok()
    }
}
