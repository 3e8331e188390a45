//! Helpers of several benches.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic)]

pub(crate) mod bare;
pub(crate) mod chain;
pub(crate) mod memory;

use std::path::PathBuf;

use mimalloc::MiMalloc;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Returns a guest that `cargo xtask` built.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let dir = std::env::var_os("WASMCC_GUESTS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/wasm32-wasip2/guest")),
        PathBuf::from,
    );
    let path = dir.join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask guests` first", path.display()))
}
