//! Errors of a ledger whose folders do not go together, such as after a restore from copies.

use std::path::PathBuf;

use wasmcc_types::ChannelId;

/// Why blocks, state and private data of a channel do not go together.
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// What blocks are to be read from is no regular file.
    #[error("{} is no regular file: blocks are read more than once", path.display())]
    NoFileOfBlocks {
        /// What was named.
        path: PathBuf,
    },
    /// The state was made from other blocks than those that are stored.
    #[error(
        "the state of channel {channel} was made from other blocks than those in its file, which \
         have another block {number}: if the blocks are the right ones, `wasmcc ledger rebuild` \
         makes the state again; otherwise put the right ones back from a copy"
    )]
    StateOfOtherBlocks {
        /// The channel.
        channel: ChannelId,
        /// The last block of the state.
        number: u64,
    },
    /// Only the blocks of a channel are there: nothing says how long hashes of private data live.
    #[error(
        "the ledger has the blocks of channel {channel}, but neither its state nor its private \
         data store: put the folders back from a copy; or `wasmcc ledger rebuild` makes the state \
         again, without private data"
    )]
    BlocksAlone {
        /// The channel.
        channel: ChannelId,
    },
    /// The private data store has private data of other blocks of the same chain: of a fork.
    #[error(
        "private data of other blocks of channel {channel} are stored, from block {number} on \
         ({reason}), and nothing could make them again: put those blocks, or the right folder \
         `private` of the ledger, back from a copy"
    )]
    PrivateDataOfFork {
        /// The channel.
        channel: ChannelId,
        /// The first block at which they do not fit.
        number: u64,
        /// How they do not fit.
        reason: String,
    },
    /// A channel's folder is missing, while the state has blocks of the channel.
    #[error(
        "the state holds {height} blocks of channel {channel}, but its folder {} is missing: put \
         it back from a copy, or make it from a file of its blocks with `wasmcc ledger import`; to \
         go on without the channel, remove the folder `state` of the ledger before a rebuild",
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
