//! Implements the port with a peer at the other end of a stream.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;

use crate::answers;
use crate::budget::{BudgetPart, BudgetShare, MessageBudget};
use crate::write_batch::{BatchFull, WriteBatch};
use wasmcc_protocol::{BatchLimits, Request};
use wasmcc_runtime::{
    Backend, BackendError, ErrorKind, KeyModification, KeyValue, PageRequest, QueryBatch,
    RESULT_BYTES, Reply,
};
use wasmcc_types::Response;
use wasmcc_types::proto::protos;

/// Sends one request of a transaction. A transaction has at most one request at a time.
pub type Ask = dyn Fn(Request) -> Asked + Send + Sync;

/// The answer to come: the payload of RESPONSE.
pub type Asked = Pin<Box<dyn Future<Output = BackendResult<Vec<u8>>> + Send>>;

/// Limit of one part of a write batch, in bytes. A single write may be larger.
const PART_BYTES: usize = 16 << 20;
/// Default limit of a write batch, in bytes: the memory of a guest.
const BATCH_BYTES: usize = 256 << 20;

/// One transaction's view of a peer behind a stream. Each call is a request and its answer. Writes
/// between `start_write_batch` and `finish_write_batch` are sent together if the peer supports
/// that.
///
/// Does not cache, and does not repeat the shim's rules, which are above the port.
#[derive(Clone)]
pub struct StreamBackend {
    ask: Arc<Ask>,
    limits: BatchLimits,
    /// None between batches, and if the peer does not support them.
    batch: Arc<Mutex<Option<WriteBatch>>>,
    batch_bytes: usize,
    share: Arc<BudgetShare>,
}

type BackendResult<T> = Result<T, BackendError>;

impl StreamBackend {
    /// Returns the view of a new transaction. Clones share its state.
    pub fn new(ask: Arc<Ask>, limits: BatchLimits) -> Self {
        let share = MessageBudget::new(usize::MAX).stream().share();
        Self { ask, limits, batch: Arc::default(), batch_bytes: BATCH_BYTES, share }
    }

    /// Limits batches to `batch_bytes`, which are counted in `share`.
    pub(super) fn holding(self, batch_bytes: usize, share: Arc<BudgetShare>) -> Self {
        Self { batch_bytes, share, ..self }
    }

    /// Sends the write batch; must be called before COMPLETED (`shim/handler.go`,
    /// `handleTransaction`). Only here does the peer refuse a write of a batch; the writes before
    /// it remain.
    pub async fn flush(&self) -> BackendResult<()> {
        let held_back = self.batch().take();
        let (Some(batch), Some(count)) = (held_back, self.limits.write_batch) else {
            return Ok(());
        };
        for rec in batch.into_parts(count, PART_BYTES) {
            let request = Request::WriteBatchState(protos::WriteBatchState { rec });
            (self.ask)(request).await.map_err(|BackendError { kind, text }| match kind {
                ErrorKind::TransactionOver => BackendError { kind, text },
                _ => BackendError::new(kind, batch_failed(&text)),
            })?;
        }
        self.hold(0)
    }

    /// Counts the bytes of the write batch.
    fn hold(&self, bytes: usize) -> BackendResult<()> {
        let held = self.share.hold(BudgetPart::Batch, bytes);
        held.map_err(|text| BackendError::new(ErrorKind::TransactionOver, text))
    }

    fn batch(&self) -> MutexGuard<'_, Option<WriteBatch>> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request and decodes its answer.
    fn ask<T>(
        &self,
        request: Request,
        read: impl FnOnce(Vec<u8>) -> BackendResult<T> + Send + 'static,
    ) -> Reply<'static, T> {
        let asked = (self.ask)(request);
        Reply::later(async move { read(asked.await?) })
    }

    /// Adds a write to the batch, or sends it if there is no batch.
    fn write<V>(
        &self,
        value: V,
        hold: impl FnOnce(&mut WriteBatch, V) -> Result<(), BatchFull>,
        request: impl FnOnce(V) -> Request,
    ) -> Reply<'static, ()> {
        if let Some(batch) = self.batch().as_mut() {
            let full = |full: BatchFull| limit_exceeded(full.to_string());
            return Reply::now(
                hold(batch, value).map_err(full).and_then(|()| self.hold(batch.bytes())),
            );
        }
        self.ask(request(value), |_| Ok(()))
    }

    /// Reads up to as many keys as the peer accepts in one message.
    async fn get_many(
        &self,
        collection: &str,
        keys: &[String],
    ) -> BackendResult<Vec<Option<Vec<u8>>>> {
        let request =
            protos::GetStateMultiple { keys: keys.to_vec(), collection: collection.to_owned() };
        let payload = (self.ask)(Request::GetStateMultiple(request)).await?;
        let result: protos::GetStateMultipleResult =
            answers::decode(&payload, "GetStateMultipleResult")?;
        if result.values.len() != keys.len() {
            let (values, keys) = (result.values.len(), keys.len());
            let text = format!("the peer returned {values} values for {keys} keys");
            return Err(answers::failure(text));
        }
        Ok(result.values.into_iter().map(answers::value).collect())
    }
}

