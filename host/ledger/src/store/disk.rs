//! Folders and files of the ledger. Only their owner can read them, whatever the umask is.
//!
//! Every file operation of the ledger calls `attempt` first, so that tests can make it fail.
//!
//! Does not know the contents of the files.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::error::LedgerError;

const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// Creates a folder with its parents; removes other users' access to an existing one.
pub(crate) fn make_folder(path: &Path) -> Result<(), LedgerError> {
    let made = attempt("make a folder")
        .and_then(|()| DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(path))
        .and_then(|()| restrict(path, PRIVATE_FOLDER));
    made.map_err(io("make", path))
}

/// Opens a file for reading and writing, and creates it if it is missing.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    attempt("open a file")?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(PRIVATE_FILE);
    let file = options.open(path)?;
    restrict(path, PRIVATE_FILE)?;
    Ok(file)
}

/// Creates a file, or empties an existing one.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    let file = open_file(path)?;
    file.set_len(0)?;
    Ok(file)
}

/// Flushes the names in a folder; otherwise a new file may be missing after a power failure.
pub(crate) fn flush_folder(path: &Path) -> Result<(), LedgerError> {
    let flushed = attempt("flush a folder")
        .and_then(|()| File::open(path))
        .and_then(|folder| folder.sync_all());
    flushed.map_err(io("flush", path))
}

/// Moves a file or a folder.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), LedgerError> {
    attempt("rename").and_then(|()| fs::rename(from, to)).map_err(io("move", from))
}

/// Removes a file, or a folder with its contents, if it exists.
pub(crate) fn remove(path: &Path) -> Result<(), LedgerError> {
    let removed = attempt("remove").and_then(|()| match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    });
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Restricts the mode. An entry of another owner is unchanged, because only the owner can set the
/// mode.
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    let found = fs::metadata(path)?.mode() & 0o777;
    if found & !mode == 0 {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(found & mode)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let path = path.display();
            tracing::warn!(%path, "other users can read this, and its mode cannot be changed");
            Ok(())
        }
        restricted => restricted,
    }
}

pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LedgerError {
    move |source| LedgerError::Io { action, path: path.to_owned(), source }
}

/// Called before an operation on files; fails if a test requests it.
#[cfg(not(test))]
pub(crate) fn attempt(_operation: &'static str) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) use faults::attempt;

/// Failing operations, for tests. Each thread has its own plan.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::RefCell;
    use std::io;

    /// "No space left on device".
    const ENOSPC: i32 = 28;

    #[derive(Default)]
    struct FaultPlan {
        /// Successful operations until one fails; None: none fails.
        left: Option<usize>,
        /// The operation that failed.
        failed: Option<&'static str>,
    }

    thread_local! {
        static PLAN: RefCell<FaultPlan> = RefCell::default();
    }

    /// Makes one operation of this thread fail, after `count` successful ones.
    pub(crate) fn fail_after(count: usize) {
        PLAN.with_borrow_mut(|plan| *plan = FaultPlan { left: Some(count), failed: None });
    }

    /// Ends the plan; returns the operation that failed, if any.
    pub(crate) fn end() -> Option<&'static str> {
        PLAN.with_borrow_mut(|plan| std::mem::take(plan).failed)
    }

    pub(crate) fn attempt(operation: &'static str) -> io::Result<()> {
        PLAN.with_borrow_mut(|plan| {
            let Some(left) = plan.left else { return Ok(()) };
            if left > 0 {
                plan.left = Some(left - 1);
                return Ok(());
            }
            (plan.left, plan.failed) = (None, Some(operation));
            Err(io::Error::from_raw_os_error(ENOSPC))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn others_may_read_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        make_folder(&folder).unwrap();
        open_file(&folder.join("new")).unwrap();
        assert_eq!([mode(&folder), mode(folder.parent().unwrap())], [0o700; 2]);
        assert_eq!(mode(&folder.join("new")), 0o600);
        // Files of an earlier version.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder.join("new"), Permissions::from_mode(0o664)).unwrap();
        make_folder(&folder).unwrap();
        open_file(&folder.join("new")).unwrap();
        assert_eq!([mode(&folder), mode(&folder.join("new"))], [0o700, 0o600]);
    }
}
