//! CosmWasm's virtual machine, as a chain calls it: each call has an instance of a module that is
//! pinned in memory.

use std::collections::HashSet;
use std::sync::Arc;

use cosmwasm_std::Checksum;
use cosmwasm_vm::testing::{MockApi, MockQuerier};
use cosmwasm_vm::{
    Backend, BackendResult, Cache, CacheOptions, GasInfo, InstanceOptions, Size, Storage,
    call_execute_raw,
};
use tempfile::TempDir;

use crate::map_backend::State;
use crate::{FUEL, MEMORY, MESSAGE};

const ENVIRONMENT: &[u8] =
    br#"{"block":{"height":1,"time":"1","chain_id":"c"},"contract":{"address":"a"}}"#;
const INFO: &[u8] = br#"{"sender":"client","funds":[]}"#;

/// The state, without gas costs.
struct Map(State);

impl Storage for Map {
    fn get(&self, key: &[u8]) -> BackendResult<Option<Vec<u8>>> {
        let value = self.0.lock().unwrap().get(text(key)).cloned();
        (Ok(value), GasInfo::free())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> BackendResult<()> {
        self.0.lock().unwrap().insert(text(key).to_owned(), value.to_vec());
        (Ok(()), GasInfo::free())
    }

    fn remove(&mut self, key: &[u8]) -> BackendResult<()> {
        self.0.lock().unwrap().remove(text(key));
        (Ok(()), GasInfo::free())
    }
}

fn text(key: &[u8]) -> &str {
    std::str::from_utf8(key).unwrap()
}

pub(crate) struct Vm {
    cache: Cache<MockApi, Map, MockQuerier>,
    module: Checksum,
    _folder: TempDir,
}

impl Vm {
    pub(crate) fn new(wasm: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        let size = Size::mebi(MEMORY >> 20);
        let options = CacheOptions::new(folder.path(), HashSet::new(), size, size);
        // SAFETY: the folder is new, and no other program writes to it.
        #[allow(unsafe_code)]
        let cache = unsafe { Cache::new(options) }.unwrap();
        let module = cache.store_code(wasm, true, true).unwrap();
        cache.pin(&module).unwrap();
        Self { cache, module, _folder: folder }
    }

    pub(crate) fn call(&self, state: &State) {
        let storage = Map(Arc::clone(state));
        let backend = Backend { api: MockApi::default(), storage, querier: MockQuerier::new(&[]) };
        let options = InstanceOptions { gas_limit: FUEL };
        let mut instance = self.cache.get_instance(&self.module, backend, options).unwrap();
        let result = call_execute_raw(&mut instance, ENVIRONMENT, INFO, MESSAGE).unwrap();
        assert!(result.starts_with(br#"{"ok""#));
    }
}
