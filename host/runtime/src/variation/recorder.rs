//! A port that records its calls.

use std::fmt::Write;
use std::sync::Arc;

use super::Watch;
use crate::backend::{Backend, KeyModification, KeyValue, PageRequest, QueryBatch, Reply};
use wasmcc_types::{Response, hex, sha256};

/// Limit on a shown value, in bytes. The rest of a longer value is replaced by a hash.
const SHOWN: usize = 4 << 10;

/// Records the calls and passes them on to another port.
pub(crate) struct Recorder {
    watch: Arc<Watch>,
    chaincode: String,
    backend: Box<dyn Backend>,
}

impl Recorder {
    pub(super) fn new(watch: Arc<Watch>, chaincode: &str, backend: Box<dyn Backend>) -> Self {
        Self { watch, chaincode: chaincode.to_owned(), backend }
    }

    /// Records the call now and its answer later. So a call comes before those of the chaincode
    /// that it calls.
    fn noted<'a, T: Send + 'a>(
        &'a mut self,
        call: String,
        ask: impl FnOnce(&'a mut dyn Backend) -> Reply<'a, T>,
        show: fn(&T) -> String,
    ) -> Reply<'a, T> {
        let number = self.watch.begin(&self.chaincode, call);
        let watch = Arc::clone(&self.watch);
        let reply = ask(self.backend.as_mut());
        Reply::later(async move {
            let answer = reply.await;
            watch.end(number, answer.as_ref().map_or_else(|error| format!("error: {error}"), show));
            answer
        })
    }
}

impl Backend for Recorder {
    fn get_state(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        let call = format!("get-state {}", of_key(collection, key));
        self.noted(call, |to| to.get_state(collection, key), value)
    }

    fn get_states<'a>(
        &'a mut self,
        collection: &'a str,
        keys: &'a [String],
    ) -> Reply<'a, Vec<Option<Vec<u8>>>> {
        let all: String = keys.iter().map(|key| format!(" {}", of_key(collection, key))).collect();
        let ask = |to: &'a mut dyn Backend| to.get_states(collection, keys);
        self.noted(format!("get-multiple-states{all}"), ask, |values| {
            values.iter().map(value).collect::<Vec<_>>().join(" ")
        })
    }

    fn put_state(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Reply<'_, ()> {
        let call = format!("put-state {} value {}", of_key(collection, key), bytes(&value));
        self.noted(call, |to| to.put_state(collection, key, value), nothing)
    }

    fn del_state(&mut self, collection: &str, key: &str) -> Reply<'_, ()> {
        let call = format!("del-state {}", of_key(collection, key));
        self.noted(call, |to| to.del_state(collection, key), nothing)
    }

    fn purge_private_data(&mut self, collection: &str, key: &str) -> Reply<'_, ()> {
        let call = format!("purge-private-data {}", of_key(collection, key));
        self.noted(call, |to| to.purge_private_data(collection, key), nothing)
    }

    fn get_private_data_hash(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        let call = format!("get-private-data-hash {}", of_key(collection, key));
        self.noted(call, |to| to.get_private_data_hash(collection, key), value)
    }

    fn get_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Reply<'_, Vec<(String, Vec<u8>)>> {
        let call = format!("get-state-metadata {}", of_key(collection, key));
        self.noted(
            call,
            |to| to.get_state_metadata(collection, key),
            |entries| {
                let entry =
                    |(name, value): &(String, Vec<u8>)| format!("{name:?} {}", bytes(value));
                entries.iter().map(entry).collect::<Vec<_>>().join(" ")
            },
        )
    }

    fn put_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
        name: &str,
        value: Vec<u8>,
    ) -> Reply<'_, ()> {
        let of = of_key(collection, key);
        let call = format!("put-state-metadata {of} {name:?} value {}", bytes(&value));
        self.noted(call, |to| to.put_state_metadata(collection, key, name, value), nothing)
    }

    fn get_state_by_range(
        &mut self,
        collection: &str,
        start: &str,
        end: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        let of = of_key(collection, start);
        let call = format!("get-state-by-range {of} to {end:?}{}", of_page(page));
        self.noted(call, |to| to.get_state_by_range(collection, start, end, page), rows)
    }

    fn get_query_result(
        &mut self,
        collection: &str,
        query: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        let query_text = bytes(query.as_bytes());
        let call = format!("get-query-result {collection}{query_text}{}", of_page(page));
        self.noted(call, |to| to.get_query_result(collection, query, page), rows)
    }

    fn get_history_for_key(&mut self, key: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        let call = format!("get-history-for-key {}", of_key("", key));
        self.noted(call, |to| to.get_history_for_key(key), count)
    }

    fn query_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyValue>> {
        self.noted("next-batch".into(), |to| to.query_next(id), rows)
    }

    fn history_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        self.noted("next-batch of a history".into(), |to| to.history_next(id), count)
    }

    fn query_close(&mut self, id: &str) -> Reply<'_, ()> {
        self.noted("close".into(), |to| to.query_close(id), nothing)
    }

    fn invoke_chaincode(&mut self, name: &str, args: Vec<Vec<u8>>) -> Reply<'_, Response> {
        let all: String = args.iter().map(|arg| format!(" {}", bytes(arg))).collect();
        let call = format!("invoke-chaincode {name:?} with{all}");
        self.noted(
            call,
            |to| to.invoke_chaincode(name, args),
            |answer| format!("{} {:?} {}", answer.status, answer.message, bytes(&answer.payload)),
        )
    }

    fn start_write_batch(&mut self) {
        let number = self.watch.begin(&self.chaincode, "start-write-batch".into());
        self.watch.end(number, String::new());
        self.backend.start_write_batch();
    }

    fn finish_write_batch(&mut self) -> Reply<'_, ()> {
        self.noted("finish-write-batch".into(), |to| to.finish_write_batch(), nothing)
    }
}

fn of_key(collection: &str, key: &str) -> String {
    match collection {
        "" => format!("key {}", bytes(key.as_bytes())),
        _ => format!("collection {collection:?} key {}", bytes(key.as_bytes())),
    }
}

fn of_page(page: Option<&PageRequest>) -> String {
    page.map_or(String::new(), |page| format!(", page of {} from {:?}", page.size, page.bookmark))
}

fn nothing(_: &()) -> String {
    "done".into()
}

fn value(value: &Option<Vec<u8>>) -> String {
    value.as_ref().map_or_else(|| "none".into(), |value| bytes(value))
}

fn rows(batch: &QueryBatch<KeyValue>) -> String {
    let mut text = format!("{} rows", batch.rows.len());
    for row in &batch.rows {
        // Writing to a `String` cannot fail.
        let _ = write!(text, " {}={}", bytes(row.key.as_bytes()), bytes(&row.value));
    }
    text
}

fn count(batch: &QueryBatch<KeyModification>) -> String {
    format!("{} changes", batch.rows.len())
}

/// Returns bytes as text if they are UTF-8, otherwise in hexadecimal.
fn bytes(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let mut text = match std::str::from_utf8(shown) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("0x{}", hex(shown)),
    };
    if bytes.len() > SHOWN {
        let hash = hex(&sha256(bytes));
        // Writing to a `String` cannot fail.
        let _ = write!(text, "... ({} bytes, SHA-256 {hash})", bytes.len());
    }
    text
}
