//! Checks that a folder is writable and its disk has room.
//!
//! Invariant: a check leaves no file behind.

use std::fs;
use std::path::{Path, PathBuf};

/// The file that a check writes.
const PROBE: &str = "healthz.probe";

/// A folder and the disk that it is on.
pub(crate) struct Disk {
    folder: PathBuf,
    least_bytes: u64,
}

impl Disk {
    pub(super) fn new(folder: &Path, least_bytes: u64) -> Self {
        Self { folder: folder.to_owned(), least_bytes }
    }

    /// Returns the problem, if there is one.
    pub(crate) fn check(&self) -> Option<String> {
        let (probe, folder) = (self.folder.join(PROBE), self.folder.display());
        if let Err(error) = fs::write(&probe, b"healthz") {
            return Some(format!("cannot write in {folder}: {error}"));
        }
        if let Err(error) = fs::remove_file(&probe) {
            return Some(format!("cannot remove a file in {folder}: {error}"));
        }
        let free = self.free_bytes().filter(|free| *free < self.least_bytes)?;
        let (free, least) = (free >> 20, self.least_bytes >> 20);
        Some(format!("only {free} MiB are free on the disk of {folder}, less than {least}"))
    }

    /// Sets the metric of free bytes.
    pub(crate) fn measure(&self) {
        if let Some(free) = self.free_bytes() {
            let free = i64::try_from(free).unwrap_or(i64::MAX);
            wasmcc_metrics::get().process.disk_free_bytes.set(free);
        }
    }

    #[cfg(unix)]
    fn free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    #[cfg(not(unix))]
    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_room_or_that_is_gone_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        assert_eq!(Disk::new(&path, 0).check(), None);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        let full = Disk::new(&path, u64::MAX).check().unwrap();
        assert!(full.starts_with("only ") && full.contains(" MiB are free"), "{full}");
        folder.close().unwrap();
        let gone = Disk::new(&path, 0).check().unwrap();
        assert!(gone.starts_with("cannot write in "), "{gone}");
    }
}
