//! `fabric:chaincode/private-data`.

use wasmtime::component::Resource;

use crate::bindings::fabric::chaincode::private_data::Host;
use crate::imports::cursor::StateIterator;
use crate::imports::{ImportResult, answer, invalid};
use crate::tx_state::TxState;
use crate::{cost, rules};

impl Host for TxState {
    async fn get_private_data(
        &mut self,
        collection: String,
        key: String,
    ) -> ImportResult<Option<Vec<u8>>> {
        let port = self.backend(cost::KEY, collection.len() + key.len())?;
        match rules::collection(&collection) {
            Ok(()) => {
                let answer = port.get_state(&collection, &key).await;
                self.answer(answer)
            }
            Err(broken) => invalid(broken),
        }
    }

    async fn get_multiple_private_data(
        &mut self,
        collection: String,
        keys: Vec<String>,
    ) -> ImportResult<Vec<Option<Vec<u8>>>> {
        let cost = cost::KEY.saturating_mul(keys.len() as u64);
        let port = self.backend(cost, collection.len() + cost::text_bytes(&keys))?;
        match rules::collection(&collection) {
            Ok(()) => {
                let values = port.get_states(&collection, &keys).await;
                self.answer(values)
            }
            Err(broken) => invalid(broken),
        }
    }

    async fn get_private_data_hash(
        &mut self,
        collection: String,
        key: String,
    ) -> ImportResult<Option<Vec<u8>>> {
        let port = self.backend(cost::KEY, collection.len() + key.len())?;
        match rules::collection(&collection) {
            Ok(()) => {
                let answer = port.get_private_data_hash(&collection, &key).await;
                self.answer(answer)
            }
            Err(broken) => invalid(broken),
        }
    }

    async fn put_private_data(
        &mut self,
        collection: String,
        key: String,
        value: Vec<u8>,
    ) -> ImportResult<()> {
        let small = self.check_value(&value);
        let port = self.backend(cost::KEY, collection.len() + key.len() + value.len())?;
        match rules::collection(&collection).and_then(|()| rules::key_to_write(&key)) {
            Ok(()) => {
                if let Err(refusal) = small {
                    return answer(Err(refusal));
                }
                let written = port.put_state(&collection, &key, value).await;
                self.answer(written)
            }
            Err(broken) => invalid(broken),
        }
    }

    async fn del_private_data(&mut self, collection: String, key: String) -> ImportResult<()> {
        let port = self.backend(cost::KEY, collection.len() + key.len())?;
        match rules::collection(&collection) {
            Ok(()) => {
                let answer = port.del_state(&collection, &key).await;
                self.answer(answer)
            }
            Err(broken) => invalid(broken),
        }
    }

    async fn purge_private_data(&mut self, collection: String, key: String) -> ImportResult<()> {
        let port = self.backend(cost::KEY, collection.len() + key.len())?;
        match rules::collection(&collection) {
            Ok(()) => {
                let answer = port.purge_private_data(&collection, &key).await;
                self.answer(answer)
            }
            Err(broken) => invalid(broken),
        }
    }

    async fn get_private_data_by_range(
        &mut self,
        collection: String,
        start_key: String,
        end_key: String,
    ) -> ImportResult<Resource<StateIterator>> {
        let bounds =
            rules::collection(&collection).and_then(|()| rules::range(&start_key, &end_key));
        match bounds {
            Ok((start, end)) => self.open_range(&collection, start, end).await,
            Err(broken) => self.refuse(start_key.len() + end_key.len(), broken),
        }
    }

    async fn get_private_data_by_partial_composite_key(
        &mut self,
        collection: String,
        object_type: String,
        attributes: Vec<String>,
    ) -> ImportResult<Resource<StateIterator>> {
        let bounds = rules::collection(&collection)
            .and_then(|()| rules::partial_composite_range(&object_type, &attributes));
        match bounds {
            Ok((start, end)) => self.open_range(&collection, &start, &end).await,
            Err(broken) => self.refuse(cost::text_bytes(&attributes), broken),
        }
    }

    async fn get_private_data_query_result(
        &mut self,
        collection: String,
        query: String,
    ) -> ImportResult<Resource<StateIterator>> {
        match rules::collection(&collection) {
            Ok(()) => self.open_query(&collection, &query).await,
            Err(broken) => self.refuse(query.len(), broken),
        }
    }

    async fn get_private_data_validation_parameter(
        &mut self,
        collection: String,
        key: String,
    ) -> ImportResult<Option<Vec<u8>>> {
        match rules::collection(&collection) {
            Ok(()) => self.read_policy(&collection, &key).await,
            Err(broken) => self.refuse(key.len(), broken),
        }
    }

    async fn set_private_data_validation_parameter(
        &mut self,
        collection: String,
        key: String,
        policy: Vec<u8>,
    ) -> ImportResult<()> {
        match rules::collection(&collection) {
            Ok(()) => self.write_policy(&collection, &key, policy).await,
            Err(broken) => self.refuse(key.len() + policy.len(), broken),
        }
    }
}
