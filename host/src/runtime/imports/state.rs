//! `fabric:chaincode/state`.

use crate::runtime::bindings::fabric::chaincode::state::{Host, MetadataEntry};
use crate::runtime::imports::{Answer, answer, invalid};
use crate::runtime::rules;
use crate::runtime::tx_state::TxState;

const PUBLIC: &str = "";

impl Host for TxState {
    async fn get_state(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        answer(self.backend()?.get_state(PUBLIC, &key).await)
    }

    async fn get_multiple_states(&mut self, keys: Vec<String>) -> Answer<Vec<Option<Vec<u8>>>> {
        answer(self.backend()?.get_states(PUBLIC, &keys).await)
    }

    async fn put_state(&mut self, key: String, value: Vec<u8>) -> Answer<()> {
        match rules::key_to_write(&key) {
            Ok(()) => answer(self.backend()?.put_state(PUBLIC, &key, &value).await),
            Err(text) => invalid(text),
        }
    }

    async fn del_state(&mut self, key: String) -> Answer<()> {
        answer(self.backend()?.del_state(PUBLIC, &key).await)
    }

    async fn get_state_metadata(&mut self, key: String) -> Answer<Vec<MetadataEntry>> {
        let entries = self.backend()?.get_state_metadata(PUBLIC, &key).await;
        answer(entries.map(|entries| {
            entries.into_iter().map(|(name, value)| MetadataEntry { name, value }).collect()
        }))
    }

    async fn put_state_metadata(&mut self, key: String, entry: MetadataEntry) -> Answer<()> {
        answer(self.backend()?.put_state_metadata(PUBLIC, &key, &entry.name, &entry.value).await)
    }

    async fn get_state_validation_parameter(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        answer(self.validation_parameter(PUBLIC, &key).await?)
    }

    async fn set_state_validation_parameter(&mut self, key: String, policy: Vec<u8>) -> Answer<()> {
        let name = rules::VALIDATION_PARAMETER;
        answer(self.backend()?.put_state_metadata(PUBLIC, &key, name, &policy).await)
    }

    async fn start_write_batch(&mut self) -> wasmtime::Result<()> {
        self.backend()?.start_write_batch();
        Ok(())
    }

    async fn finish_write_batch(&mut self) -> Answer<()> {
        answer(self.backend()?.finish_write_batch().await)
    }
}
