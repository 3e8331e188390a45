//! Channels whose folder is missing, so that only their state is left.

use std::io::ErrorKind;
use std::path::Path;

use crate::commit::recover::savepoint;
use crate::error::{FoldersError, LedgerError};
use crate::store::Database;
use crate::store::tables::CHANNELS;
use wasmcc_types::ChannelId;

/// Returns the channels whose state has blocks, and whose folder is missing.
pub(crate) fn without_folder(state: &Database, dir: &Path) -> Result<Vec<ChannelId>, LedgerError> {
    let mut found = Vec::new();
    for channel in state.table_names()?.iter().filter_map(|name| ChannelId::parse(name).ok()) {
        let folder = dir.join(CHANNELS).join(channel.as_str());
        // A dangling link is a folder on a disk that is not mounted.
        let is_missing =
            folder.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        if is_missing && height_in(state, &channel)? > 0 {
            found.push(channel);
        }
    }
    Ok(found)
}

/// Returns the error for such a channel.
pub(crate) fn folder_missing(
    state: &Database,
    dir: &Path,
    channel: &ChannelId,
) -> Result<LedgerError, LedgerError> {
    let (channel, folder) = (channel.clone(), dir.join(CHANNELS).join(channel.as_str()));
    Ok(FoldersError::FolderMissing { height: height_in(state, &channel)?, channel, folder }.into())
}

/// Returns the number of blocks in a channel's state.
pub(crate) fn height_in(state: &Database, channel: &ChannelId) -> Result<u64, LedgerError> {
    if !state.has_table(channel) {
        return Ok(0);
    }
    let last = savepoint(&state.table(channel)?)?;
    Ok(last.map_or(0, |number| number.saturating_add(1)))
}
