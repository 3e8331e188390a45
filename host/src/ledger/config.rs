//! The limits of a ledger.
//!
//! Invariant: numbers only; reading them from a file or the command line is the config module's.

/// Indexes that one chaincode may have, unless a ledger says otherwise; no package has more.
pub const MAX_INDEXES: usize = 64;

/// The largest message of a Fabric peer, in bytes.
const MESSAGE_BYTES: usize = 100 << 20;

/// What a ledger may use and what it lets one simulation ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerConfig {
    /// Memory for the state database's page cache, in bytes.
    pub cache_bytes: u64,
    /// Rows that one range query may hand out; at the limit the result just ends. Fabric's
    /// `ledger.state.totalQueryLimit`.
    pub total_query_limit: usize,
    /// Longest key that a simulation may write, in bytes.
    pub max_key_bytes: usize,
    /// Longest value that a simulation may write, in bytes.
    pub max_value_bytes: usize,
    /// Keys and values that one simulation may read and write together, in bytes; of what it reads
    /// only the keys count, of a range only what is recorded of it.
    pub max_rwset_bytes: usize,
    /// Range queries and rich queries that one simulation may start.
    pub max_ranges: usize,
    /// Blocks after which the private data of a transaction that never came is forgotten. Fabric's
    /// `peer.gossip.pvtData.transientstoreMaxBlockRetention`.
    pub transient_retention_blocks: u64,
    /// Seconds after which it is forgotten even if no blocks come. Fabric has no such limit.
    pub transient_retention_secs: u64,
    /// Private data of transactions that are not committed, in bytes, for each channel.
    pub max_transient_bytes: u64,
    /// The share of it that one client may use.
    pub max_transient_bytes_of_client: u64,
    /// How often private data whose time is over is removed from the private data store, in blocks;
    /// it is not given out meanwhile. Fabric's `ledger.pvtdataStore.purgeInterval`.
    pub private_purge_interval_blocks: u64,
    /// Whether there are rich queries, as on a peer with CouchDB. Without them a query gets the
    /// answer of a peer with LevelDB, and keys and values may be what CouchDB does not take.
    pub rich_queries: bool,
    /// Longest rich query, in bytes.
    pub max_query_bytes: usize,
    /// Values that one rich query may look at, whether it wants them or not.
    pub max_examined_values: usize,
    /// Indexes that one chaincode may have, those of its collections included.
    pub max_indexes: usize,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            total_query_limit: 100_000,
            // A Fabric peer has no limit on these but that of its messages.
            max_key_bytes: MESSAGE_BYTES,
            max_value_bytes: MESSAGE_BYTES,
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
        }
    }
}