/// Returns the text of Fabric's shim for a refused batch (`shim/handler.go`, `sendBatch`; for the
/// batch at the end of a transaction also `handleTransaction`).
pub(super) fn batch_failed(text: &str) -> String {
    format!("failed send batch: {text}")
}

fn limit_exceeded(text: String) -> BackendError {
    BackendError::new(ErrorKind::LimitExceeded, text)
}

fn get(collection: &str, key: &str) -> protos::GetState {
    protos::GetState { key: key.to_owned(), collection: collection.to_owned() }
}

/// Returns the request's metadata; an empty page is included as well.
fn page_metadata(page: Option<&PageRequest>) -> Vec<u8> {
    page.map_or_else(Vec::new, |page| {
        let bookmark = page.bookmark.clone();
        protos::QueryMetadata { page_size: page.size, bookmark }.encode_to_vec()
    })
}

/// True for a page that is used: Fabric's peer ignores one without size and bookmark.
fn is_page(page: Option<&PageRequest>) -> bool {
    page.is_some_and(|page| page.size != 0 || !page.bookmark.is_empty())
}

impl Backend for StreamBackend {
    fn get_state(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        self.ask(Request::GetState(get(collection, key)), |value| Ok(answers::value(value)))
    }

    fn get_states<'a>(
        &'a mut self,
        collection: &'a str,
        keys: &'a [String],
    ) -> Reply<'a, Vec<Option<Vec<u8>>>> {
        Reply::later(async move {
            let (mut values, mut room) = (Vec::with_capacity(keys.len()), RESULT_BYTES);
            // A peer without support for multiple keys gets one request per key.
            let size = self.limits.get_multiple.map_or(1, |size| size.max(1));
            for keys in keys.chunks(usize::try_from(size).unwrap_or(usize::MAX)) {
                let mut more = match (self.limits.get_multiple, keys) {
                    (None, [key]) => vec![self.get_state(collection, key).await?],
                    _ => self.get_many(collection, keys).await?,
                };
                let bytes = more.iter().flatten().map(Vec::len).sum();
                room = room.checked_sub(bytes).ok_or_else(|| {
                    limit_exceeded(format!("more than {RESULT_BYTES} bytes of values in one call"))
                })?;
                values.append(&mut more);
            }
            Ok(values)
        })
    }

    fn put_state(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Reply<'_, ()> {
        self.write(
            value,
            |batch, value| batch.put(collection, key, value),
            |value| {
                let (key, collection) = (key.to_owned(), collection.to_owned());
                Request::PutState(protos::PutState { key, value, collection })
            },
        )
    }

    fn del_state(&mut self, collection: &str, key: &str) -> Reply<'_, ()> {
        let (key, collection) = (key.to_owned(), collection.to_owned());
        self.write(
            (),
            |batch, ()| batch.delete(&collection, &key),
            |()| {
                let (key, collection) = (key.clone(), collection.clone());
                Request::DelState(protos::DelState { key, collection })
            },
        )
    }

    fn purge_private_data(&mut self, collection: &str, key: &str) -> Reply<'_, ()> {
        self.write(
            (),
            |batch, ()| batch.purge(collection, key),
            |()| {
                let (key, collection) = (key.to_owned(), collection.to_owned());
                Request::PurgePrivateData(protos::PurgePrivateState { key, collection })
            },
        )
    }

    fn get_private_data_hash(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        let request = Request::GetPrivateDataHash(get(collection, key));
        self.ask(request, |value| Ok(answers::value(value)))
    }

    fn get_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Reply<'_, Vec<(String, Vec<u8>)>> {
        let (key, collection) = (key.to_owned(), collection.to_owned());
        let request = protos::GetStateMetadata { key, collection };
        self.ask(Request::GetStateMetadata(request), |payload| {
            let result: protos::StateMetadataResult =
                answers::decode(&payload, "StateMetadataResult")?;
            let entries = result.entries.into_iter();
            let mut entries: Vec<_> = entries.map(|entry| (entry.metakey, entry.value)).collect();
            // Fabric's peer returns them in random order.
            entries.sort();
            Ok(entries)
        })
    }

    fn put_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
        name: &str,
        value: Vec<u8>,
    ) -> Reply<'_, ()> {
        self.write(
            value,
            |batch, value| batch.put_metadata(collection, key, name, value),
            |value| {
                let metadata = protos::StateMetadata { metakey: name.to_owned(), value };
                Request::PutStateMetadata(protos::PutStateMetadata {
                    key: key.to_owned(),
                    collection: collection.to_owned(),
                    metadata: Some(metadata),
                })
            },
        )
    }

    fn get_state_by_range(
        &mut self,
        collection: &str,
        start: &str,
        end: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        let request = protos::GetStateByRange {
            start_key: start.to_owned(),
            end_key: end.to_owned(),
            collection: collection.to_owned(),
            metadata: page_metadata(page),
        };
        let is_page = is_page(page);
        self.ask(Request::GetStateByRange(request), move |payload| {
            answers::states(payload, is_page)
        })
    }

    fn get_query_result(
        &mut self,
        collection: &str,
        query: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        let request = protos::GetQueryResult {
            query: query.to_owned(),
            collection: collection.to_owned(),
            metadata: page_metadata(page),
        };
        let is_page = is_page(page);
        self.ask(Request::GetQueryResult(request), move |payload| answers::states(payload, is_page))
    }

    fn get_history_for_key(&mut self, key: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        let request = protos::GetHistoryForKey { key: key.to_owned() };
        self.ask(Request::GetHistoryForKey(request), answers::changes)
    }

    fn query_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyValue>> {
        let request = protos::QueryStateNext { id: id.to_owned() };
        self.ask(Request::QueryStateNext(request), |payload| answers::states(payload, false))
    }

    fn history_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        let request = protos::QueryStateNext { id: id.to_owned() };
        self.ask(Request::QueryStateNext(request), answers::changes)
    }

    fn query_close(&mut self, id: &str) -> Reply<'_, ()> {
        let request = protos::QueryStateClose { id: id.to_owned() };
        self.ask(Request::QueryStateClose(request), |_| Ok(()))
    }

    fn invoke_chaincode(&mut self, name: &str, args: Vec<Vec<u8>>) -> Reply<'_, Response> {
        let name = name.to_owned();
        let request = protos::ChaincodeSpec {
            chaincode_id: Some(protos::ChaincodeId { name, ..Default::default() }),
            input: Some(protos::ChaincodeInput { args, ..Default::default() }),
            ..Default::default()
        };
        self.ask(Request::InvokeChaincode(request), |payload| answers::called(&payload))
    }

    fn start_write_batch(&mut self) {
        if self.limits.write_batch.is_some() {
            self.batch().get_or_insert_with(|| WriteBatch::new(self.batch_bytes));
        }
    }

    fn finish_write_batch(&mut self) -> Reply<'_, ()> {
        Reply::later(self.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_runtime::wait;

    type Said = Arc<Mutex<Vec<Request>>>;

    /// Answers every request with `payload` and records it.
    fn backend(limits: BatchLimits, payload: Vec<u8>) -> (StreamBackend, Said) {
        let said = Said::default();
        let notes = Arc::clone(&said);
        let ask = move |request| -> Asked {
            notes.lock().unwrap().push(request);
            Box::pin(std::future::ready(Ok(payload.clone())))
        };
        (StreamBackend::new(Arc::new(ask), limits), said)
    }

    fn take(said: &Said) -> Vec<Request> {
        std::mem::take(&mut said.lock().unwrap())
    }

    #[test]
    fn writes_go_one_by_one_to_a_peer_without_batches() {
        let (mut backend, said) = backend(BatchLimits::default(), Vec::new());
        backend.start_write_batch();
        backend.put_state("", "k", b"v".to_vec()).wait().unwrap();
        assert_eq!(take(&said).len(), 1);
        backend.finish_write_batch().wait().unwrap();
        wait(backend.flush()).unwrap();
        assert!(take(&said).is_empty());
    }

    #[test]
    fn writes_are_held_back_until_finish_or_flush() {
        let limits = BatchLimits { write_batch: Some(100), get_multiple: None };
        let (mut backend, said) = backend(limits, Vec::new());
        for finish in [true, false] {
            backend.start_write_batch();
            for n in 0..150 {
                backend.put_state("", &format!("k{n:03}"), b"v".to_vec()).wait().unwrap();
                backend.put_state("", &format!("k{n:03}"), b"w".to_vec()).wait().unwrap();
            }
            assert!(take(&said).is_empty());
            if finish {
                backend.finish_write_batch().wait().unwrap()
            } else {
                wait(backend.flush()).unwrap()
            }
            let sizes: Vec<_> = take(&said)
                .into_iter()
                .map(|request| match request {
                    Request::WriteBatchState(batch) => batch.rec.len(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(sizes, [100, 50]);
        }
        backend.del_state("", "k").wait().unwrap();
        assert!(matches!(take(&said).as_slice(), [Request::DelState(_)]));
    }

    #[test]
    fn a_batch_is_bounded_for_its_transaction_and_for_all() {
        let limits = BatchLimits { write_batch: Some(100), get_multiple: None };
        let (backend, said) = backend(limits, Vec::new());
        let budget = MessageBudget::new(100_000).stream();
        let other = budget.share();
        other.hold(BudgetPart::Input, 50_000).unwrap();
        let mut backend = backend.holding(80_000, budget.share());
        backend.start_write_batch();
        let mut put = |key, bytes| backend.put_state("", key, vec![1; bytes]).wait();
        put("a", 40_000).unwrap();
        let error = put("b", 40_000).unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
        let error = put("b", 20_000).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TransactionOver, "{error}");
        drop(other);
        put("c", 10_000).unwrap();
        backend.finish_write_batch().wait().unwrap();
        assert_eq!(take(&said).len(), 1);
        budget.share().hold(BudgetPart::Input, 100_000).unwrap();
    }

    #[test]
    fn values_of_one_call_are_bounded() {
        let payload = protos::GetStateMultipleResult { values: vec![vec![1; RESULT_BYTES / 3]] };
        let limits = BatchLimits { write_batch: None, get_multiple: Some(1) };
        let (mut backend, said) = backend(limits, payload.encode_to_vec());
        let keys = ["a", "b", "c", "d", "e"].map(str::to_owned);
        assert_eq!(backend.get_states("", &keys[..3]).wait().unwrap().len(), 3);
        take(&said);
        let error = backend.get_states("", &keys).wait().unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
        assert_eq!(take(&said).len(), 4, "no more is asked for");
    }

    #[test]
    fn many_keys_go_in_parts_and_empty_means_absent() {
        let values = vec![Vec::new(), b"v".to_vec()];
        let payload = protos::GetStateMultipleResult { values }.encode_to_vec();
        let limits = BatchLimits { write_batch: None, get_multiple: Some(2) };
        let (mut backend, said) = backend(limits, payload);
        let keys: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let found = backend.get_states("", &keys).wait().unwrap();
        assert_eq!(found, [None, Some(b"v".to_vec()), None, Some(b"v".to_vec())]);
        assert_eq!(take(&said).len(), 2);
        let error = backend.get_states("", &keys[..1]).wait().unwrap_err();
        assert_eq!(error.text, "the peer returned 2 values for 1 keys");
    }

    #[test]
    fn a_peer_that_knows_no_many_keys_is_asked_for_each() {
        let (mut backend, said) = backend(BatchLimits::default(), Vec::new());
        let keys: Vec<String> = ["a", "b"].map(str::to_owned).into();
        assert_eq!(backend.get_states("", &keys).wait().unwrap(), [None, None]);
        assert!(take(&said).iter().all(|request| matches!(request, Request::GetState(_))));
    }

    #[test]
    fn errors_come_as_they_are() {
        let refuse = |_| -> Asked {
            let error = BackendError::new(ErrorKind::LedgerFailure, "PUT_STATE failed: no");
            Box::pin(std::future::ready(Err(error)))
        };
        let mut backend = StreamBackend::new(Arc::new(refuse), BatchLimits::default());
        let error = backend.put_state("", "k", b"v".to_vec()).wait().unwrap_err();
        assert_eq!(error.text, "PUT_STATE failed: no");
    }
}
