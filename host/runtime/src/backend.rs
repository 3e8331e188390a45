//! The port: all requests that a transaction can make to its peer.

use std::future::{self, Future};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::wait::wait;
use wasmcc_types::{Response, Timestamp};

/// Limit on the bytes that one call, or a response with its event, sends to the peer. With the rest
/// of a message (ids, channel names, tags) it is 100 MiB, the largest message between Fabric's
/// peers and chaincodes. A chaincode in Go has no other limit.
pub const CARRIED_BYTES: usize = (100 << 20) - (1 << 10);

/// Limit on the bytes that one call receives from the peer: keys and values of up to 100 rows, or
/// many values, in a message of 100 MiB.
pub const RESULT_BYTES: usize = (100 << 20) - (64 << 10);

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

/// The page of a paginated query that a guest requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Limit on the rows.
    pub size: i32,
    /// The bookmark of the previous page; empty for the first one.
    pub bookmark: String,
}

impl PageRequest {
    /// Returns true if the peer answers with a page. Fabric: `handler.go`,
    /// `isMetadataSetForPagination`.
    pub fn is_page(&self) -> bool {
        self.size != 0 || !self.bookmark.is_empty()
    }
}

/// The contents of one `QueryResponse` of the chaincode protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryBatch<Row> {
    /// Rows in the query's order.
    pub rows: Vec<Row>,
    /// True if [`Backend::query_next`] would find more rows. If it is true in a batch of
    /// `query_next` without rows, the transaction ends: the guest would wait forever.
    pub has_more: bool,
    /// The query's id, for further batches and for closing it.
    pub id: String,
    /// The next page's bookmark; only for paginated queries.
    pub bookmark: Option<String>,
}

impl<Row> QueryBatch<Row> {
    /// Checks a batch that was fetched because its predecessor had `has_more` set.
    ///
    /// # Errors
    /// The batch has no rows, and `has_more` is set.
    pub(crate) fn that_follows(self) -> Result<Self, BackendError> {
        if self.has_more && self.rows.is_empty() {
            let text = "the peer sent a batch of a query without rows and says that there are more";
            return Err(BackendError::new(ErrorKind::TransactionOver, text));
        }
        Ok(self)
    }
}

/// The kind of a refusal by the peer; becomes the `error` variant of the WIT package.
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
    /// The called chaincode ended with an error; `text` is its message. Guests see a ledger
    /// failure.
    CalleeFailed,
    /// The transaction has ended (for example, the stream to the peer is gone). The guest is
    /// stopped and gets no answer.
    TransactionOver,
}

/// A refusal with its reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct BackendError {
    /// The kind of refusal.
    pub kind: ErrorKind,
    /// A human-readable reason; Fabric's text where it has one.
    pub text: String,
}

impl BackendError {
    /// Makes a refusal of `kind` with its reason.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// An answer of a [`Backend`]: available at once, or when another process has sent it.
pub enum Reply<'a, T> {
    /// Made by [`Reply::now`].
    Now(future::Ready<Result<T, BackendError>>),
    /// Made by [`Reply::later`].
    Later(Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>),
}

impl<'a, T> Reply<'a, T> {
    /// Makes an answer that is available.
    pub fn now(answer: Result<T, BackendError>) -> Self {
        Self::Now(future::ready(answer))
    }

    /// Makes an answer that a future returns.
    pub fn later(answer: impl Future<Output = Result<T, BackendError>> + Send + 'a) -> Self {
        Self::Later(Box::pin(answer))
    }

    /// Waits for the answer. Blocks the thread.
    pub fn wait(self) -> Result<T, BackendError> {
        match self {
            Self::Now(answer) => answer.into_inner(),
            Self::Later(answer) => wait(answer),
        }
    }
}

impl<T> Future for Reply<'_, T> {
    type Output = Result<T, BackendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Now(answer) => Pin::new(answer).poll(cx),
            Self::Later(answer) => answer.as_mut().poll(cx),
        }
    }
}

