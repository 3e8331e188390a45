//! `cargo xtask demo`: deploys a contract and follows its transactions.
//!
//! Builds and starts `host/examples/demo.rs`. Does not contain the demo itself.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{cargo, guests};

const CONTRACT: &str = "asset-transfer-basic";

/// Builds the peer, the contract and the demo, and runs it.
///
/// # Errors
/// Something does not build, or the demo fails.
pub fn run() -> Result<()> {
    let guests = guests::build()?;
    let contract = guests.iter().find(|guest| guest.name == CONTRACT);
    let contract = contract.with_context(|| format!("there is no chaincode {CONTRACT}"))?;
    // With the package `alone`, external crates have the same features as in `cargo xtask test`.
    let packages = ["--package=wasmcc", "--package=wasmcc-cli", "--package=alone"];
    cargo::run(&[&["build", "--bin=wasmcc", "--example=demo"], &packages[..]].concat())?;
    let built = cargo::target_dir()?.join("debug");
    let status = Command::new(built.join("examples/demo"))
        .arg(built.join("wasmcc"))
        .arg(&contract.path)
        .status()?;
    ensure!(status.success(), "the demo failed");
    Ok(())
}
