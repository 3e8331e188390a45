//! The chaincode `transfer` as a plain module, with the entry points that CosmWasm calls.
//!
//! Values are passed as regions: the address of three numbers, which are an address, a capacity and
//! a length.
#![no_std]
#![allow(unsafe_code, reason = "CosmWasm's ABI is made of addresses")]

extern crate alloc;

// The component's source file; the component itself would link the standard library.
#[path = "../../../chaincodes/transfer/src/contract.rs"]
mod contract;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::panic::PanicInfo;

use contract::{Ledger, Refusal};
use serde::Deserialize;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[repr(C)]
struct Region {
    address: u32,
    capacity: u32,
    length: u32,
}

impl Region {
    /// Passes bytes to the reader, which must free them.
    fn of(bytes: Vec<u8>) -> *mut Self {
        let mut bytes = core::mem::ManuallyDrop::new(bytes);
        Box::into_raw(Box::new(Self {
            address: bytes.as_mut_ptr() as u32,
            capacity: bytes.capacity() as u32,
            length: bytes.len() as u32,
        }))
    }

    /// Takes the bytes of a region that the host has filled.
    ///
    /// # Safety
    /// The region is from `allocate` and has no other owner.
    unsafe fn take(region: *mut Self) -> Vec<u8> {
        let region = unsafe { Box::from_raw(region) };
        let (length, capacity) = (region.length as usize, region.capacity as usize);
        unsafe { Vec::from_raw_parts(region.address as *mut u8, length, capacity) }
    }

    /// Lends bytes to the host for one call.
    fn lent(bytes: &[u8]) -> Self {
        let length = bytes.len() as u32;
        Self { address: bytes.as_ptr() as u32, capacity: length, length }
    }
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn db_read(key: *const Region) -> *mut Region;
    fn db_write(key: *const Region, value: *const Region);
}

struct Host;

impl Ledger for Host {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let key = Region::lent(key.as_bytes());
        let value = unsafe { db_read(&key) };
        Ok((!value.is_null()).then(|| unsafe { Region::take(value) }))
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), Refusal> {
        let (key, value) = (Region::lent(key.as_bytes()), Region::lent(value));
        unsafe { db_write(&key, &value) };
        Ok(())
    }
}

/// The message of a call: the arguments of the function `transfer`.
#[derive(Deserialize)]
struct Message {
    transfer: [String; 3],
}

#[unsafe(no_mangle)]
extern "C" fn interface_version_8() {}

#[unsafe(no_mangle)]
extern "C" fn allocate(bytes: u32) -> *mut Region {
    Region::of(Vec::with_capacity(bytes as usize))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn deallocate(region: *mut Region) {
    drop(unsafe { Region::take(region) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn instantiate(_: u32, _: u32, _: u32) -> *mut Region {
    answer(Ok(()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn execute(_: u32, _: u32, message: *mut Region) -> *mut Region {
    let message = unsafe { Region::take(message) };
    let parsed = serde_json::from_slice(&message).map_err(|error| format!("{error}"));
    let call = |Message { transfer }| contract::invoke(&Host, "transfer", &transfer);
    answer(parsed.and_then(call))
}

fn answer(result: Result<(), Refusal>) -> *mut Region {
    let text = match result {
        Ok(()) => r#"{"ok":{"messages":[],"attributes":[],"events":[],"data":null}}"#.into(),
        Err(refusal) => format!(r#"{{"error":{}}}"#, serde_json::Value::from(refusal)),
    };
    Region::of(text.into_bytes())
}
