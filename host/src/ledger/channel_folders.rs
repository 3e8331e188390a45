//! Which entries of the folder of the channels are channels.
//!
//! Invariant: what is no channel stops nobody and is not touched. What was a channel is given as
//! one, whatever is left of it, so that its damage is found where it is opened.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::ledger::error::LedgerError;
use crate::types::ChannelId;

/// What is in the folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ChannelFolders {
    /// The channels, sorted, with those whose creation was interrupted.
    pub(crate) channels: Vec<ChannelId>,
    /// Everything else, sorted.
    pub(crate) strays: Vec<PathBuf>,
}

impl ChannelFolders {
    /// Reads the folder `dir`; `is_known` says whether the databases have heard of a channel.
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

    /// Names what is no channel in the log.
    pub(crate) fn warn(&self) {
        for path in &self.strays {
            let path = path.display();
            tracing::warn!(%path, "this is no channel and left alone; it can be moved elsewhere");
        }
    }
}

/// Whether this is a folder with blocks, or an empty one: the creation of a channel may have been
/// interrupted there.
fn may_hold_blocks(path: &Path) -> Result<bool, LedgerError> {
    let io = |source| LedgerError::Io { action: "read", path: path.to_owned(), source };
    // A channel may lie on another disk, behind a link.
    if !fs::metadata(path).map_err(io)?.is_dir() {
        return Ok(false);
    }
    // A link that leads nowhere is a block file, too: one that is not there now.
    let has_blocks = fs::symlink_metadata(path.join("blocks")).is_ok();
    Ok(has_blocks || fs::read_dir(path).map_err(io)?.next().is_none())
}
