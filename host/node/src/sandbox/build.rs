//! Builds a chaincode from source, as its author would.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::sandbox::{SandboxError, cargo_config};

/// Names the profile to build with instead of `release`, as for `wasmcc build`.
const PROFILE: &str = "WASMCC_PROFILE";

/// Builds the crate in `dir` for wasm32-wasip2 with the `cargo` on the path and returns the
/// component. Cargo does nothing if it is up to date. For a chaincode's own tests:
/// `wasmcc::sandbox::build(env!("CARGO_MANIFEST_DIR"))`.
///
/// The profile is `release`, or the one that the variable `WASMCC_PROFILE` names.
pub fn build(dir: impl AsRef<Path>) -> Result<Vec<u8>, SandboxError> {
    let failed = |text: String| SandboxError::Build(text);
    let dir = dir.as_ref();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--lib", "--target", "wasm32-wasip2", "--profile"])
        .arg(std::env::var_os(PROFILE).unwrap_or_else(|| "release".into()))
        .args(["--message-format", "json-render-diagnostics"])
        .args(cargo_config(dir).iter().flat_map(|config| ["--config", config]))
        .current_dir(dir)
        // Settings of the outer cargo apply to the host's crates, not to the guest.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .map_err(|error| failed(format!("cargo does not start: {error}")))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(failed(format!("in {}:\n{text}", dir.display())));
    }
    let path = component_path(&output.stdout).ok_or_else(|| {
        failed(format!(
            "{} makes no component: its Cargo.toml needs a [lib] with crate-type = [\"cdylib\", \
             \"rlib\"]",
            dir.display()
        ))
    })?;
    std::fs::read(&path).map_err(|error| failed(format!("{}: {error}", path.display())))
}

/// Returns the last `.wasm` file among the artifacts that cargo reports, which is the crate's own.
fn component_path(messages: &[u8]) -> Option<PathBuf> {
    let lines = String::from_utf8_lossy(messages);
    let artifacts = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let files = artifacts.filter_map(|message| {
        let files = message.get("filenames")?.as_array()?;
        files.iter().filter_map(Value::as_str).find(|f| f.ends_with(".wasm")).map(PathBuf::from)
    });
    files.fold(None, |_, file| Some(file))
}
