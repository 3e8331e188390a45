//! Runs cargo on this workspace.
//!
//! Invariant: uses the caller's own cargo, toolchain and target folder.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::root;

/// Returns the target folder of this workspace.
///
/// # Errors
/// `CARGO_TARGET_DIR` is relative and the current folder is gone.
pub fn target_dir() -> Result<PathBuf> {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(std::path::absolute(folder)?),
        None => Ok(root().join("target")),
    }
}

/// Returns a cargo command in the workspace's folder.
pub fn command() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Runs cargo with `args` and this program's output.
///
/// # Errors
/// Cargo does not start, or fails.
pub fn run(args: &[&str]) -> Result<()> {
    let status = command().args(args).status().context("cargo cannot be run")?;
    ensure!(status.success(), "`cargo {}` failed", args.join(" "));
    Ok(())
}
