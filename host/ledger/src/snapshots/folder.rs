//! The folder of a peer's snapshots.

use std::fs::{self, File, TryLockError};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::LedgerError;
use crate::simulate::snapshot::Snapshot;
use crate::snapshots::config_history::{self, CollectionsAt};
use crate::snapshots::file::Hashes;
use crate::snapshots::{metadata, state, tx_ids};
use crate::store::disk::{self, io};

const COMPLETED: &str = "completed";
const TEMP: &str = "temp";
/// Prefix and suffix of the names of unfinished folders in `TEMP`.
const UNFINISHED: &str = ".wasmcc-";
const ENDING: &str = ".unfinished";

/// The folder of a peer's snapshots. Fabric: `ledger.snapshots.rootDir`.
#[derive(Clone, Debug)]
pub struct SnapshotFolder {
    root: PathBuf,
}

impl SnapshotFolder {
    /// Removes the remains of interrupted snapshots below `root`, except those that another process
    /// is writing. The first snapshot creates the folder.
    pub fn open(root: &Path) -> Result<Self, LedgerError> {
        let temp = root.join(TEMP);
        let entries = match fs::read_dir(&temp) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            entries => Some(entries.map_err(io("list", &temp))?),
        };
        for entry in entries.into_iter().flatten() {
            let entry = entry.map_err(io("list", &temp))?;
            // Entries of other owners are left untouched.
            if is_unfinished(&entry.file_name().to_string_lossy()) {
                remove_left(&entry.path())?;
            }
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Returns the folder of a snapshot, which may not exist.
    pub fn of(&self, channel: &str, block: u64) -> PathBuf {
        self.root.join(COMPLETED).join(channel).join(block.to_string())
    }

    /// True if there is a snapshot of this block.
    pub fn has(&self, channel: &str, block: u64) -> bool {
        self.of(channel, block).exists()
    }

    /// Writes the state of `snapshot`. `collections` are those that the blocks below its height
    /// set, in any order. Returns the folder.
    ///
    /// Errors: `Io`, also if there is a snapshot of this block, or if another process is writing
    /// one into the same folder. Nothing is left then.
    pub fn write(
        &self,
        snapshot: &Snapshot,
        collections: &[CollectionsAt],
    ) -> Result<PathBuf, LedgerError> {
        let ledger = snapshot.ledger();
        let channel = ledger.channel_id().as_str();
        let empty = LedgerError::Missing { what: "the block of a snapshot" };
        let number = snapshot.height().checked_sub(1).ok_or(empty)?;
        let unfinished = self.root.join(TEMP).join(unfinished_name(channel, number));
        let _lock = begin(&unfinished)?;
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

/// Returns the name of an unfinished folder. No other program uses such names.
fn unfinished_name(channel: &str, number: u64) -> String {
    format!("{UNFINISHED}{channel}-{number}{ENDING}")
}

/// True for a name of `unfinished_name`.
fn is_unfinished(name: &str) -> bool {
    let place = name.strip_prefix(UNFINISHED).and_then(|name| name.strip_suffix(ENDING));
    let number = place.and_then(|place| place.rsplit_once('-')).map(|(_, number)| number);
    number.is_some_and(|number| number.parse::<u64>().is_ok())
}

/// Creates the folder of a snapshot. It is locked while the returned file is open.
fn begin(path: &Path) -> Result<File, LedgerError> {
    let in_use = || {
        let text = "another process is writing a snapshot there";
        io("use", path)(Error::new(ErrorKind::WouldBlock, text))
    };
    if !remove_left(path)? {
        return Err(in_use());
    }
    disk::make_folder(path)?;
    let folder = File::open(path).map_err(io("open", path))?;
    // Some network file systems have no locks for folders. A single process does not need them.
    if matches!(folder.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(in_use());
    }
    Ok(folder)
}

/// Removes an unfinished snapshot. Returns false if a process is still writing it.
fn remove_left(path: &Path) -> Result<bool, LedgerError> {
    let folder = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        folder => folder.map_err(io("open", path))?,
    };
    if matches!(folder.try_lock(), Err(TryLockError::WouldBlock)) {
        return Ok(false);
    }
    disk::remove(path)?;
    let path = path.display();
    tracing::info!(%path, "removed an incomplete snapshot");
    Ok(true)
}
