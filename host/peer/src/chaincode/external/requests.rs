//! Answers the requests of a program behind a stream as Fabric's peer does
//! (`core/chaincode/handler.go`, the functions `Handle...`).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use prost::Message;

use wasmcc_metrics::Launched;
use wasmcc_protocol::{BatchLimits, Request};
use wasmcc_runtime::{
    Backend, BackendError, ErrorKind, KeyModification, KeyValue, PageRequest, QueryBatch,
};
use wasmcc_types::Response;
use wasmcc_types::proto::protos::chaincode_message::Type as MessageType;
use wasmcc_types::proto::{protos, queryresult};

/// The requests of one transaction.
pub(crate) struct Requests<B> {
    backend: B,
    namespace: String,
    batch: BatchLimits,
    /// The open history queries. QUERY_STATE_NEXT does not contain the kind of its query.
    histories: HashSet<String>,
    over: Option<Over>,
    series: Arc<Launched>,
}

/// The reason why a transaction must not be endorsed, whatever the program returns.
pub(crate) struct Over {
    /// The request that failed, or whose answer did not reach the program.
    pub request: MessageType,
    /// The cause.
    pub cause: String,
}

/// The result of a request: the payload of RESPONSE, or the failure, whose text is the cause.
pub(super) type Served = Result<Vec<u8>, BackendError>;

impl<B: Backend> Requests<B> {
    /// Makes the requests of chaincode `namespace`. The texts of `backend` must be without the
    /// beginning of Fabric's texts.
    pub(crate) fn new(
        backend: B,
        namespace: &str,
        batch: BatchLimits,
        series: Arc<Launched>,
    ) -> Self {
        let namespace = namespace.to_owned();
        Self { backend, namespace, batch, histories: HashSet::new(), over: None, series }
    }

    /// Records a request whose answer depends on this peer, or did not reach the program.
    pub(crate) fn lost(&mut self, request: MessageType, cause: &str) {
        self.over.get_or_insert_with(|| Over { request, cause: cause.to_owned() });
    }

    /// Returns the reason why the transaction must not be endorsed, if there is one.
    pub(crate) fn over(self) -> Option<Over> {
        self.over
    }

    /// Answers a request.
    pub(crate) async fn serve(&mut self, request: Request) -> Served {
        let (kind, since) = (request.kind(), Instant::now());
        self.series.shim_request(kind.as_str_name());
        let answer = self.answer(request).await;
        self.series.shim_request_ended(kind.as_str_name(), since.elapsed(), answer.is_ok());
        answer
    }

    async fn answer(&mut self, request: Request) -> Served {
        let backend = &mut self.backend;
        match request {
            Request::GetState(get) => {
                Ok(backend.get_state(&get.collection, &get.key).await?.unwrap_or_default())
            }
            Request::PutState(put) => done(self.put(&put.collection, &put.key, put.value).await),
            Request::DelState(del) => done(backend.del_state(&del.collection, &del.key).await),
            Request::GetPrivateDataHash(get) => Ok(backend
                .get_private_data_hash(&get.collection, &get.key)
                .await?
                .unwrap_or_default()),
            Request::PurgePrivateData(purge) => {
                done(backend.purge_private_data(&purge.collection, &purge.key).await)
            }
            Request::GetStateMetadata(get) => {
                let entries =
                    backend.get_state_metadata(&get.collection, &get.key).await?.into_iter();
                let entries =
                    entries.map(|(metakey, value)| protos::StateMetadata { metakey, value });
                Ok(protos::StateMetadataResult { entries: entries.collect() }.encode_to_vec())
            }
            Request::PutStateMetadata(put) => {
                done(self.put_metadata(&put.collection, &put.key, put.metadata).await)
            }
            Request::WriteBatchState(batch) => done(self.write_batch(batch).await),
            Request::GetStateMultiple(get) => self.get_multiple(get).await,
            Request::InvokeChaincode(spec) => self.invoke(spec).await,
            Request::GetStateByRange(_)
            | Request::GetQueryResult(_)
            | Request::GetHistoryForKey(_)
            | Request::QueryStateNext(_)
            | Request::QueryStateClose(_) => self.query(request).await,
        }
    }

    async fn put(
        &mut self,
        collection: &str,
        key: &str,
        value: Vec<u8>,
    ) -> Result<(), BackendError> {
        self.backend.put_state(collection, key, value).await
    }

    async fn put_metadata(
        &mut self,
        collection: &str,
        key: &str,
        metadata: Option<protos::StateMetadata>,
    ) -> Result<(), BackendError> {
        let protos::StateMetadata { metakey, value } = metadata.unwrap_or_default();
        self.backend.put_state_metadata(collection, key, &metakey, value).await
    }

