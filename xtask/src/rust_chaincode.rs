//! Builds `tests/rust-chaincode`, a chaincode on the crate `fabric-shim`.
//!
//! It is not a member of the workspace. It uses the same versions of the gRPC crates with more
//! features. As a member, it would make builds of single packages compile these crates, and the
//! peer, a second time.
//!
//! Invariant: uses only what its own lock file names.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{cargo, root};

/// The profile of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Compiles fast, for tests.
    Debug,
    /// Optimized, for benches.
    Release,
}

/// Builds the program if it is out of date, and returns its path.
///
/// # Errors
/// It does not build; the error has the compiler's output.
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
    // Flags for the workspace, as of a coverage run, must not apply.
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
