//! Removes files that a crash or a full disk left in a database's folder and that sled cannot
//! handle.
//!
//! - `snap.*.generating`, a snapshot that was not renamed: sled treats it as the newest one. The
//!   log and the previous snapshot still exist.
//! - A snapshot that is empty or all zeros, because its bytes never reached the disk: sled refuses
//!   it. Without it, sled reads the log from its beginning.
//! - An incomplete `conf`, or zeros: sled refuses it. Its contents are always the same.
//! - Blobs beside an empty log: sled refuses to write them again. Nothing refers to them.
//!
//! sled itself handles an incompletely written segment of the log, a batch without its end, and
//! blobs after the end of the log.
//!
//! Invariant: does not remove data, and does nothing while another process has the database open.

use std::fs::{self, File};
use std::path::Path;

use crate::error::LedgerError;
use crate::store::disk;

/// The contents that sled 0.34 writes into `conf`, before a check of four bytes.
const CONF: &[u8] = b"segment_size: 524288\nuse_compression: false\nversion: 0.34\n";
const CONF_CHECK: usize = 4;

/// Length and check at the end of a snapshot; a file that is not longer is empty.
const SNAPSHOT_END: u64 = 12;

/// Removes the leftovers in a folder that no process has open.
pub(crate) fn remove(dir: &Path) -> Result<(), LedgerError> {
    let log = dir.join("db");
    let Ok(file) = File::open(&log) else { return remove_blobs(dir) };
    // A process that holds the lock is using the files; opening the database reports that.
    if file.try_lock().is_err() {
        return Ok(());
    }
    for entry in fs::read_dir(dir).map_err(disk::io("list", dir))? {
        let path = entry.map_err(disk::io("list", dir))?.path();
        if is_left_over(&path)? {
            let shown = path.display();
            tracing::warn!(path = %shown, "removed an incomplete file");
            disk::remove(&path)?;
        }
    }
    match file.metadata().map_err(disk::io("read", &log))?.len() {
        0 => remove_blobs(dir),
        _ => Ok(()),
    }
}

fn is_left_over(path: &Path) -> Result<bool, LedgerError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name == "conf" {
        return Ok(is_torn_conf(&fs::read(path).map_err(disk::io("read", path))?));
    }
    if !name.starts_with("snap.") {
        return Ok(false);
    }
    if name.ends_with(".generating") {
        return Ok(true);
    }
    let length = fs::metadata(path).map_err(disk::io("read", path))?.len();
    Ok(length <= SNAPSHOT_END
        || fs::read(path).map_err(disk::io("read", path))?.iter().all(|byte| *byte == 0))
}

/// True for the beginning of the constant contents, followed by nothing or by zeros.
fn is_torn_conf(found: &[u8]) -> bool {
    let written = found.iter().zip(CONF).take_while(|(found, is)| found == is).count();
    let whole = written == CONF.len() && found.len() == CONF.len() + CONF_CHECK;
    !whole && found.iter().skip(written).all(|byte| *byte == 0)
}

fn remove_blobs(dir: &Path) -> Result<(), LedgerError> {
    let blobs = dir.join("blobs");
    let has_blobs = fs::read_dir(&blobs).is_ok_and(|mut blobs| blobs.next().is_some());
    if has_blobs { disk::remove(&blobs) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_conf_is_torn() {
        let whole = [CONF, b"1234"].concat();
        assert!(!is_torn_conf(&whole));
        for length in 0..whole.len() {
            let zeros = [&whole[..length.min(CONF.len())], &[0; 30]].concat();
            assert!(is_torn_conf(&whole[..length.min(CONF.len())]), "{length}");
            assert!(is_torn_conf(&zeros), "{length}");
        }
        assert!(!is_torn_conf(b"segment_size: 1024\nuse_compression: false\nversion: 0.34\n1234"));
    }
}
