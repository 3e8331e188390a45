//! The limits of a ledger.
//!
//! Does not read files or arguments.

/// Default of [`LedgerConfig::max_indexes`], and the bound of a package.
pub const MAX_INDEXES: usize = 64;

/// The largest message of a Fabric peer, in bytes.
const MESSAGE_BYTES: usize = 100 << 20;

/// What a ledger may use and what it lets one simulation ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerConfig {
    /// Memory for the state database's page cache, in bytes. It has 1 MiB at least.
    pub cache_bytes: u64,
    /// Rows that one range query returns; at the limit the result ends without an error. Fabric's
    /// `ledger.state.totalQueryLimit`.
    pub total_query_limit: usize,
    /// Longest key that a simulation may write, in bytes; a longer one that exists can be removed.
    /// The database keeps keys whole in the pages that lead to them, hundreds in a page, and writes
    /// such a page again for every few new keys: a dozen transactions with keys of megabytes would
    /// slow down those of everybody.
    pub max_key_bytes: usize,
    /// Longest value that a simulation may write, in bytes.
    pub max_value_bytes: usize,
    /// Most metadata of a key that a simulation may write, in bytes: its endorsement policy.
    /// Whoever judges a write of the key later reads the policy again.
    pub max_metadata_bytes: usize,
    /// Keys and values that one simulation may read and write together, in bytes. Of a read only
    /// the key counts, of a range only what is recorded of it.
    pub max_rwset_bytes: usize,
    /// Range queries and rich queries that one simulation may start.
    pub max_ranges: usize,
    /// Blocks after which a private set is removed whose transaction was not committed. Fabric's
    /// `peer.gossip.pvtData.transientstoreMaxBlockRetention`.
    pub transient_retention_blocks: u64,
    /// Seconds after which such a set is removed even if no blocks come. Fabric has no such limit.
    pub transient_retention_secs: u64,
    /// Private sets that wait for their transactions, in bytes, for each channel.
    pub max_transient_bytes: u64,
    /// The part of `max_transient_bytes` that one client may use.
    pub max_transient_bytes_of_client: u64,
    /// Blocks between two removals of expired data from the private data store. Expired data are
    /// hidden at once. Fabric's `ledger.pvtdataStore.purgeInterval`.
    pub private_purge_interval_blocks: u64,
    /// True for rich queries, as on a peer with CouchDB. If false, a query is refused as on a peer
    /// with LevelDB, and keys and values need not satisfy CouchDB's rules.
    pub rich_queries: bool,
    /// Longest rich query, in bytes.
    pub max_query_bytes: usize,
    /// Values that one rich query may look at, matching or not.
    pub max_examined_values: usize,
    /// Indexes that one chaincode may have, those of its collections included.
    pub max_indexes: usize,
    /// True if heights and commits are metrics of the process. If false, this is a copy beside the
    /// channel itself, such as that of a replay.
    pub is_measured: bool,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            total_query_limit: 100_000,
            max_key_bytes: 4 << 10,
            // A Fabric peer has no limit on these but that of its messages.
            max_value_bytes: MESSAGE_BYTES,
            max_metadata_bytes: 64 << 10,
            max_rwset_bytes: MESSAGE_BYTES,
            max_ranges: 10_000,
            transient_retention_blocks: 1_000,
            transient_retention_secs: 60 * 60,
            max_transient_bytes: 1 << 30,
            max_transient_bytes_of_client: 128 << 20,
            private_purge_interval_blocks: 100,
            rich_queries: true,
            max_query_bytes: 1 << 20,
            max_examined_values: 1_000_000,
            max_indexes: MAX_INDEXES,
            is_measured: true,
        }
    }
}
