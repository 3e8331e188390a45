//! What a crash or a full disk leaves in a database's folder that sled does not understand.
//!
//! - `snap.*.generating`, a snapshot that was not renamed yet: sled takes it for the newest one. It
//!   is removed; the log and the snapshot before it are still there.
//! - An empty snapshot, or one of zeros, whose bytes never reached the disk: sled refuses it. It is
//!   removed, and the log is read from its beginning.
//! - Half of `conf`, or zeros: sled refuses it. It is removed; it always has the same contents.
//! - Blobs beside a log that is empty: sled refuses to write them again. They are removed; nothing
//!   refers to them.
//!
//! A segment of the log that was not written whole, a batch without its end and blobs behind the
//! end of the log are handled by sled itself.
//!
//! Invariant: nothing is removed that holds anything, and nothing while another process has the
//! database open.

use std::fs;
use std::fs::File;
use std::path::Path;

use crate::ledger::disk;
use crate::ledger::error::LedgerError;

/// What sled 0.34 writes into `conf`, before a check of four bytes.
const CONF: &[u8] = b"segment_size: 524288\nuse_compression: false\nversion: 0.34\n";
const CONF_CHECK: usize = 4;

/// Length and check at the end of a snapshot; one that is no longer says nothing.
const SNAPSHOT_END: u64 = 12;

/// Removes what is left over in a folder that nobody has open.
pub(super) fn remove(dir: &Path) -> Result<(), LedgerError> {
    let log = dir.join("db");
    let Ok(file) = File::open(&log) else { return remove_blobs(dir) };
    // Whoever has it locked is using the files; opening will say so.
    if file.try_lock().is_err() {
        return Ok(());
    }
    for entry in fs::read_dir(dir).map_err(disk::io("list", dir))? {
        let path = entry.map_err(disk::io("list", dir))?.path();
        if is_left_over(&path)? {
            let shown = path.display();
            tracing::warn!(path = %shown, "removed a file that was not written to its end");
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

/// Whether this is the beginning of what is always written, followed by nothing or by zeros.
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
