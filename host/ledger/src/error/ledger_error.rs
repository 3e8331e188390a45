//! Errors of the ledger.
//!
//! Invariant: the verdict on a transaction is never an error: it is data (`CommittedBlock`). An
//! error means that the ledger could not do its work.

use std::path::PathBuf;

use crate::error::no_document::NoDocument;
use crate::error::refusal::remedy;
use crate::error::{FoldersError, QueryError};
use wasmcc_types::{ChannelId, Exhausted, Height, InvalidId, hex};

/// The ledger's errors. Each text names the failed operation; the cause is its `source`.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process (or another `Ledgers` of this one) has the folder open.
    #[error("the ledger in {} is open already, in this process or another one", dir.display())]
    Locked {
        /// The ledger's folder.
        dir: PathBuf,
    },
    /// The operating system refused a file operation.
    #[error("cannot {action} {}{}", path.display(), remedy(source))]
    Io {
        /// A verb, as in "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The state database failed to do an operation.
    #[error("the state database failed to {action}")]
    Store {
        /// A verb, as in "failed to read".
        action: &'static str,
        /// The database's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row of the state database has a form that this program never writes.
    #[error("the state database is damaged: {what}")]
    CorruptState {
        /// The damage.
        what: &'static str,
    },
    /// The private data of a folder cannot be opened.
    #[error("the private data cannot be opened: {reason}")]
    PrivateData {
        /// The reason.
        reason: String,
    },
    /// A row of the private data store has a form that this program never writes.
    #[error("the private data store is damaged: {what}")]
    CorruptPrivateData {
        /// The damage.
        what: &'static str,
    },
    /// A stored block does not match its hashes.
    #[error("block {number} of channel {channel} is damaged: {reason}")]
    CorruptBlock {
        /// The channel.
        channel: ChannelId,
        /// The block's number.
        number: u64,
        /// The check that failed.
        reason: String,
    },
    /// The state contains more blocks than the block file.
    #[error(
        "channel {channel}: the state holds block {}, but the block file ends before its \
         end: put the file back from a copy, or drop the lost blocks with `wasmcc ledger rebuild`",
        state.saturating_sub(1)
    )]
    StateAhead {
        /// The channel.
        channel: ChannelId,
        /// The state's height in blocks.
        state: u64,
    },
    /// Folders of the ledger do not match each other.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// The private data store is not that of the channel, while the state has private values, which
    /// a rebuild would lose.
    #[error(
        "the private data store has nothing of channel {channel}, but the state holds private \
         values, which a rebuild would remove: put the folder `private` of the ledger back from a \
         copy, or remove its folder `state` and rebuild again to continue without these values"
    )]
    PrivateStoreLost {
        /// The channel.
        channel: ChannelId,
    },
    /// Private data of an earlier chain of this name are stored and would have to be removed.
    #[error(
        "private data of an earlier channel {channel} are stored and cannot be restored: its \
         genesis block has the hash {}, this one has {}; put its blocks, or the right folder \
         `private` of the ledger, back from a copy",
        if stored.is_empty() { "(not known)".to_owned() } else { hex(stored) },
        hex(wanted)
    )]
    PrivateDataOfAnotherChain {
        /// The channel.
        channel: ChannelId,
        /// The header hash of the genesis block of the stored data; empty if only the state has
        /// them.
        stored: Vec<u8>,
        /// The header hash of the genesis block of the given blocks.
        wanted: Vec<u8>,
    },
    /// A channel's folder has the blocks of another channel.
    #[error(
        "the folder {folder} in `channels` contains the blocks of channel {channel}: rename it \
         to its channel, or move it elsewhere"
    )]
    OtherChannel {
        /// The name of the folder.
        folder: ChannelId,
        /// The channel that the genesis block names.
        channel: ChannelId,
    },
    /// The folder holds no ledger.
    #[error("there is no ledger in {}", dir.display())]
    NoLedger {
        /// The folder.
        dir: PathBuf,
    },
    /// There is no such channel.
    #[error("the ledger has no channel {channel}; it has {}", list(known))]
    UnknownChannel {
        /// The channel.
        channel: String,
        /// The existing channels.
        known: Vec<ChannelId>,
    },
    /// The channel has no such block, or the block is the genesis block.
    #[error("channel {channel} has no block {number} with a predecessor")]
    UnknownBlock {
        /// The channel.
        channel: ChannelId,
        /// The block.
        number: u64,
    },
    /// A file to import does not have the form that `export` writes.
    #[error("block {number} in the file is damaged: {reason}")]
    ImportFile {
        /// The number of the block that would come next.
        number: u64,
        /// The damage.
        reason: &'static str,
    },
    /// A name is not a channel's name.
    #[error(transparent)]
    InvalidChannel(#[from] InvalidId),
    /// The channel exists already.
    #[error("channel {channel} exists already")]
    ChannelExists {
        /// The channel.
        channel: ChannelId,
    },
    /// A block cannot be the first of a channel.
    #[error("not a genesis block: {reason}")]
    NotGenesis {
        /// The missing part.
        reason: &'static str,
    },
    /// A block lacks its header or its data.
    #[error("the block has no {part}")]
    IncompleteBlock {
        /// "header" or "data".
        part: &'static str,
    },
    /// A block does not have the next number.
    #[error("expected block {expected}, got block {got}")]
    BlockNumber {
        /// The next block's number.
        expected: u64,
        /// The number in the block's header.
        got: u64,
    },
    /// A block does not continue the chain.
    #[error("block {number} does not name the hash of block {} as its predecessor", number - 1)]
    PreviousHash {
        /// The block's number, at least 1.
        number: u64,
    },
    /// A block's data does not match the hash in its header.
    #[error("the data of block {number} does not match the data hash in its header")]
    DataHash {
        /// The block's number.
        number: u64,
    },
    /// The number of verdicts differs from the number of transactions.
    #[error("block {number} has {envelopes} transactions, but {verdicts} verdicts were given")]
    VerdictCount {
        /// The block's number.
        number: u64,
        /// Entries in the block.
        envelopes: usize,
        /// Entries in the caller's list.
        verdicts: usize,
    },
    /// A block is too large to be stored.
    #[error("block {number} is too large to store")]
    BlockTooLarge {
        /// The block's number.
        number: u64,
    },
    /// An earlier commit failed, and the ledger was not reopened.
    #[error("channel {channel} accepts no more blocks until the ledger is opened again")]
    NeedsReopen {
        /// The channel.
        channel: ChannelId,
    },
    /// Bytes cannot be decoded as the message.
    #[error("{what} does not parse")]
    Decode {
        /// The message.
        what: &'static str,
        /// The cause.
        source: prost::DecodeError,
    },
    /// A message lacks a required part.
    #[error("{what} is missing")]
    Missing {
        /// The part.
        what: &'static str,
    },
    /// A read-write set names a namespace twice.
    #[error("duplicate namespace '{namespace}' in txRWSet")]
    DuplicateNamespace {
        /// The namespace.
        namespace: String,
    },
    /// A key is longer than the limit.
    #[error("a key of {bytes} bytes is longer than the limit of {limit} bytes")]
    KeyTooLong {
        /// The key's length.
        bytes: usize,
        /// `LedgerConfig::max_key_bytes`.
        limit: usize,
    },
    /// A value is longer than the limit.
    #[error("a value of {bytes} bytes is longer than the limit of {limit} bytes")]
    ValueTooLong {
        /// The value's length.
        bytes: usize,
        /// `LedgerConfig::max_value_bytes`.
        limit: usize,
    },
    /// The metadata of a key are longer than the limit.
    #[error(
        "metadata of a key, such as its endorsement policy, of {bytes} bytes are longer than the \
         limit of {limit} bytes"
    )]
    MetadataTooLong {
        /// The length of the metadata.
        bytes: usize,
        /// `LedgerConfig::max_metadata_bytes`.
        limit: usize,
    },
    /// A simulation read and wrote more than the limit.
    #[error("a transaction may read and write keys and values of at most {limit} bytes together")]
    TooMuchRecorded {
        /// `LedgerConfig::max_rwset_bytes`.
        limit: usize,
    },
    /// A simulation started more range queries than the limit.
    #[error("a transaction may start at most {limit} range queries")]
    TooManyRanges {
        /// `LedgerConfig::max_ranges`.
        limit: usize,
    },
    /// A page contains more than the limit.
    #[error("a page of a query may hold keys and values of at most {limit} bytes")]
    PageTooLarge {
        /// The limit.
        limit: usize,
    },
    /// The simulation has no open range query with this number.
    #[error("query iterator not found")]
    UnknownRange,
    /// A paginated query after a write. The text is Fabric's, misspelling included.
    #[error(
        "txid [{tx_id}]: unsuppored transaction. Paginated queries are supported only in a \
         read-only transaction"
    )]
    PaginatedQueryAfterWrite {
        /// The transaction.
        tx_id: String,
    },
    /// A write after a paginated query. The text is Fabric's, misspelling included.
    #[error(
        "txid [{tx_id}]: unsuppored transaction. Transaction has already performed a paginated \
         query. Writes are not allowed"
    )]
    WriteAfterPaginatedQuery {
        /// The transaction.
        tx_id: String,
    },
    /// A query of private data after a write. The text is Fabric's, misspelling included.
    #[error(
        "txid [{tx_id}]: unsuppored transaction. Queries on pvt data is supported only in a \
         read-only transaction"
    )]
    PrivateQueryAfterWrite {
        /// The transaction.
        tx_id: String,
    },
    /// A write after a query of private data. The text is Fabric's, misspelling included.
    #[error(
        "txid [{tx_id}]: unsuppored transaction. Transaction has already performed queries on pvt \
         data. Writes are not allowed"
    )]
    WriteAfterPrivateQuery {
        /// The transaction.
        tx_id: String,
    },
    /// An organization's private value does not match the public hash: the organization is not a
    /// member of the collection, or lacks the data. The text is Fabric's.
    #[error(
        "private data matching public hash version is not available. Public hash version = {}, \
         Private data version = {}",
        version(hash),
        version(private)
    )]
    PrivateDataNotAvailable {
        /// The version of the public hash; None if the key does not exist.
        hash: Option<Height>,
        /// The version of the organization's value.
        private: Option<Height>,
    },
    /// The transient store is full.
    #[error("private data of transactions that are not committed may take {limit} bytes at most")]
    TransientStoreFull {
        /// `LedgerConfig::max_transient_bytes`.
        limit: u64,
    },
    /// One client's waiting private sets are at the client's limit.
    #[error(
        "private data of one client's transactions that are not committed may take {limit} bytes \
         at most: submit the transactions that were endorsed"
    )]
    TransientShareUsed {
        /// `LedgerConfig::max_transient_bytes_of_client`.
        limit: u64,
    },
    /// A key is invalid as the name of a peer value.
    #[error("'{key}' cannot be the key of a peer value: {reason}")]
    PeerKey {
        /// The key.
        key: String,
        /// The violated rule.
        reason: &'static str,
    },
    /// A rich query or an index definition is refused.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A key or a value that CouchDB does not accept.
    #[error(transparent)]
    NoDocument(#[from] NoDocument),
    /// The transaction has used up its work units or its time.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// Rich queries are switched off (`LedgerConfig::rich_queries`). The text is Fabric's.
    #[error("ExecuteQuery not supported for leveldb")]
    RichQueriesOff,
    /// A tool was stopped before it was done.
    #[error("interrupted")]
    Interrupted,
}

impl LedgerError {
    /// True if this peer failed, rather than the request: another peer may be able to answer.
    pub fn is_of_this_peer(&self) -> bool {
        matches!(
            self,
            Self::Io { .. }
                | Self::Store { .. }
                | Self::CorruptState { .. }
                | Self::CorruptBlock { .. }
                | Self::PrivateData { .. }
                | Self::CorruptPrivateData { .. }
                | Self::NeedsReopen { .. }
                | Self::Exhausted(_)
                | Self::Decode { .. }
        )
    }
}

/// Formats a version as Fabric does. Fabric: `version.Height.String`.
fn version(height: &Option<Height>) -> String {
    let known = |Height { block, tx }: &Height| format!("{{BlockNum: {block}, TxNum: {tx}}}");
    height.as_ref().map_or_else(|| "<nil>".to_owned(), known)
}

fn list(channels: &[ChannelId]) -> String {
    let names: Vec<&str> = channels.iter().map(ChannelId::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
