//! The program `wasmcc`: arguments in, exit code out.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use wasmcc_cli::Cli;
use wasmcc_runtime::{COMPILE_VERB, compile_for_parent};

/// A transaction makes hundreds of small values, and other threads free many of them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    // Before anything else: it takes its limits first.
    if args.next().is_some_and(|verb| verb == COMPILE_VERB) {
        return compile_for_parent(args);
    }
    let cli = Cli::of_process(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match cli.run_program() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
