//! Reads and writes files that users name.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{Error, ErrorKind, Read, Write};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Limit on the size of a file in bytes, above that of any component, package or message. Without
/// it, a device or a sparse file would fill the memory.
const MOST_BYTES: u64 = 256 << 20;

/// Reads a whole file, up to the limit.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    read_up_to(path, MOST_BYTES)
}

fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let words = format!("it has more than {most} bytes, which no peer accepts");
        return Err(Error::new(ErrorKind::FileTooLarge, words));
    }
    Ok(bytes)
}

/// Writes a whole file. After an error or a crash the old file is unchanged: it may hold data that
/// cannot be made again.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // Symbolic links are kept: write to the file that they lead to.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let old = match File::options().write(true).open(path) {
        Ok(mut file) => match file.metadata()? {
            of_file if of_file.is_file() => Some(of_file),
            // A pipe or a device has no old content.
            _ => return file.write_all(bytes),
        },
        // If a link leads to a missing file, that file is made.
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            return fs::write(path, bytes);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let beside = beside(path);
    let written = write_new(&beside, bytes, old).and_then(|()| fs::rename(&beside, path));
    let Err(error) = written else { return Ok(()) };
    // It does not exist if it could not be made.
    let _ = fs::remove_file(&beside);
    match error.kind() {
        // The folder accepts no other file, or this file is a mount point.
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::ResourceBusy => {
            fs::write(path, bytes)
        }
        _ => Err(error),
    }
}

/// Returns the temporary name of a file that is being written.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".wasmcc-{}.unfinished", std::process::id()))
}

fn write_new(path: &Path, bytes: &[u8], old: Option<Metadata>) -> Result<(), Error> {
    let mut file = match File::create_new(path) {
        // Left by a killed process; in containers all processes may have the same id.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            File::create_new(path)?
        }
        created => created?,
    };
    file.write_all(bytes)?;
    let Some(old) = old else { return Ok(()) };
    file.set_permissions(old.permissions())?;
    // Only root can change the owner; for other users the file stays their own.
    #[cfg(unix)]
    let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
    Ok(())
}

/// The file of an option, or none: scripts for Fabric's peer command pass an empty text if they
/// have no file.
#[derive(Clone, Debug)]
pub(crate) struct OptionalFile(Option<PathBuf>);

impl OptionalFile {
    /// The file.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.0.as_ref()
    }
}

impl From<OsString> for OptionalFile {
    fn from(text: OsString) -> Self {
        Self(Some(text).filter(|text| !text.is_empty()).map(PathBuf::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read_up_to(&path, 100).unwrap(), [7; 100]);
        let refused = read_up_to(&path, 99).unwrap_err().to_string();
        assert_eq!(refused, "it has more than 99 bytes, which no peer accepts");
        assert_eq!(read_up_to(Path::new("/dev/zero"), 99).unwrap_err().to_string(), refused);
        assert_eq!(read(folder.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(read(&folder.path().join("no")).unwrap_err().kind(), ErrorKind::NotFound);
    }
    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        use std::fs::Permissions;
        use std::os::unix::fs::{PermissionsExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        write(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        write(&link, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        let dangling = folder.path().join("dangling");
        symlink("made", &dangling).unwrap();
        write(&dangling, b"new").unwrap();
        assert!(dangling.is_symlink());
        assert_eq!(fs::read(folder.path().join("made")).unwrap(), b"new");
        // Left by a killed process.
        fs::write(beside(&path), b"part").unwrap();
        write(&path, b"two").unwrap();
        // As on a full disk.
        fs::create_dir(beside(&path)).unwrap();
        write(&path, b"three").unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(write(folder.path(), b"x").unwrap_err().kind(), ErrorKind::IsADirectory);
        write(Path::new("/dev/null"), b"x").unwrap();
    }
}
