//! Errors of the operating system, and how the operator can remove their causes.
//!
//! Invariant: such an error is independent of the stored data, so it is neither damage nor a bug.

use std::io::{Error, ErrorKind};

use crate::error::LedgerError;

/// "Input/output error".
const EIO: i32 = 5;
/// "Too many open files": in the process, and in the system.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

impl LedgerError {
    /// Returns a copy of the operating system's error, if this is one that is independent of the
    /// stored data: a full or read-only disk, permissions, limits.
    pub(crate) fn refusal(&self) -> Option<Self> {
        let Self::Io { action, path, source } = self else { return None };
        if remedy(source).is_empty() && !has_number(source, EIO) {
            return None;
        }
        let source = match source.raw_os_error() {
            Some(number) => Error::from_raw_os_error(number),
            None => Error::new(source.kind(), source.to_string()),
        };
        Some(Self::Io { action, path: path.clone(), source })
    }
}

/// Returns advice to the operator for an error of the operating system that is neither a bug nor
/// damage. No text asks for a restart: a running peer continues by itself.
pub(super) fn remedy(error: &Error) -> &'static str {
    let is = |number| has_number(error, number);
    match error.kind() {
        ErrorKind::StorageFull => ": the disk is full; free some space",
        ErrorKind::QuotaExceeded => ": the quota of this user is used up; free some space",
        ErrorKind::ReadOnlyFilesystem => ": the file system is read-only; mount it writable",
        ErrorKind::PermissionDenied => ": this user may not; check the owner and the mode",
        _ if is(EMFILE) => ": this process has too many open files; raise `ulimit -n`",
        _ if is(ENFILE) => ": the system has too many open files",
        _ => "",
    }
}

/// True if this is the operating system's error of this number. Errors of the database contain the
/// number only in their text.
fn has_number(error: &Error, number: i32) -> bool {
    error.raw_os_error() == Some(number) || error.to_string().contains(&format!("code: {number},"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_asks_for_room_and_for_no_new_start() {
        let source = Error::from(ErrorKind::StorageFull);
        let error = LedgerError::Io { action: "write", path: "blocks".into(), source };
        assert_eq!(error.to_string(), "cannot write blocks: the disk is full; free some space");
    }
}
