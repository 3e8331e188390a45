//! Separates channels from other entries of the folder `channels`.
//!
//! Invariant: entries that are not channels are ignored and left untouched. A damaged channel is
//! listed as a channel, so that opening it reports the damage.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::LedgerError;
use wasmcc_types::ChannelId;

/// The entries of the folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ChannelFolders {
    /// The channels, sorted, including those whose creation was interrupted.
    pub(crate) channels: Vec<ChannelId>,
    /// All other entries, sorted.
    pub(crate) strays: Vec<PathBuf>,
}

impl ChannelFolders {
    /// Reads the folder `dir`. `is_known` returns true for channels that have a table in a
    /// database.
    pub(crate) fn list(
        dir: &Path,
        is_known: impl Fn(&ChannelId) -> bool,
    ) -> Result<Self, LedgerError> {
        let list = |source| LedgerError::Io { action: "list", path: dir.to_owned(), source };
        let mut found = Self::default();
        for entry in fs::read_dir(dir).map_err(list)? {
            let entry = entry.map_err(list)?;
            let name = entry.file_name();
            match name.to_str().map(ChannelId::parse) {
                Some(Ok(channel)) if is_known(&channel) || may_hold_blocks(&entry.path())? => {
                    found.channels.push(channel);
                }
                _ => found.strays.push(entry.path()),
            }
        }
        found.channels.sort_unstable();
        found.strays.sort_unstable();
        Ok(found)
    }

    /// Logs a warning for each entry that is not a channel.
    pub(crate) fn warn(&self) {
        for path in &self.strays {
            let path = path.display();
            tracing::warn!(%path, "not a channel, left untouched; it can be moved elsewhere");
        }
    }
}

/// True for a folder with a block file, and for an empty one: creating a channel may have been
/// interrupted there.
fn may_hold_blocks(path: &Path) -> Result<bool, LedgerError> {
    let io = |source| LedgerError::Io { action: "read", path: path.to_owned(), source };
    // The folder may be a link to another disk.
    if !fs::metadata(path).map_err(io)?.is_dir() {
        return Ok(false);
    }
    // A dangling link counts as a block file: its target is missing now, but it is not a stray.
    let has_blocks = fs::symlink_metadata(path.join("blocks")).is_ok();
    Ok(has_blocks || fs::read_dir(path).map_err(io)?.next().is_none())
}
