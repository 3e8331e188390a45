//! The program `wasmcc`: calls the library with its arguments.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use wasmcc_cli::Cli;

/// A fast allocator: a transaction allocates hundreds of small values, many of which other threads
/// free.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    Cli::run_process()
}
