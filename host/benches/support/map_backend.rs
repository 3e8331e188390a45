//! The least that can stand behind a chaincode: a map.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wasmcc::runtime::{
    Backend, BackendError, ErrorKind, KeyModification, KeyValue, PageRequest, QueryBatch,
};
use wasmcc::types::Response;

pub type State = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub struct MapBackend(pub State);

fn unsupported<T>() -> Result<T, BackendError> {
    Err(BackendError::new(ErrorKind::Unsupported, "not in this bench"))
}

impl Backend for MapBackend {
    fn get_state(&mut self, _: &str, key: &str) -> Result<Option<Vec<u8>>, BackendError> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }
    fn put_state(&mut self, _: &str, key: &str, value: &[u8]) -> Result<(), BackendError> {
        self.0.lock().unwrap().insert(key.to_owned(), value.to_vec());
        Ok(())
    }
    fn del_state(&mut self, _: &str, key: &str) -> Result<(), BackendError> {
        self.0.lock().unwrap().remove(key);
        Ok(())
    }
    fn purge_private_data(&mut self, _: &str, _: &str) -> Result<(), BackendError> {
        unsupported()
    }
    fn get_private_data_hash(&mut self, _: &str, _: &str) -> Result<Option<Vec<u8>>, BackendError> {
        unsupported()
    }
    fn get_state_metadata(
        &mut self,
        _: &str,
        _: &str,
    ) -> Result<Vec<(String, Vec<u8>)>, BackendError> {
        unsupported()
    }
    fn put_state_metadata(
        &mut self,
        _: &str,
        _: &str,
        _: &str,
        _: &[u8],
    ) -> Result<(), BackendError> {
        unsupported()
    }
    fn get_state_by_range(
        &mut self,
        _: &str,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Result<QueryBatch<KeyValue>, BackendError> {
        unsupported()
    }
    fn get_query_result(
        &mut self,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Result<QueryBatch<KeyValue>, BackendError> {
        unsupported()
    }
    fn get_history_for_key(
        &mut self,
        _: &str,
    ) -> Result<QueryBatch<KeyModification>, BackendError> {
        unsupported()
    }
    fn query_next(&mut self, _: &str) -> Result<QueryBatch<KeyValue>, BackendError> {
        unsupported()
    }
    fn history_next(&mut self, _: &str) -> Result<QueryBatch<KeyModification>, BackendError> {
        unsupported()
    }
    fn query_close(&mut self, _: &str) -> Result<(), BackendError> {
        Ok(())
    }
    fn invoke_chaincode(&mut self, _: &str, _: Vec<Vec<u8>>) -> Result<Response, BackendError> {
        unsupported()
    }
}
