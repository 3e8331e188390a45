//! Builds a chaincode from source with `wasmcc build`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

use crate::SandboxError;
use crate::program::{does_not_start, program};

/// Set by `wasmcc test`: the component that it has built, and its folder.
const COMPONENT: &str = "WASMCC_COMPONENT";
const CONTRACT: &str = "WASMCC_CONTRACT";
/// The profile to use instead of `dev`.
const PROFILE: &str = "WASMCC_PROFILE";

/// Builds the contract in `dir` as a component with `wasmcc build` and returns it. Cargo does
/// nothing if it is up to date. A chaincode's own tests call
/// `wasmcc_test::build(env!("CARGO_MANIFEST_DIR"))`.
///
/// The profile is `dev`, which builds faster, or the one in the variable `WASMCC_PROFILE`. Under
/// `wasmcc test` the contract is already built and only read.
pub fn build(dir: impl AsRef<Path>) -> Result<Vec<u8>, SandboxError> {
    let dir = dir.as_ref();
    let path = match built_before(dir) {
        Some(path) => path,
        None => build_now(dir)?,
    };
    fs::read(&path).map_err(|error| SandboxError::Build(format!("{}: {error}", path.display())))
}

fn built_before(dir: &Path) -> Option<PathBuf> {
    let of = PathBuf::from(env::var_os(CONTRACT)?).canonicalize().ok()?;
    let path = PathBuf::from(env::var_os(COMPONENT)?);
    (dir.canonicalize().ok()? == of).then_some(path)
}

fn build_now(dir: &Path) -> Result<PathBuf, SandboxError> {
    let program = program();
    let mut command = Command::new(&program);
    command.args(["build", "--json", "--profile"]);
    command.arg(env::var_os(PROFILE).unwrap_or_else(|| "dev".into()));
    command.arg(dir).stdin(Stdio::null());
    let output = command.output().map_err(|error| does_not_start(&program, &error))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(SandboxError::Build(words.trim_end().to_owned()));
    }
    let answer = serde_json::from_slice::<Value>(&output.stdout).ok();
    let path = answer.as_ref().and_then(|answer| answer.get("path")?.as_str());
    path.map(PathBuf::from).ok_or_else(|| {
        let words = String::from_utf8_lossy(&output.stdout);
        SandboxError::Build(format!("`wasmcc build --json` names no path: {words}"))
    })
}
