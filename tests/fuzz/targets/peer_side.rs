//! Any events for the peer's half: no panic, and its promises hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wasmcc_fuzz::Input;
use wasmcc_protocol::promises::check_peer;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    check_peer(input.flag(), std::iter::from_fn(|| input.peer_event()));
});
