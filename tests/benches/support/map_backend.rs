//! The least that can stand behind a chaincode: a map.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wasmcc_runtime::{
    Backend, BackendError, ErrorKind, KeyModification, KeyValue, PageRequest, QueryBatch, Reply,
};
use wasmcc_types::Response;

pub type State = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub struct MapBackend(pub State);

fn unsupported<'a, T>() -> Reply<'a, T> {
    Reply::now(Err(BackendError::new(ErrorKind::Unsupported, "not in this bench")))
}

impl Backend for MapBackend {
    fn get_state(&mut self, _: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        Reply::now(Ok(self.0.lock().unwrap().get(key).cloned()))
    }
    fn put_state(&mut self, _: &str, key: &str, value: &[u8]) -> Reply<'_, ()> {
        self.0.lock().unwrap().insert(key.to_owned(), value.to_vec());
        Reply::now(Ok(()))
    }
    fn del_state(&mut self, _: &str, key: &str) -> Reply<'_, ()> {
        self.0.lock().unwrap().remove(key);
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
    fn put_state_metadata(&mut self, _: &str, _: &str, _: &str, _: &[u8]) -> Reply<'_, ()> {
        unsupported()
    }
    fn get_state_by_range(
        &mut self,
        _: &str,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        unsupported()
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
