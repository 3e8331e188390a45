//! Files that users name.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// More than a component, a package or a message has. Without a limit, a device or a sparse file
/// would fill the memory.
const MOST_BYTES: u64 = 256 << 20;

/// Reads a whole file, unless it is larger than anything that is read here.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    read_up_to(path, MOST_BYTES)
}

fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let words = format!("it has more than {most} bytes, and nothing that a peer takes has");
        return Err(Error::new(ErrorKind::FileTooLarge, words));
    }
    Ok(bytes)
}

/// Writes a whole file. If that fails, or the process ends meanwhile, the file is as it was: it may
/// have what cannot be made again.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // The file that links lead to: they stay.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let permissions = match File::options().write(true).open(path) {
        Ok(mut file) => match file.metadata()? {
            of_file if of_file.is_file() => Some(of_file.permissions()),
            // A pipe or a device has no content of its own.
            _ => return file.write_all(bytes),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let beside = beside(path);
    let written = write_new(&beside, bytes, permissions).and_then(|()| fs::rename(&beside, path));
    let Err(error) = written else { return Ok(()) };
    // It is not there if it could not be made.
    let _ = fs::remove_file(&beside);
    match error.kind() {
        // The folder takes no other file, or this one is mounted by itself.
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::ResourceBusy => {
            fs::write(path, bytes)
        }
        _ => Err(error),
    }
}

/// Where this process writes a file before it has its name.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".wasmcc-{}.unfinished", std::process::id()))
}

fn write_new(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> Result<(), Error> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions))
}

/// A file that an option names, or none: scripts for Fabric's peer command pass an empty text where
/// they have none.
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
        assert_eq!(refused, "it has more than 99 bytes, and nothing that a peer takes has");
        assert_eq!(read_up_to(Path::new("/dev/zero"), 99).unwrap_err().to_string(), refused);
        assert_eq!(read(folder.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(read(&folder.path().join("no")).unwrap_err().kind(), ErrorKind::NotFound);
    }
    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
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
        // As on a full disk.
        fs::create_dir(beside(&path)).unwrap();
        write(&path, b"three").unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(write(folder.path(), b"x").unwrap_err().kind(), ErrorKind::IsADirectory);
        write(Path::new("/dev/null"), b"x").unwrap();
    }
}
