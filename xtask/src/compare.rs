//! `cargo xtask compare [SEED [ROUNDS [FILE]]]`: random programs on a live Fabric peer and on one
//! of this project.
//!
//! Invariant: needs a live network (see `tests/examples/compare.rs`); without one it says so and
//! does nothing.

use anyhow::{Result, ensure};

use crate::cargo;

/// Says where a live network's programs are.
const FABRIC_HOME: &str = "FABRIC_HOME";

/// Runs the comparison with these arguments: a seed, how many rounds of programs, and the file that
/// a recording goes to. Gives whether there was a network.
///
/// # Errors
/// It does not build, the network does not answer, or the peers differ.
pub fn run(args: &[&str]) -> Result<bool> {
    if std::env::var_os(FABRIC_HOME).is_none() {
        return Ok(false);
    }
    let mut compare = cargo::command();
    compare.args(["run", "--quiet", "--package=wasmcc-tests", "--example=compare", "--"]);
    ensure!(compare.args(args).status()?.success(), "the peers differ");
    Ok(true)
}