    async fn write_batch(&mut self, batch: protos::WriteBatchState) -> Result<(), BackendError> {
        check_batch("write batch", self.batch.write_batch, batch.rec.len())?;
        for record in batch.rec {
            let protos::WriteRecord { collection, key, value, metadata, r#type } = record;
            match MessageType::try_from(r#type) {
                Ok(MessageType::PutState) => self.put(&collection, &key, value).await?,
                Ok(MessageType::DelState) => self.backend.del_state(&collection, &key).await?,
                Ok(MessageType::PutStateMetadata) => {
                    self.put_metadata(&collection, &key, metadata).await?;
                }
                Ok(MessageType::PurgePrivateData) => {
                    self.backend.purge_private_data(&collection, &key).await?;
                }
                _ => {
                    return Err(invalid(format!(
                        "unknown operation type {type} in a write batch",
                        r#type = r#type
                    )));
                }
            }
        }
        Ok(())
    }

    async fn get_multiple(&mut self, get: protos::GetStateMultiple) -> Served {
        check_batch("read of multiple keys", self.batch.get_multiple, get.keys.len())?;
        let values = self.backend.get_states(&get.collection, &get.keys).await?.into_iter();
        let values = values.map(Option::unwrap_or_default).collect();
        Ok(protos::GetStateMultipleResult { values }.encode_to_vec())
    }

    /// The answer is a whole message, for any status of the callee and also for its ERROR.
    async fn invoke(&mut self, spec: protos::ChaincodeSpec) -> Served {
        let id = spec.chaincode_id.unwrap_or_default();
        let args = spec.input.unwrap_or_default().args;
        let (kind, payload) = match self.backend.invoke_chaincode(&id.name, args).await {
            Ok(Response { status, message, payload }) => {
                let response = protos::Response { status, message, payload };
                (MessageType::Completed, response.encode_to_vec())
            }
            Err(error) if error.kind == ErrorKind::CalleeFailed => {
                (MessageType::Error, error.text.into_bytes())
            }
            Err(error) => return Err(error),
        };
        let message =
            protos::ChaincodeMessage { r#type: kind.into(), payload, ..Default::default() };
        Ok(message.encode_to_vec())
    }

    async fn query(&mut self, request: Request) -> Served {
        let backend = &mut self.backend;
        match request {
            Request::GetStateByRange(range) => {
                let page = page(&range.metadata)?;
                let (start, end) = (&range.start_key, &range.end_key);
                let page = page.as_ref();
                let batch = backend.get_state_by_range(&range.collection, start, end, page).await?;
                Ok(self.states(batch))
            }
            Request::GetQueryResult(get) => {
                let page = page(&get.metadata)?;
                let (collection, query) = (&get.collection, &get.query);
                let batch = backend.get_query_result(collection, query, page.as_ref()).await?;
                Ok(self.states(batch))
            }
            Request::GetHistoryForKey(get) => {
                let batch = backend.get_history_for_key(&get.key).await?;
                Ok(self.changes(batch))
            }
            Request::QueryStateNext(next) if self.histories.contains(&next.id) => {
                let batch = backend.history_next(&next.id).await?;
                Ok(self.changes(batch))
            }
            Request::QueryStateNext(next) => {
                let batch = backend.query_next(&next.id).await?;
                Ok(self.states(batch))
            }
            Request::QueryStateClose(close) => {
                self.histories.remove(&close.id);
                backend.query_close(&close.id).await?;
                Ok(protos::QueryResponse { id: close.id, ..Default::default() }.encode_to_vec())
            }
            _ => Err(invalid("this is not a query")),
        }
    }

    fn states(&self, batch: QueryBatch<KeyValue>) -> Vec<u8> {
        let row = |KeyValue { key, value }| {
            queryresult::Kv { namespace: self.namespace.clone(), key, value }.encode_to_vec()
        };
        query_response(batch, row)
    }

    fn changes(&mut self, batch: QueryBatch<KeyModification>) -> Vec<u8> {
        if batch.has_more {
            self.histories.insert(batch.id.clone());
        } else {
            self.histories.remove(&batch.id);
        }
        query_response(batch, |change| {
            let KeyModification { tx_id, value, timestamp, is_delete } = change;
            let timestamp = prost_types::Timestamp {
                seconds: timestamp.seconds,
                nanos: timestamp.nanos.try_into().unwrap_or_default(),
            };
            let timestamp = Some(timestamp);
            queryresult::KeyModification { tx_id, value, timestamp, is_delete }.encode_to_vec()
        })
    }
}

fn done(written: Result<(), BackendError>) -> Served {
    written.map(|()| Vec::new())
}

fn invalid(text: impl Into<String>) -> BackendError {
    BackendError::new(ErrorKind::InvalidArgument, text)
}

fn check_batch(what: &str, limit: Option<u32>, entries: usize) -> Result<(), BackendError> {
    match limit.map(usize::try_from) {
        None => Err(invalid(format!("a {what} was not announced by this peer"))),
        Some(Ok(limit)) if entries > limit => {
            Err(invalid(format!("a {what} has {entries} entries, more than the announced {limit}")))
        }
        Some(_) => Ok(()),
    }
}

/// Returns None if the query is not paginated.
fn page(metadata: &[u8]) -> Result<Option<PageRequest>, BackendError> {
    if metadata.is_empty() {
        return Ok(None);
    }
    let metadata = protos::QueryMetadata::decode(metadata)
        .map_err(|error| invalid(format!("unmarshal failed: {error}")))?;
    Ok(Some(PageRequest { size: metadata.page_size, bookmark: metadata.bookmark }))
}

fn query_response<Row>(batch: QueryBatch<Row>, encode: impl Fn(Row) -> Vec<u8>) -> Vec<u8> {
    let QueryBatch { rows, has_more, id, bookmark } = batch;
    let metadata = bookmark.map(|bookmark| protos::QueryResponseMetadata {
        fetched_records_count: rows.len().try_into().unwrap_or(i32::MAX),
        bookmark,
    });
    let results =
        rows.into_iter().map(|row| protos::QueryResultBytes { result_bytes: encode(row) });
    protos::QueryResponse {
        results: results.collect(),
        has_more,
        id,
        metadata: metadata.map(|metadata| metadata.encode_to_vec()).unwrap_or_default(),
    }
    .encode_to_vec()
}
