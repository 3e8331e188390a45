//! Builds `tests/rust-chaincode`, a chaincode on the crate `fabric-shim`.
//!
//! It is no member of the workspace. Its gRPC crates are those of the workspace, in the same
//! versions, but with more features; as a member it would have every build of one package compile
//! them, and the peer on top of them, a second time.
//!
//! Invariant: only what its own lock file names.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo;
use crate::root;

/// How it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Quickly, for tests.
    Debug,
    /// For measuring.
    Release,
}

/// Builds the program and says where it is; does nothing if it is up to date.
///
/// # Errors
/// It does not build; the compiler's words are in the error.
pub fn build(profile: Profile) -> Result<PathBuf> {
    let target_dir = cargo::target_dir()?;
    let folder = root().join("tests/rust-chaincode");
    let mut command: Command = cargo::command();
    command.current_dir(&folder).args(["build", "--quiet", "--locked"]);
    let folder = match profile {
        Profile::Debug => "debug",
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    // Flags for the workspace, as a coverage run sets them, are not for this.
    let command = command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    let output = command
        .arg("--target-dir")
        .arg(&target_dir)
        .stdin(Stdio::null())
        .output()
        .context("cargo cannot be run")?;
    if !output.status.success() {
        bail!("the Rust chaincode does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(target_dir.join(folder).join("rust-chaincode"))
}
