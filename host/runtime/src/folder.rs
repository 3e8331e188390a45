//! The folder of compiled code.
//!
//! Invariant: only this user can write to it, since its files are run as native code. Its size is
//! bounded: files unused for a long time are removed, then the least recently used ones.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use wasmcc_types::{hex, sha256};

/// Extension of compiled code, named by its component and by all else that it depends on.
const EXTENSION: &str = "cwasm";
/// Prefix of files that are being written. They are renamed when they are complete.
const UNFINISHED: &str = ".unfinished-";
/// A file that is still being written after this time was abandoned.
const UNFINISHED_FOR: Duration = Duration::from_secs(3_600);

/// Bounds of a folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// Size of all files together.
    pub bytes: u64,
    /// Time since the last use.
    pub time: Duration,
}

impl Default for Keep {
    /// A few hundred components of usual size, for three months.
    fn default() -> Self {
        Self { bytes: 2 << 30, time: Duration::from_secs(90 * 24 * 3_600) }
    }
}

/// The reason why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error(transparent)]
    System(#[from] std::io::Error),
    #[error("it is not a folder but a link or a file")]
    NotAFolder,
    #[error("it belongs to another user, and its files are run as native code")]
    OfAnotherUser,
    /// The mode.
    #[error(
        "others can write to it (mode {0:o}), and its files are run as native code: \
         `chmod 700` it"
    )]
    OpenToOthers(u32),
}

/// An open folder.
pub(crate) struct Folder {
    path: PathBuf,
    /// Suffix of the files that this process can use.
    suffix: String,
    keep: Keep,
}

impl Folder {
    /// Opens the folder, creates it if necessary, and removes useless files: code for another
    /// version or processor, and files over the bounds. `target` identifies what code depends on in
    /// addition to the component.
    pub(crate) fn open(path: PathBuf, target: &[u8; 32], keep: Keep) -> Result<Self, FolderError> {
        private(&path)?;
        let (target, _) = target.split_at(8);
        let folder = Self { path, suffix: format!("-{}.{EXTENSION}", hex(target)), keep };
        folder.sweep(None);
        Ok(folder)
    }

    /// Returns the code of the component with this hash. A file consists of the SHA-256 of the code
    /// and the code; an incomplete or damaged file is removed.
    pub(crate) fn read(&self, component: &[u8; 32]) -> Option<Vec<u8>> {
        let path = self.file(component);
        let mut code = fs::read(&path).ok()?;
        if code.split_first_chunk::<32>().is_none_or(|(hash, code)| *hash != sha256(code)) {
            tracing::warn!(path = %path.display(), "compiled code is damaged, compiling again");
            remove(&path);
            return None;
        }
        code.drain(..32);
        // Records the last use. If this fails, the file is only removed earlier.
        let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(code)
    }

    /// Stores code. If that fails, for example on a full disk, the code is compiled again later.
    pub(crate) fn write(&self, component: &[u8; 32], code: &[u8]) {
        let path = self.file(component);
        match self.put(&path, code) {
            Ok(()) => self.sweep(Some(&path)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot store compiled code");
            }
        }
    }

    /// Removes code that cannot be used.
    pub(crate) fn forget(&self, component: &[u8; 32]) {
        remove(&self.file(component));
    }

    fn file(&self, component: &[u8; 32]) -> PathBuf {
        self.path.join(format!("{}{}", hex(component), self.suffix))
    }

    /// Writes a temporary file and renames it, so that no reader sees an incomplete file.
    fn put(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.path)?;
        file.write_all(&sha256(code))?;
        file.write_all(code)?;
        file.persist(path)?;
        Ok(())
    }

    /// Removes useless files and files over the bounds, except the one that was just written.
    fn sweep(&self, written: Option<&Path>) {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "cannot list compiled code");
                return;
            }
        };
        let now = SystemTime::now();
        let mut kept = Vec::new();
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str() else { continue };
            let Ok(about) = entry.metadata().and_then(|about| Ok((about.len(), about.modified()?)))
            else {
                continue;
            };
            let (bytes, used) = about;
            let unused_for = now.duration_since(used).unwrap_or_default();
            let is_code = path.extension().is_some_and(|extension| extension == EXTENSION);
            let is_old = match is_code {
                true => !name.ends_with(&self.suffix) || unused_for > self.keep.time,
                false => name.starts_with(UNFINISHED) && unused_for > UNFINISHED_FOR,
            };
            if is_old {
                remove(&path);
            } else if is_code && written != Some(&path) {
                kept.push((used, bytes, path));
            }
        }
        kept.sort_unstable();
        let mut room = self.keep.bytes;
        for (_, bytes, path) in kept.into_iter().rev() {
            match room.checked_sub(bytes) {
                Some(left) => room = left,
                None => {
                    // All files that were used before this one are removed as well.
                    room = 0;
                    remove(&path);
                }
            }
        }
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => tracing::debug!(path = %path.display(), "compiled code removed"),
        // Another process with this folder was faster.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(path = %path.display(), %error, "cannot remove compiled code"),
    }
}

