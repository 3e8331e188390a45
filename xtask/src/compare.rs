//! `cargo xtask compare [SEED [ROUNDS [FILE]]]`: runs random programs on a live Fabric peer and on
//! a peer of this project, and compares the results.
//!
//! Invariant: without a live network (see `tests/examples/compare.rs`), it does nothing and says
//! so.

use anyhow::{Result, ensure};

use crate::cargo;

/// The variable with the folder of the live network's programs.
const FABRIC_HOME: &str = "FABRIC_HOME";

/// Runs the comparison with these arguments: a seed, the number of rounds, and the file for a
/// recording. Returns false if there is no network.
///
/// # Errors
/// The comparison does not build, the network does not answer, or the peers differ.
pub fn run(args: &[&str]) -> Result<bool> {
    if std::env::var_os(FABRIC_HOME).is_none() {
        return Ok(false);
    }
    let mut compare = cargo::command();
    compare.args(["run", "--quiet", "--package=wasmcc-tests", "--example=compare", "--"]);
    ensure!(compare.args(args).status()?.success(), "the peers differ");
    Ok(true)
}
