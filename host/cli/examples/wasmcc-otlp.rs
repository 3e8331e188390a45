//! The program with the feature `otlp`, under a name of its own, for `cargo xtask spans`: it must
//! not replace the usual program, which other tests run.

use std::process::ExitCode;

use wasmcc_cli::Cli;
use wasmcc_runtime::{COMPILE_VERB, compile_for_parent};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == COMPILE_VERB) {
        return compile_for_parent(args);
    }
    let cli = Cli::of_process(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match cli.run_program() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
