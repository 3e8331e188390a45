//! The program `wasmcc`: arguments in, exit code out.

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tracing_subscriber::EnvFilter;
use wasmcc::cli::Cli;
use wasmcc::runtime::{COMPILE_VERB, compile_for_parent};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    // Before anything else: it takes its limits first.
    if args.next().is_some_and(|verb| verb == COMPILE_VERB) {
        return compile_for_parent(args);
    }
    let cli = Cli::parse();
    match start_log(&cli).and_then(|()| cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// To standard error; what it shows is said by RUST_LOG, or else by the arguments.
fn start_log(cli: &Cli) -> Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => {
            EnvFilter::try_new(text).context("RUST_LOG is not usable")?
        }
        _ => EnvFilter::new(cli.log_filter()),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
