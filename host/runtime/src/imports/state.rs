//! `fabric:chaincode/state`.

use crate::bindings::fabric::chaincode::state::{Entry, Host};
use crate::imports::{ImportResult, answer, entry, invalid};
use crate::tx_state::TxState;
use crate::{cost, rules};
use wasmcc_types::{VALIDATION_PARAMETER, check_key_policy};

const PUBLIC: &str = "";

impl Host for TxState {
    async fn get_state(&mut self, key: String) -> ImportResult<Option<Vec<u8>>> {
        let value = self.backend(cost::KEY, key.len())?.get_state(PUBLIC, &key).await;
        self.answer(value)
    }

    async fn get_multiple_states(
        &mut self,
        keys: Vec<String>,
    ) -> ImportResult<Vec<Option<Vec<u8>>>> {
        let cost = cost::KEY.saturating_mul(keys.len() as u64);
        let bytes = cost::text_bytes(&keys);
        let values = self.backend(cost, bytes)?.get_states(PUBLIC, &keys).await;
        self.answer(values)
    }

    async fn put_state(&mut self, key: String, value: Vec<u8>) -> ImportResult<()> {
        let small = self.check_value(&value);
        let port = self.backend(cost::KEY, key.len() + value.len())?;
        match rules::key_to_write(&key) {
            Ok(()) => {
                if let Err(refusal) = small {
                    return answer(Err(refusal));
                }
                let written = port.put_state(PUBLIC, &key, value).await;
                self.answer(written)
            }
            Err(broken) => invalid(broken),
        }
    }

    async fn del_state(&mut self, key: String) -> ImportResult<()> {
        let written = self.backend(cost::KEY, key.len())?.del_state(PUBLIC, &key).await;
        self.answer(written)
    }

    async fn get_state_metadata(&mut self, key: String) -> ImportResult<Vec<Entry>> {
        let entries = self.backend(cost::KEY, key.len())?.get_state_metadata(PUBLIC, &key).await;
        let entries = self.answer(entries)?;
        Ok(entries.map(|entries| entries.into_iter().map(entry).collect()))
    }

    async fn put_state_metadata(&mut self, key: String, entry: Entry) -> ImportResult<()> {
        let Entry { name, value } = entry;
        let port = self.backend(cost::KEY, key.len() + name.len() + value.len())?;
        let written = port.put_state_metadata(PUBLIC, &key, &name, value).await;
        self.answer(written)
    }

    async fn get_state_validation_parameter(
        &mut self,
        key: String,
    ) -> ImportResult<Option<Vec<u8>>> {
        self.read_policy(PUBLIC, &key).await
    }

    async fn set_state_validation_parameter(
        &mut self,
        key: String,
        policy: Vec<u8>,
    ) -> ImportResult<()> {
        self.write_policy(PUBLIC, &key, policy).await
    }

    async fn start_write_batch(&mut self) -> wasmtime::Result<()> {
        self.backend(0, 0)?.start_write_batch();
        Ok(())
    }

    async fn finish_write_batch(&mut self) -> ImportResult<()> {
        let written = self.backend(cost::KEY, 0)?.finish_write_batch().await;
        self.answer(written)
    }
}

impl TxState {
    /// Returns a key's own endorsement policy.
    pub(crate) async fn read_policy(
        &mut self,
        collection: &str,
        key: &str,
    ) -> ImportResult<Option<Vec<u8>>> {
        let bytes = collection.len() + key.len();
        let entries = self.backend(cost::KEY, bytes)?.get_state_metadata(collection, key).await;
        let policy = entries.map(|entries| {
            let wanted = VALIDATION_PARAMETER;
            entries.into_iter().find(|(name, _)| name == wanted).map(|(_, policy)| policy)
        });
        self.answer(policy)
    }

    /// Sets a key's own endorsement policy.
    pub(crate) async fn write_policy(
        &mut self,
        collection: &str,
        key: &str,
        policy: Vec<u8>,
    ) -> ImportResult<()> {
        let name = VALIDATION_PARAMETER;
        let port = self.backend(cost::KEY, collection.len() + key.len() + policy.len())?;
        match check_key_policy(&policy) {
            Ok(()) => {
                let written = port.put_state_metadata(collection, key, name, policy).await;
                self.answer(written)
            }
            Err(broken) => invalid(broken),
        }
    }
}
