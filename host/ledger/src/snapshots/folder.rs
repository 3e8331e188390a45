//! The folder of a peer's snapshots.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::LedgerError;
use crate::simulate::snapshot::Snapshot;
use crate::snapshots::config_history::{self, CollectionsAt};
use crate::snapshots::file::Hashes;
use crate::snapshots::{metadata, state, tx_ids};
use crate::store::disk::{self, io};

const COMPLETED: &str = "completed";
const TEMP: &str = "temp";

/// Where the snapshots of a peer are. Fabric: `ledger.snapshots.rootDir`.
#[derive(Clone, Debug)]
pub struct SnapshotFolder {
    root: PathBuf,
}

impl SnapshotFolder {
    /// Removes what an interrupted snapshot left below `root`. The folder is made with the first
    /// snapshot.
    pub fn open(root: &Path) -> Result<Self, LedgerError> {
        let temp = root.join(TEMP);
        let entries = match fs::read_dir(&temp) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            entries => Some(entries.map_err(io("list", &temp))?),
        };
        for entry in entries.into_iter().flatten() {
            let entry = entry.map_err(io("list", &temp))?;
            // The folder may be somebody else's, too.
            if is_unfinished(&entry.file_name().to_string_lossy()) {
                disk::remove(&entry.path())?;
            }
        }
        Ok(Self { root: root.to_owned() })
    }

    /// The folder of a snapshot, which may not exist.
    pub fn of(&self, channel: &str, block: u64) -> PathBuf {
        self.root.join(COMPLETED).join(channel).join(block.to_string())
    }

    /// Whether there is a snapshot of this block.
    pub fn has(&self, channel: &str, block: u64) -> bool {
        self.of(channel, block).exists()
    }

    /// Writes the state that `snapshot` reads. `collections` are those that the blocks below its
    /// height set, in any order. Returns the folder.
    ///
    /// Errors: `Io`, also if there is a snapshot of this block; nothing is left then.
    pub fn write(
        &self,
        snapshot: &Snapshot,
        collections: &[CollectionsAt],
    ) -> Result<PathBuf, LedgerError> {
        let ledger = snapshot.ledger();
        let channel = ledger.channel_id().as_str();
        let empty = LedgerError::Missing { what: "the block of a snapshot" };
        let number = snapshot.height().checked_sub(1).ok_or(empty)?;
        let unfinished = self.root.join(TEMP).join(format!("{channel}-{number}"));
        disk::make_folder(&unfinished)?;
        let written = || {
            let mut hashes = Hashes::new();
            tx_ids::write(ledger, number + 1, tx_ids::RUN_BYTES, &unfinished, &mut hashes)?;
            config_history::write(collections, &unfinished, &mut hashes)?;
            state::write(snapshot, &unfinished, &mut hashes)?;
            metadata::write(ledger, number, &unfinished, &hashes)?;
            disk::flush_folder(&unfinished)?;
            self.complete(&unfinished, channel, number)
        };
        written().inspect_err(|_| {
            if let Err(error) = disk::remove(&unfinished) {
                tracing::warn!(channel, number, %error, "an unfinished snapshot was not removed");
            }
        })
    }

    fn complete(
        &self,
        unfinished: &Path,
        channel: &str,
        number: u64,
    ) -> Result<PathBuf, LedgerError> {
        let folder = self.of(channel, number);
        let of_channel = self.root.join(COMPLETED).join(channel);
        disk::make_folder(&of_channel)?;
        disk::rename(unfinished, &folder)?;
        for changed in [of_channel.as_path(), &self.root.join(COMPLETED), &self.root] {
            disk::flush_folder(changed)?;
        }
        Ok(folder)
    }
}

/// Whether this is a name of `write`: a channel and a number.
fn is_unfinished(name: &str) -> bool {
    let number = name.rsplit_once('-').map(|(_, number)| number);
    number.is_some_and(|number| number.parse::<u64>().is_ok())
}