#[cfg(unix)]
fn private(dir: &Path) -> Result<(), FolderError> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let folder = fs::symlink_metadata(dir)?;
    if !folder.is_dir() {
        return Err(FolderError::NotAFolder);
    }
    // A new file belongs to this process's user; std offers no other way to find the user.
    let probe = tempfile::NamedTempFile::new_in(dir)?;
    if probe.as_file().metadata()?.uid() != folder.uid() {
        return Err(FolderError::OfAnotherUser);
    }
    let mode = folder.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(FolderError::OpenToOthers(mode & 0o777));
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(dir: &Path) -> Result<(), FolderError> {
    Ok(fs::create_dir_all(dir)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: [u8; 32] = [7; 32];

    fn open(path: &Path, keep: Keep) -> Folder {
        Folder::open(path.join("compiled"), &TARGET, keep).unwrap()
    }

    fn files(folder: &Folder) -> usize {
        fs::read_dir(&folder.path).unwrap().count()
    }

    fn used(folder: &Folder, component: u8, seconds_ago: u64) {
        let file = fs::File::open(folder.file(&[component; 32])).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds_ago)).unwrap();
    }

    #[test]
    fn what_was_used_last_is_kept_up_to_so_many_bytes() {
        let dir = tempfile::tempdir().unwrap();
        // Room for two files of 32 bytes of hash and 100 of code, in addition to the one just
        // written.
        let folder = open(dir.path(), Keep { bytes: 2 * 132, ..Keep::default() });
        for component in 1..=3 {
            folder.write(&[component; 32], &[component; 100]);
            used(&folder, component, 100 - u64::from(component));
        }
        assert_eq!(folder.read(&[1; 32]), Some(vec![1; 100]));
        folder.write(&[4; 32], &[4; 100]);
        assert_eq!(folder.read(&[2; 32]), None, "it was used least lately");
        for component in [1, 3, 4] {
            assert_eq!(folder.read(&[component; 32]), Some(vec![component; 100]));
        }
        // A file that exceeds the bound alone is kept until the next one is written.
        folder.write(&[5; 32], &[5; 10_000]);
        assert!(folder.read(&[5; 32]).is_some());
        used(&folder, 5, 1_000);
        folder.write(&[6; 32], &[6; 100]);
        assert_eq!((folder.read(&[5; 32]), files(&folder)), (None, 3));
    }

    #[test]
    fn what_was_not_used_for_long_goes() {
        let dir = tempfile::tempdir().unwrap();
        let keep = Keep { time: Duration::from_secs(1_000), ..Keep::default() };
        let folder = open(dir.path(), keep);
        for component in [1, 2] {
            folder.write(&[component; 32], b"code");
        }
        used(&folder, 1, 1_001);
        used(&folder, 2, 900);
        let folder = open(dir.path(), keep);
        assert_eq!((folder.read(&[1; 32]), folder.read(&[2; 32])), (None, Some(b"code".to_vec())));
    }

    #[test]
    fn what_is_damaged_or_for_another_version_goes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(dir.path(), Keep::default());
        let other =
            Folder { suffix: format!("-other.{EXTENSION}"), ..open(dir.path(), Keep::default()) };
        folder.write(&[1; 32], b"code");
        other.put(&other.file(&[1; 32]), b"code").unwrap();
        fs::write(folder.path.join("old.cwasm"), b"code").unwrap();
        fs::write(folder.path.join("notes.txt"), b"not ours").unwrap();
        for name in ["new", "left"] {
            fs::write(folder.path.join(format!("{UNFINISHED}{name}")), b"co").unwrap();
        }
        let left = fs::File::open(folder.path.join(format!("{UNFINISHED}left"))).unwrap();
        left.set_modified(SystemTime::now() - 2 * UNFINISHED_FOR).unwrap();
        let folder = open(dir.path(), Keep::default());
        assert_eq!(files(&folder), 3, "the code, the notes and what is just written");
        let path = folder.file(&[1; 32]);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        for damaged in [&bytes[..], &bytes[..10], b""] {
            fs::write(&path, damaged).unwrap();
            assert_eq!((folder.read(&[1; 32]), path.exists()), (None, false));
        }
    }
}
