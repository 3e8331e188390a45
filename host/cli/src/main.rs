//! The program `wasmcc`: arguments in, exit code out.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use wasmcc_cli::Cli;

/// A transaction makes hundreds of small values, and other threads free many of them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    Cli::run_process()
}
