//! Files that Go's compiler reads in place of others, or ignores: its flag `-overlay`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::BuildError;
use super::output_folder::OutputFolder;

/// The SDK's package in place of Go's `os/signal`.
const SIGNAL: &str = "library/signal/signal.go";
/// The SDK's file that adds time zone data to the shim.
const ZONES: &str = "library/zones/zones.go";

/// The replacements by original path. An empty path hides the file.
#[derive(Debug, Default)]
pub(super) struct Overlay(BTreeMap<PathBuf, PathBuf>);

impl Overlay {
    /// Replaces a file by another.
    pub(super) fn replace(&mut self, file: PathBuf, by: PathBuf) {
        self.0.insert(file, by);
    }

    /// Hides a file from the compiler.
    pub(super) fn remove(&mut self, file: PathBuf) {
        self.0.insert(file, PathBuf::new());
    }

    /// Replaces `os/signal` of the library in `goroot`, unless the SDK has no replacement.
    pub(super) fn replace_signals(&mut self, goroot: &Path, sdk: &Path) {
        let own = sdk.join(SIGNAL);
        if own.is_file() {
            let library = goroot.join("src/os/signal");
            self.remove(library.join("signal_unix.go"));
            self.replace(library.join("signal.go"), own);
        }
    }

    /// Adds the time zones to the shim in a folder, unless the SDK has none.
    pub(super) fn add_zones(&mut self, shim: &Path, sdk: &Path) {
        let own = sdk.join(ZONES);
        if own.is_file() {
            self.replace(shim.join("zones.go"), own);
        }
    }

    /// Writes the list; returns the compiler's flag for it.
    pub(super) fn flag(&self, output: &OutputFolder) -> Result<String, BuildError> {
        let list = output.file("overlay.json");
        output.write(&list, json!({ "Replace": self.0 }).to_string().as_bytes())?;
        Ok(format!("-overlay={}", list.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A contract may name an SDK of an earlier version, without these files.
    #[test]
    fn an_sdk_without_the_files_replaces_nothing() {
        let mut overlay = Overlay::default();
        let empty = tempfile::TempDir::new().unwrap();
        overlay.replace_signals(Path::new("/go"), empty.path());
        overlay.add_zones(Path::new("/shim"), empty.path());
        assert!(overlay.0.is_empty(), "{overlay:?}");

        let sdk = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk/go"));
        overlay.replace_signals(Path::new("/go"), sdk);
        overlay.add_zones(Path::new("/shim"), sdk);
        let files: Vec<_> = overlay.0.keys().map(|file| file.to_str().unwrap()).collect();
        let library = "/go/src/os/signal";
        assert_eq!(
            files,
            [
                &format!("{library}/signal.go"),
                &format!("{library}/signal_unix.go"),
                "/shim/zones.go"
            ]
        );
    }
}