/// A part of a proposal that does not become part of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProposalPart {
    /// The transient data.
    Transient,
    /// The client's signature, and the bytes under it.
    Signed,
}

/// Answers the calls of one transaction. `collection` is empty for public state. Implementations
/// follow the peer's half of Fabric's chaincode protocol. The shim's half (empty keys, start key
/// substitution, composite keys) is applied before they are called.
///
/// While the guest waits for an answer, it is not stopped.
/// [`Runtime::invoke`](crate::Runtime::invoke) gives up at the end of the transaction's time. With
/// [`Runtime::invoke_async`](crate::Runtime::invoke_async), a [`Reply::later`] needs its own time
/// limit, or a caller that drops the call.
pub trait Backend: Send {
    /// Returns the committed value; None if the key does not exist.
    fn get_state(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>>;

    /// Returns the committed values of `keys`, in their order. Refused if they have more than
    /// [`RESULT_BYTES`] together, because the host holds all of them at once.
    fn get_states<'a>(
        &'a mut self,
        collection: &'a str,
        keys: &'a [String],
    ) -> Reply<'a, Vec<Option<Vec<u8>>>> {
        Reply::later(async move {
            let mut room = RESULT_BYTES;
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let value = self.get_state(collection, key).await?;
                let size = value.as_ref().map_or(0, Vec::len);
                room = room.checked_sub(size).ok_or_else(|| {
                    let text = format!("more than {RESULT_BYTES} bytes of values in one call");
                    BackendError::new(ErrorKind::LimitExceeded, text)
                })?;
                values.push(value);
            }
            Ok(values)
        })
    }

    /// Writes at commit; an empty value deletes.
    fn put_state(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Reply<'_, ()>;

    /// Deletes at commit.
    fn del_state(&mut self, collection: &str, key: &str) -> Reply<'_, ()>;

    /// Deletes private data and its history at commit.
    fn purge_private_data(&mut self, collection: &str, key: &str) -> Reply<'_, ()>;

    /// Returns the hash of a private value; None if the key does not exist.
    fn get_private_data_hash(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>>;

    /// Returns all metadata of a key, ascending by name.
    fn get_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Reply<'_, Vec<(String, Vec<u8>)>>;

    /// At commit, replaces all metadata of a key with this entry.
    fn put_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
        name: &str,
        value: Vec<u8>,
    ) -> Reply<'_, ()>;

    /// Returns the first batch of a range; `end` is excluded.
    fn get_state_by_range(
        &mut self,
        collection: &str,
        start: &str,
        end: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>>;

    /// Returns the first batch of a rich query.
    fn get_query_result(
        &mut self,
        collection: &str,
        query: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>>;

    /// Returns the first batch of a key's changes.
    fn get_history_for_key(&mut self, key: &str) -> Reply<'_, QueryBatch<KeyModification>>;

    /// Returns the next batch of a range or rich query.
    fn query_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyValue>>;

    /// Returns the next batch of a history query.
    fn history_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyModification>>;

    /// Closes a query; ignores unknown ids.
    fn query_close(&mut self, id: &str) -> Reply<'_, ()>;

    /// Runs `name` ("chaincode" or "chaincode/channel") in this transaction.
    fn invoke_chaincode(&mut self, name: &str, args: Vec<Vec<u8>>) -> Reply<'_, Response>;

    /// Called when the guest reads a part of the proposal that no block contains. For tools that
    /// run a transaction again; does nothing by default.
    fn reads_proposal(&mut self, _part: ProposalPart) {}

    /// Allows the backend to collect the following writes in a batch. Does nothing by default.
    fn start_write_batch(&mut self) {}

    /// Sends the batch.
    fn finish_write_batch(&mut self) -> Reply<'_, ()> {
        Reply::now(Ok(()))
    }
}
