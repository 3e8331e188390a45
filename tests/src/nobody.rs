//! A peer that refuses everything, for guests that ask for nothing.

use wasmcc_runtime::{
    Backend, BackendError, ErrorKind, KeyModification, KeyValue, PageRequest, QueryBatch, Reply,
};
use wasmcc_types::Response;

/// See the head of this file.
pub struct Nobody;

fn refused<T>() -> Reply<'static, T> {
    Reply::now(Err(BackendError::new(ErrorKind::Unsupported, "nobody is there")))
}

impl Backend for Nobody {
    fn get_state(&mut self, _: &str, _: &str) -> Reply<'_, Option<Vec<u8>>> {
        refused()
    }
    fn put_state(&mut self, _: &str, _: &str, _: &[u8]) -> Reply<'_, ()> {
        refused()
    }
    fn del_state(&mut self, _: &str, _: &str) -> Reply<'_, ()> {
        refused()
    }
    fn purge_private_data(&mut self, _: &str, _: &str) -> Reply<'_, ()> {
        refused()
    }
    fn get_private_data_hash(&mut self, _: &str, _: &str) -> Reply<'_, Option<Vec<u8>>> {
        refused()
    }
    fn get_state_metadata(&mut self, _: &str, _: &str) -> Reply<'_, Vec<(String, Vec<u8>)>> {
        refused()
    }
    fn put_state_metadata(&mut self, _: &str, _: &str, _: &str, _: &[u8]) -> Reply<'_, ()> {
        refused()
    }
    fn get_state_by_range(
        &mut self,
        _: &str,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        refused()
    }
    fn get_query_result(
        &mut self,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        refused()
    }
    fn get_history_for_key(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        refused()
    }
    fn query_next(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyValue>> {
        refused()
    }
    fn history_next(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        refused()
    }
    fn query_close(&mut self, _: &str) -> Reply<'_, ()> {
        refused()
    }
    fn invoke_chaincode(&mut self, _: &str, _: Vec<Vec<u8>>) -> Reply<'_, Response> {
        refused()
    }
}
