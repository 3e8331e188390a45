//! Any events for the chaincode's half: no panic, and its promises hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wasmcc_fuzz::Input;
use wasmcc_protocol::promises::check_shim;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    check_shim(input.flag(), std::iter::from_fn(|| input.shim_event()));
});
