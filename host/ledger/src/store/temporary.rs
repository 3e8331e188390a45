//! Folders of temporary ledgers. A process that is killed, or that ends with a ledger in a
//! `static`, leaves its folders behind. The next process that creates such a folder removes them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use tempfile::TempDir;

use crate::error::LedgerError;
use crate::store::disk;

const PREFIX: &str = "wasmcc-ledger-";
/// Locked while its folder is in use.
const LOCK: &str = "lock";
/// Age below which an unlocked file is left alone: its process may not have locked it yet.
const NEW: Duration = Duration::from_secs(60);

/// A folder that is removed when it is dropped.
pub(crate) struct TemporaryFolder {
    folder: TempDir,
    // The kernel releases the lock when the process ends, for whatever reason.
    _lock: File,
}

impl TemporaryFolder {
    /// Creates a folder among the temporary files. The first one of a process also removes unused
    /// folders.
    pub(crate) fn new() -> Result<Self, LedgerError> {
        static SWEPT: Once = Once::new();
        let parent = std::env::temp_dir();
        SWEPT.call_once(|| remove_unused(&parent, NEW));
        Self::new_in(&parent)
    }

    fn new_in(parent: &Path) -> Result<Self, LedgerError> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
        let folder = folder.map_err(disk::io("make a folder in", parent))?;
        let path = folder.path().join(LOCK);
        let lock = File::create_new(&path).map_err(disk::io("make", &path))?;
        lock.try_lock().map_err(|error| disk::io("lock", &path)(error.into()))?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders whose process has ended. Those of other users stay, without an error.
fn remove_unused(parent: &Path, new: Duration) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let named = entries.filter(|it| it.file_name().to_string_lossy().starts_with(PREFIX));
    for folder in named.filter(|it| it.file_type().is_ok_and(|it| it.is_dir())) {
        if let Some(_lock) = lock_unused(folder.path().join(LOCK), new) {
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

/// Locks the lock file of an unused folder.
fn lock_unused(path: PathBuf, new: Duration) -> Option<File> {
    let file = File::open(path).ok()?;
    let age = file.metadata().ok()?.modified().ok()?.elapsed().ok()?;
    (age >= new && file.try_lock().is_ok()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_nobody_uses_any_more_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let used = TemporaryFolder::new_in(parent.path()).unwrap();
        let left = parent.path().join("wasmcc-ledger-left");
        let foreign = parent.path().join("wasmcc-ledger-without-lock");
        let other = parent.path().join("other");
        for folder in [&left, &foreign, &other] {
            fs::create_dir_all(folder.join("state")).unwrap();
        }
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(other.join(LOCK), "").unwrap();

        remove_unused(parent.path(), NEW);
        assert!(left.exists(), "its process may be about to lock it");
        remove_unused(parent.path(), Duration::ZERO);
        assert!(!left.exists());
        assert!(used.path().exists() && foreign.exists() && other.exists());
    }

    #[test]
    fn the_folder_goes_with_its_value() {
        let parent = tempfile::tempdir().unwrap();
        drop(TemporaryFolder::new_in(parent.path()).unwrap());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
