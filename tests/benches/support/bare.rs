//! The lower bound: the same component on wasmtime alone. Each call has a fresh, metered, pooled
//! instance. Arguments and state are in memory, all other imports trap.

use std::time::Duration;

use wasmtime::component::{Component, HasData, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};

use self::fabric::chaincode::transaction::SignedProposal;
use self::fabric::chaincode::types::{Entry, Error, Timestamp};
use wasmcc_tests::State;

wasmtime::component::bindgen!({
    path: "../wit",
    world: "chaincode",
    imports: { default: trappable },
});

pub(crate) struct Data {
    args: Vec<Vec<u8>>,
    state: State,
}

struct Imports;

impl HasData for Imports {
    type Data<'a> = &'a mut Data;
}

pub(crate) struct Bare {
    engine: Engine,
    pre: ChaincodePre<Data>,
}

impl Bare {
    pub(crate) fn new(wasm: &[u8]) -> Self {
        let engine = Engine::new(&config()).unwrap();
        let component = Component::from_binary(&engine, wasm).unwrap();
        let mut linker = Linker::<Data>::new(&engine);
        fabric::chaincode::state::add_to_linker::<Data, Imports>(&mut linker, |d| d).unwrap();
        fabric::chaincode::transaction::add_to_linker::<Data, Imports>(&mut linker, |d| d).unwrap();
        linker.define_unknown_imports_as_traps(&component).unwrap();
        let pre = ChaincodePre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
        let weak = engine.weak();
        std::thread::spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::park_timeout(Duration::from_millis(10));
            }
        });
        Self { engine, pre }
    }

    pub(crate) fn invoke(&self, args: Vec<Vec<u8>>, state: State) -> i32 {
        let mut store = Store::new(&self.engine, Data { args, state });
        store.set_fuel(10_000_000_000).unwrap();
        store.set_epoch_deadline(3000);
        store.epoch_deadline_trap();
        let instance = self.pre.instantiate(&mut store).unwrap();
        instance.fabric_chaincode_contract().call_invoke(&mut store).unwrap().status
    }
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(64)
        .total_core_instances(256)
        .total_memories(64)
        .total_tables(256)
        .max_memory_size(64 << 20)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true);
    config
}

impl fabric::chaincode::types::Host for Data {}

impl fabric::chaincode::state::Host for Data {
    fn get_state(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(Ok(self.state.lock().unwrap().get(&key).cloned()))
    }
    fn put_state(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        self.state.lock().unwrap().insert(key, value);
        Ok(Ok(()))
    }
    fn get_multiple_states(
        &mut self,
        _: Vec<String>,
    ) -> wasmtime::Result<Result<Vec<Option<Vec<u8>>>, Error>> {
        absent()
    }
    fn del_state(&mut self, _: String) -> wasmtime::Result<Result<(), Error>> {
        absent()
    }
    fn get_state_metadata(&mut self, _: String) -> wasmtime::Result<Result<Vec<Entry>, Error>> {
        absent()
    }
    fn put_state_metadata(&mut self, _: String, _: Entry) -> wasmtime::Result<Result<(), Error>> {
        absent()
    }
    fn get_state_validation_parameter(
        &mut self,
        _: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        absent()
    }
    fn set_state_validation_parameter(
        &mut self,
        _: String,
        _: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        absent()
    }
    fn start_write_batch(&mut self) -> wasmtime::Result<()> {
        absent()
    }
    fn finish_write_batch(&mut self) -> wasmtime::Result<Result<(), Error>> {
        absent()
    }
}

impl fabric::chaincode::transaction::Host for Data {
    fn get_args(&mut self) -> wasmtime::Result<Vec<Vec<u8>>> {
        Ok(self.args.clone())
    }
    fn get_tx_id(&mut self) -> wasmtime::Result<String> {
        absent()
    }
    fn get_channel_id(&mut self) -> wasmtime::Result<String> {
        absent()
    }
    fn get_creator(&mut self) -> wasmtime::Result<Vec<u8>> {
        absent()
    }
    fn get_transient(&mut self) -> wasmtime::Result<Vec<Entry>> {
        absent()
    }
    fn get_tx_timestamp(&mut self) -> wasmtime::Result<Option<Timestamp>> {
        absent()
    }
    fn get_binding(&mut self) -> wasmtime::Result<Vec<u8>> {
        absent()
    }
    fn get_signed_proposal(&mut self) -> wasmtime::Result<Option<SignedProposal>> {
        absent()
    }
    fn get_decorations(&mut self) -> wasmtime::Result<Vec<Entry>> {
        absent()
    }
    fn get_peer_msp_id(&mut self) -> wasmtime::Result<Option<String>> {
        absent()
    }
}

fn absent<T>() -> wasmtime::Result<T> {
    Err(wasmtime::Error::msg("not in this bench"))
}
