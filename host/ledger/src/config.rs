//! The limits of a ledger.
//!
//! Does not read files or arguments.

/// Default of [`LedgerConfig::max_indexes`], and the limit for a package.
pub const MAX_INDEXES: usize = 64;

/// The largest message of a Fabric peer, in bytes.
const MESSAGE_BYTES: usize = 100 << 20;

/// Resources of a ledger, and limits of one simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerConfig {
    /// Memory for the state database's page cache, in bytes; at least 1 MiB is used.
    pub cache_bytes: u64,
    /// Limit on the rows that one range query returns; at the limit the result ends without an
    /// error. Fabric's `ledger.state.totalQueryLimit`.
    pub total_query_limit: usize,
    /// Longest key that a simulation may write, in bytes. A longer key that exists can still be
    /// deleted. The database's inner pages contain hundreds of whole keys each, and are written
    /// again for every few new keys. A dozen transactions with keys of megabytes would slow down
    /// all others.
    pub max_key_bytes: usize,
    /// Longest value that a simulation may write, in bytes.
    pub max_value_bytes: usize,
    /// Limit on the metadata (the endorsement policy) of a key that a simulation may write, in
    /// bytes. The policy is read again at each later write of the key.
    pub max_metadata_bytes: usize,
    /// Limit on the keys and values that one simulation may read and write together, in bytes. For
    /// a read only the key counts, for a range only its record.
    pub max_rwset_bytes: usize,
    /// Limit on the range queries and rich queries that one simulation may start.
    pub max_ranges: usize,
    /// Number of blocks after which a private set is removed if its transaction was not committed.
    /// Fabric's `peer.gossip.pvtData.transientstoreMaxBlockRetention`.
    pub transient_retention_blocks: u64,
    /// Seconds after which such a set is removed even without new blocks. Fabric has no such limit.
    pub transient_retention_secs: u64,
    /// Limit on the private sets that wait for their transactions, in bytes, for each channel.
    pub max_transient_bytes: u64,
    /// The part of `max_transient_bytes` that one client may use.
    pub max_transient_bytes_of_client: u64,
    /// Number of blocks between two removals of expired data from the private data store. Expired
    /// data are hidden at once. Fabric's `ledger.pvtdataStore.purgeInterval`.
    pub private_purge_interval_blocks: u64,
    /// True for rich queries, as on a peer with CouchDB. If false, a query is refused as on a peer
    /// with LevelDB, and keys and values need not satisfy CouchDB's rules.
    pub rich_queries: bool,
    /// Longest rich query, in bytes.
    pub max_query_bytes: usize,
    /// Limit on the values that one rich query may examine, matching or not.
    pub max_examined_values: usize,
    /// Limit on the indexes of one chaincode, those of its collections included.
    pub max_indexes: usize,
    /// True if heights and commits are counted in the metrics of the process. False for a copy of a
    /// channel, such as that of a replay.
    pub is_measured: bool,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            total_query_limit: 100_000,
            max_key_bytes: 4 << 10,
            // A Fabric peer limits these only by its message size.
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
