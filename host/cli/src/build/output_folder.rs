//! The folder `.wasmcc` in a contract's folder: for components that are built here, and other files
//! of the build.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::BuildError;

/// The folder; version control ignores it.
#[derive(Clone, Debug)]
pub(super) struct OutputFolder(PathBuf);

impl OutputFolder {
    /// Returns the folder of a contract; makes it if it does not exist.
    pub(super) fn of(contract: &Path) -> Result<Self, BuildError> {
        let folder = Self(contract.join(".wasmcc"));
        let made = fs::create_dir_all(&folder.0);
        made.map_err(|error| folder.cannot(&folder.0, &error))?;
        let ignored = folder.file(".gitignore");
        if !ignored.exists() {
            folder.write(&ignored, b"*\n")?;
        }
        Ok(folder)
    }

    /// The path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, unless it already has this content: tools compare its time stamp.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
        if fs::read(path).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        // Readers never see an incomplete file.
        let unfinished = path.with_extension("unfinished");
        let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
        written.map_err(|error| self.cannot(path, &error))
    }

    /// Copies a file; keeps an equal copy.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<(), BuildError> {
        let bytes = fs::read(from).map_err(|error| self.cannot(from, &error))?;
        self.write(to, &bytes)
    }

    /// Removes a file, if it exists.
    pub(super) fn remove(&self, name: &str) -> Result<(), BuildError> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.cannot(&path, &error)),
            _ => Ok(()),
        }
    }

    fn cannot(&self, path: &Path, error: &std::io::Error) -> BuildError {
        BuildError::NoFolder { folder: path.to_owned(), why: error.to_string() }
    }
}
