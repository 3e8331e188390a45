//! `cargo xtask beside`: measures one contract in the sandboxes of several projects, in one run.
//!
//! The bench is a separate package, `tests/beside`, because two more virtual machines take minutes
//! to compile.

use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

use crate::{bench, cargo, guests, root, target};

/// A target without an operating system; all sandboxes support its features.
const MODULE_TARGET: &str = "wasm32v1-none";
const SUBJECTS: [&str; 4] = ["wasmcc", "wasmcc_ahead", "cosmwasm", "wasmi"];

/// Builds the contract, runs the bench, and returns the names of figures with microseconds.
///
/// # Errors
/// Something does not build, or the bench fails.
pub fn run() -> Result<Vec<(String, f64)>> {
    let component = guests::build()?.into_iter().find(|guest| guest.name == "transfer");
    let component = component.context("there is no chaincode transfer")?.path;
    target::add(MODULE_TARGET)?;
    let target_dir = cargo::target_dir()?.join("beside");
    let in_package = |args: &[&str]| {
        let mut command: Command = cargo::command();
        command.current_dir(root().join("tests/beside")).args(args).stdin(Stdio::null());
        command.arg("--locked").arg("--target-dir").arg(&target_dir);
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        command
    };
    let mut build = in_package(&["build", "--quiet", "--package=transfer-module"]);
    build.args(["--profile=guest", "--target", MODULE_TARGET]);
    ensure!(build.status()?.success(), "the module does not build");
    let module = target_dir.join(MODULE_TARGET).join("guest/transfer_module.wasm");
    let criterion = cargo::target_dir()?.join("criterion");
    let mut command = in_package(&["bench", "--package=wasmcc-beside"]);
    command.env("WASMCC_COMPONENT", component).env("WASMCC_MODULE", module);
    let since = SystemTime::now();
    ensure!(command.env("CRITERION_HOME", &criterion).status()?.success(), "the bench failed");
    let microseconds = |name: &str| {
        let ns = bench::median_ns(&criterion.join("beside").join(name), since)?;
        Ok((format!("beside_{name}_us"), ns / 1e3))
    };
    SUBJECTS.into_iter().map(microseconds).collect()
}
