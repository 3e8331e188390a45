//! A minimal backend of a chaincode: a map as its state, with bounded ranges; all other calls are
//! refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmcc_runtime::{
    Backend, BackendError, ErrorKind, KeyModification, KeyValue, PageRequest, QueryBatch, Reply,
};
use wasmcc_types::Response;

/// Keys and values, shared by the transactions that read and write them.
pub type State = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A backend over such a map.
#[derive(Default)]
pub struct MapBackend(pub State);

impl MapBackend {
    fn state(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unsupported<'a, T>() -> Reply<'a, T> {
    Reply::now(Err(BackendError::new(ErrorKind::Unsupported, "a map has only state")))
}

impl Backend for MapBackend {
    fn get_state(&mut self, _: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        Reply::now(Ok(self.state().get(key).cloned()))
    }
    fn put_state(&mut self, _: &str, key: &str, value: Vec<u8>) -> Reply<'_, ()> {
        self.state().insert(key.to_owned(), value);
        Reply::now(Ok(()))
    }
    fn del_state(&mut self, _: &str, key: &str) -> Reply<'_, ()> {
        self.state().remove(key);
        Reply::now(Ok(()))
    }
    fn purge_private_data(&mut self, _: &str, _: &str) -> Reply<'_, ()> {
        unsupported()
    }
    fn get_private_data_hash(&mut self, _: &str, _: &str) -> Reply<'_, Option<Vec<u8>>> {
        unsupported()
    }
    fn get_state_metadata(&mut self, _: &str, _: &str) -> Reply<'_, Vec<(String, Vec<u8>)>> {
        unsupported()
    }
    fn put_state_metadata(&mut self, _: &str, _: &str, _: &str, _: Vec<u8>) -> Reply<'_, ()> {
        unsupported()
    }
    fn get_state_by_range(
        &mut self,
        _: &str,
        start: &str,
        end: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        let rows = self.state();
        let rows = rows.range(start.to_owned()..end.to_owned());
        let rows = rows.map(|(key, value)| KeyValue { key: key.clone(), value: value.clone() });
        let rows = rows.collect();
        Reply::now(Ok(QueryBatch { rows, has_more: false, id: "all".into(), bookmark: None }))
    }
    fn get_query_result(
        &mut self,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        unsupported()
    }
    fn get_history_for_key(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        unsupported()
    }
    fn query_next(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyValue>> {
        unsupported()
    }
    fn history_next(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        unsupported()
    }
    fn query_close(&mut self, _: &str) -> Reply<'_, ()> {
        Reply::now(Ok(()))
    }
    fn invoke_chaincode(&mut self, _: &str, _: Vec<Vec<u8>>) -> Reply<'_, Response> {
        unsupported()
    }
}
