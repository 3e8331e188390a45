//! Where components go that are built here, with the files of their build: a folder `.wasmcc` in
//! the contract's.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::BuildError;

/// The folder, which version control leaves alone.
#[derive(Clone, Debug)]
pub(super) struct OutputFolder(PathBuf);

impl OutputFolder {
    /// That of a contract; makes it.
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

    /// The path of a file there.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, unless it has these bytes already: tools look at when it was written.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
        if fs::read(path).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        // Whoever reads the file meanwhile has a whole one.
        let unfinished = path.with_extension("unfinished");
        let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
        written.map_err(|error| self.cannot(path, &error))
    }

    /// Copies a file there.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<(), BuildError> {
        let bytes = fs::read(from).map_err(|error| self.cannot(from, &error))?;
        self.write(to, &bytes)
    }

    /// Removes a file, if it is there.
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
