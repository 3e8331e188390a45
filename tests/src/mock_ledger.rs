//! What a mock peer answers from: a map, with notes of what it was asked.
//!
//! Invariant: no rules of Fabric but those of batches: 100 rows, one row ahead.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test cannot go on without its ledger")]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use prost::Message;
use wasmcc::proto::{protos, queryresult};
use wasmcc::protocol::{MessageType, Request};

const BATCH_ROWS: usize = 100;

type Hook = Box<dyn FnOnce() + Send>;

/// Shared by those who ask and those who look.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    values: BTreeMap<String, Vec<u8>>,
    log: Vec<String>,
    refusals: HashMap<String, String>,
    before_answers: Option<Hook>,
    queries: HashMap<String, Vec<Vec<u8>>>,
    opened: u64,
}

impl Ledger {
    /// What was asked since the last time, by the types of the messages.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().log)
    }

    /// From now on requests of this type fail.
    pub fn refuse(&self, kind: &str, cause: &str) {
        self.0.lock().unwrap().refusals.insert(kind.into(), cause.into());
    }

    /// Done when the next request has come, before it is answered.
    pub fn before_answers(&self, hook: impl FnOnce() + Send + 'static) {
        self.0.lock().unwrap().before_answers = Some(Box::new(hook));
    }

    /// The payload of RESPONSE, or the cause of ERROR.
    pub fn answer(&self, request: Request) -> Result<Vec<u8>, String> {
        let mut state = self.0.lock().unwrap();
        if let Some(hook) = state.before_answers.take() {
            hook();
        }
        let kind = request.kind().as_str_name();
        state.log.push(kind.to_owned());
        match state.refusals.get(kind) {
            Some(cause) => Err(cause.clone()),
            None => state.answer(request),
        }
    }
}

impl State {
    fn answer(&mut self, request: Request) -> Result<Vec<u8>, String> {
        match request {
            Request::GetState(r) => return Ok(self.get(&r.key)),
            Request::PutState(r) => drop(self.values.insert(r.key, r.value)),
            Request::DelState(r) => drop(self.values.remove(&r.key)),
            Request::WriteBatchState(batch) => {
                self.values.extend(batch.rec.into_iter().map(|rec| (rec.key, rec.value)));
            }
            Request::GetStateMultiple(r) => {
                let values = r.keys.iter().map(|key| self.get(key)).collect();
                return Ok(protos::GetStateMultipleResult { values }.encode_to_vec());
            }
            Request::GetStateByRange(r) => return Ok(self.range(&r)),
            Request::GetHistoryForKey(_) => {
                let change = queryresult::KeyModification {
                    tx_id: "tx-old".into(),
                    value: b"v".to_vec(),
                    timestamp: Some(Default::default()),
                    is_delete: false,
                };
                return Ok(self.open(vec![change.encode_to_vec()]));
            }
            Request::QueryStateNext(r) => return Ok(self.batch(r.id)),
            Request::QueryStateClose(r) => {
                self.queries.remove(&r.id);
                let closed = protos::QueryResponse { id: r.id, ..Default::default() };
                return Ok(closed.encode_to_vec());
            }
            Request::InvokeChaincode(spec) => {
                let name = spec.chaincode_id.unwrap_or_default().name;
                let count = spec.input.unwrap_or_default().args.len();
                let payload = format!("{name} got {count}").into_bytes();
                let response = protos::Response { status: 200, payload, ..Default::default() };
                let message = protos::ChaincodeMessage {
                    r#type: MessageType::Completed.into(),
                    payload: response.encode_to_vec(),
                    ..Default::default()
                };
                return Ok(message.encode_to_vec());
            }
            other => return Err(format!("the mock knows no {}", other.kind().as_str_name())),
        }
        Ok(Vec::new())
    }

    fn get(&self, key: &str) -> Vec<u8> {
        self.values.get(key).cloned().unwrap_or_default()
    }

    fn range(&mut self, range: &protos::GetStateByRange) -> Vec<u8> {
        let page = protos::QueryMetadata::decode(range.metadata.as_slice()).unwrap();
        let from = if page.bookmark.is_empty() { &range.start_key } else { &page.bookmark };
        let inside = |key: &String| range.end_key.is_empty() || *key < range.end_key;
        let rows = self.values.range(from.clone()..).take_while(|(key, _)| inside(key));
        let rows = rows.map(|(key, value)| queryresult::Kv {
            namespace: "cc".into(),
            key: key.clone(),
            value: value.clone(),
        });
        let mut rows: Vec<_> = rows.collect();
        if page.page_size == 0 {
            return self.open(rows.iter().map(Message::encode_to_vec).collect());
        }
        let size = usize::try_from(page.page_size).unwrap().min(rows.len());
        let bookmark = rows.get(size).map(|row| row.key.clone()).unwrap_or_default();
        rows.truncate(size);
        let count = i32::try_from(size).unwrap();
        let metadata = protos::QueryResponseMetadata { fetched_records_count: count, bookmark };
        let results = rows.iter().map(|row| result(row.encode_to_vec())).collect();
        let metadata = metadata.encode_to_vec();
        protos::QueryResponse { results, metadata, id: "page".into(), has_more: false }
            .encode_to_vec()
    }

    fn open(&mut self, rows: Vec<Vec<u8>>) -> Vec<u8> {
        self.opened += 1;
        let id = format!("query-{}", self.opened);
        self.queries.insert(id.clone(), rows);
        self.batch(id)
    }

    fn batch(&mut self, id: String) -> Vec<u8> {
        let rows = self.queries.entry(id.clone()).or_default();
        let batch = rows.drain(..rows.len().min(BATCH_ROWS));
        let results = batch.map(result).collect();
        let has_more = !rows.is_empty();
        protos::QueryResponse { results, has_more, id, metadata: Vec::new() }.encode_to_vec()
    }
}

fn result(result_bytes: Vec<u8>) -> protos::QueryResultBytes {
    protos::QueryResultBytes { result_bytes }
}
