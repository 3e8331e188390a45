//! The program with the feature `otlp`, under a name of its own, for `cargo xtask spans`: it must
//! not replace the usual program, which other tests run.

use std::process::ExitCode;

use wasmcc_cli::Cli;

fn main() -> ExitCode {
    Cli::run_process()
}
