//! `cargo xtask spans`: runs the test of the spans for an OpenTelemetry collector.
//!
//! The feature `otlp` adds features to shared crates, so most crates of the host are compiled a
//! second time. Other verbs do not build it.
//!
//! Invariant: does not change `target/debug/wasmcc`, which is built without the feature.

use anyhow::{Result, ensure};

use crate::{cargo, guests};

/// Builds the program with the feature, as an example of its package, and runs the test with it.
///
/// # Errors
/// Something does not build, or the test fails.
pub fn run() -> Result<()> {
    guests::build()?;
    let example = ["--example=wasmcc-otlp", "--features=wasmcc-cli/otlp"];
    cargo::run(&[&["build", "--quiet", "--workspace"], &example[..]].concat())?;
    let program = cargo::target_dir()?.join("debug/examples/wasmcc-otlp");
    let mut test = cargo::command();
    test.args(["test", "--workspace", "--test=spans", "--features=wasmcc-tests/spans"]);
    ensure!(test.env("WASMCC_PROGRAM", program).status()?.success(), "the test failed");
    Ok(())
}
