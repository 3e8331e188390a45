//! Errors of a ledger whose folders do not match each other, such as after a restore from copies.

use std::path::PathBuf;

use wasmcc_types::ChannelId;

/// The reason why blocks, state and private data of a channel do not match.
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// The path to read blocks from is not a regular file.
    #[error("{} is not a regular file: blocks are read more than once", path.display())]
    NoFileOfBlocks {
        /// The path.
        path: PathBuf,
    },
    /// The state was built from other blocks than those that are stored.
    #[error(
        "the state of channel {channel} was built from other blocks than those in its file: block \
         {number} differs. If the file is right, `wasmcc ledger rebuild` rebuilds the state; \
         otherwise put the right file back from a copy"
    )]
    StateOfOtherBlocks {
        /// The channel.
        channel: ChannelId,
        /// The last block of the state.
        number: u64,
    },
    /// Only the blocks of a channel exist; the lifetime of its private data hashes is unknown.
    #[error(
        "the ledger has the blocks of channel {channel}, but neither its state nor its private \
         data store: put the folders back from a copy, or rebuild the state without private data \
         with `wasmcc ledger rebuild`"
    )]
    BlocksAlone {
        /// The channel.
        channel: ChannelId,
    },
    /// The private data store belongs to other blocks of the same chain: to a fork.
    #[error(
        "private data of other blocks of channel {channel} are stored, from block {number} on \
         ({reason}), and they cannot be restored: put those blocks, or the right folder `private` \
         of the ledger, back from a copy"
    )]
    PrivateDataOfFork {
        /// The channel.
        channel: ChannelId,
        /// The first block that does not match.
        number: u64,
        /// The mismatch.
        reason: String,
    },
    /// A channel's folder is missing, while the state has blocks of the channel.
    #[error(
        "the state holds {height} blocks of channel {channel}, but its folder {} is missing: put \
         it back from a copy, or create it from a file of its blocks with `wasmcc ledger import`; \
         to continue without the channel, remove the ledger's folder `state` before a rebuild",
        folder.display()
    )]
    FolderMissing {
        /// The channel.
        channel: ChannelId,
        /// Its folder.
        folder: PathBuf,
        /// The state's height in blocks.
        height: u64,
    },
}
