//! wasmi, an interpreter, with the imports of CosmWasm's modules that the contract needs.

use wasmi::{
    Caller, Config, Engine, Extern, Instance, Linker, Memory, Module, Store, StoreLimits,
    StoreLimitsBuilder,
};

use crate::map_backend::State;
use crate::{FUEL, MEMORY, MESSAGE};

struct Data {
    state: State,
    limits: StoreLimits,
}

pub(crate) struct Interpreter {
    engine: Engine,
    linker: Linker<Data>,
    module: Module,
}

impl Interpreter {
    pub(crate) fn new(wasm: &[u8]) -> Self {
        let mut config = Config::default();
        config.consume_fuel(true);
        let engine = Engine::new(&config);
        let mut linker = Linker::new(&engine);
        linker.func_wrap("env", "db_read", read).unwrap();
        linker.func_wrap("env", "db_write", write).unwrap();
        let module = Module::new(&engine, wasm).unwrap();
        Self { engine, linker, module }
    }

    pub(crate) fn call(&self, state: &State) {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY).build();
        let mut store = Store::new(&self.engine, Data { state: state.clone(), limits });
        store.limiter(|data| &mut data.limits);
        store.set_fuel(FUEL).unwrap();
        let instance = self.linker.instantiate_and_start(&mut store, &self.module).unwrap();
        let message = region(&mut store, instance);
        let execute = instance.get_typed_func::<(u32, u32, u32), u32>(&store, "execute").unwrap();
        let result = execute.call(&mut store, (0, 0, message)).unwrap();
        let memory = instance.get_memory(&store, "memory").unwrap();
        assert!(bytes(memory.data(&store), result).starts_with(br#"{"ok""#));
    }
}

/// Copies the message into the guest.
fn region(store: &mut Store<Data>, instance: Instance) -> u32 {
    let allocate = instance.get_typed_func::<u32, u32>(&*store, "allocate").unwrap();
    let region = allocate.call(&mut *store, MESSAGE.len() as u32).unwrap();
    let memory = instance.get_memory(&*store, "memory").unwrap();
    fill(memory.data_mut(store), region, MESSAGE);
    region
}

/// Returns the number at an address.
fn number(memory: &[u8], address: u32) -> u32 {
    let at = address as usize;
    u32::from_le_bytes(memory[at..at + 4].try_into().unwrap())
}

/// Returns the bytes of a region: its first number is their address, its third their count.
fn bytes(memory: &[u8], region: u32) -> &[u8] {
    let (address, length) = (number(memory, region), number(memory, region + 8));
    &memory[address as usize..][..length as usize]
}

fn fill(memory: &mut [u8], region: u32, bytes: &[u8]) {
    let address = number(memory, region) as usize;
    memory[address..][..bytes.len()].copy_from_slice(bytes);
    let length = (bytes.len() as u32).to_le_bytes();
    memory[region as usize + 8..][..4].copy_from_slice(&length);
}

fn memory(caller: &Caller<'_, Data>) -> Memory {
    caller.get_export("memory").and_then(Extern::into_memory).unwrap()
}

fn key(caller: &Caller<'_, Data>, region: u32) -> String {
    String::from_utf8(bytes(memory(caller).data(caller), region).to_vec()).unwrap()
}

fn read(mut caller: Caller<'_, Data>, at: u32) -> Result<u32, wasmi::Error> {
    let key = key(&caller, at);
    let Some(value) = caller.data().state.lock().unwrap().get(&key).cloned() else { return Ok(0) };
    let allocate = caller.get_export("allocate").and_then(Extern::into_func).unwrap();
    let allocate = allocate.typed::<u32, u32>(&caller)?;
    let region = allocate.call(&mut caller, value.len() as u32)?;
    fill(memory(&caller).data_mut(&mut caller), region, &value);
    Ok(region)
}

fn write(caller: Caller<'_, Data>, at: u32, value: u32) {
    let key = key(&caller, at);
    let value = bytes(memory(&caller).data(&caller), value).to_vec();
    caller.data().state.lock().unwrap().insert(key, value);
}
