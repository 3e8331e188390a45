//! The program with the feature `otlp`, for `cargo xtask spans`. It has another name because it
//! must not replace the usual program, which other tests run.

use std::process::ExitCode;

use wasmcc_cli::Cli;

fn main() -> ExitCode {
    Cli::run_process()
}
