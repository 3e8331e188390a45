//! The port: all that one transaction may ask of its peer.

use crate::types::{Response, Timestamp};

/// What one call may bring from the peer, in bytes; as much as a guest's memory has by default.
pub const RESULT_BYTES: usize = 64 << 20;

/// One row of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key, as the chaincode wrote it.
    pub key: String,
    /// Never empty.
    pub value: Vec<u8>,
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyModification {
    /// The transaction that made the change.
    pub tx_id: String,
    /// Empty for a deletion.
    pub value: Vec<u8>,
    /// The client's time in that transaction.
    pub timestamp: Timestamp,
    /// The change was a deletion.
    pub is_delete: bool,
}

/// Which page of a paginated query is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows at most.
    pub size: i32,
    /// What the page before said; empty for the first.
    pub bookmark: String,
}

/// What one `QueryResponse` of the chaincode protocol carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryBatch<Row> {
    /// In the query's order.
    pub rows: Vec<Row>,
    /// Whether [`Backend::query_next`] would find more.
    pub has_more: bool,
    /// What to ask for more with, and to close.
    pub id: String,
    /// The next page's bookmark; only for paginated queries.
    pub bookmark: Option<String>,
}

/// Why the peer did not do what was asked; becomes the `error` variant of the WIT package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The arguments break a rule of the interface.
    InvalidArgument,
    /// The creator, or this kind of transaction, may not do this.
    NotPermitted,
    /// This peer cannot do this at all.
    Unsupported,
    /// A limit of the peer was reached.
    LimitExceeded,
    /// The peer tried and failed.
    LedgerFailure,
    /// The transaction is over (the stream to the peer is gone): the guest is stopped, not
    /// answered.
    TransactionOver,
}

/// A refusal with its reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct BackendError {
    /// What sort of refusal.
    pub kind: ErrorKind,
    /// For people; Fabric's own text where it has one.
    pub text: String,
}

impl BackendError {
    /// A refusal of `kind` with its reason.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// Answers for one transaction. `collection` is empty for public state. Implementations follow the
/// peer's half of Fabric's chaincode protocol; the shim's half (empty keys, start key substitution,
/// composite keys) is done before they are called.
pub trait Backend: Send {
    /// The committed value; none if the key does not exist.
    fn get_state(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, BackendError>;

    /// The committed values of `keys`, in their order. More than [`RESULT_BYTES`] of them together
    /// are a refusal: the host holds them all at once.
    fn get_states(
        &mut self,
        collection: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>, BackendError> {
        let mut room = RESULT_BYTES;
        let mut get = |key: &String| {
            let value = self.get_state(collection, key)?;
            let size = value.as_ref().map_or(0, Vec::len);
            room = room.checked_sub(size).ok_or_else(|| {
                let text = format!("more than {RESULT_BYTES} bytes of values in one call");
                BackendError::new(ErrorKind::LimitExceeded, text)
            })?;
            Ok(value)
        };
        keys.iter().map(&mut get).collect()
    }

    /// Writes at commit; an empty value deletes.
    fn put_state(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<(), BackendError>;

    /// Deletes at commit.
    fn del_state(&mut self, collection: &str, key: &str) -> Result<(), BackendError>;

    /// Deletes private data and its history at commit.
    fn purge_private_data(&mut self, collection: &str, key: &str) -> Result<(), BackendError>;

    /// The hash of a private value; none if the key does not exist.
    fn get_private_data_hash(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, BackendError>;

    /// All metadata of a key, ascending by name.
    fn get_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Vec<(String, Vec<u8>)>, BackendError>;

    /// Replaces all metadata of a key with this piece at commit.
    fn put_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
        name: &str,
        value: &[u8],
    ) -> Result<(), BackendError>;

    /// The first batch of a range, `end` excluded.
    fn get_state_by_range(
        &mut self,
        collection: &str,
        start: &str,
        end: &str,
        page: Option<&PageRequest>,
    ) -> Result<QueryBatch<KeyValue>, BackendError>;

    /// The first batch of a rich query.
    fn get_query_result(
        &mut self,
        collection: &str,
        query: &str,
        page: Option<&PageRequest>,
    ) -> Result<QueryBatch<KeyValue>, BackendError>;

    /// The first batch of a key's changes.
    fn get_history_for_key(
        &mut self,
        key: &str,
    ) -> Result<QueryBatch<KeyModification>, BackendError>;

    /// The next batch of a range or rich query.
    fn query_next(&mut self, id: &str) -> Result<QueryBatch<KeyValue>, BackendError>;

    /// The next batch of a history query.
    fn history_next(&mut self, id: &str) -> Result<QueryBatch<KeyModification>, BackendError>;

    /// Ends a query; an unknown id is no error.
    fn query_close(&mut self, id: &str) -> Result<(), BackendError>;

    /// Runs `name` ("chaincode" or "chaincode/channel") in this transaction.
    fn invoke_chaincode(
        &mut self,
        name: &str,
        args: Vec<Vec<u8>>,
    ) -> Result<Response, BackendError>;

    /// From here on writes may be held back. By default nothing is.
    fn start_write_batch(&mut self) {}

    /// Sends what was held back.
    fn finish_write_batch(&mut self) -> Result<(), BackendError> {
        Ok(())
    }
}
