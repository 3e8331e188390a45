//! Runs cargo on a contract in Rust.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use serde::Deserialize;

use wasmcc_node::sandbox::cargo_config;

use super::package::{Metadata, Package};
use super::{BuildError, Built, Language, Order, Words, tools};

/// The target of all contracts.
pub(super) const TARGET: &str = "wasm32-wasip2";

/// Builds the contract of a folder, given as an absolute path.
pub(super) fn build(folder: &Path, order: &Order) -> Result<Built, BuildError> {
    let package = metadata(folder)?.contract(folder)?;
    has_target(folder)?;
    let output = compile(&package, order)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(BuildError::Compile { folder: package.folder, words });
    }
    match component_path(&output.stdout, &package.id) {
        Some(path) => Ok(Built { path, folder: package.folder, language: Language::Rust }),
        None => Err(BuildError::NoComponent { folder: package.folder }),
    }
}

fn compile(package: &Package, order: &Order) -> Result<Output, BuildError> {
    let mut cargo = cargo(&package.folder);
    cargo
        .args(["build", "--lib", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--package", &package.id, "--profile", &order.profile])
        .args(cargo_config(&package.folder).iter().flat_map(|config| ["--config", config]))
        .args(&order.args)
        // Flags for native programs must not apply to components.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    output(cargo, order.words)
}

fn metadata(folder: &Path) -> Result<Metadata, BuildError> {
    let mut cargo = cargo(folder);
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = output(cargo, Words::Kept)?;
    let unreadable = |words: String| BuildError::Manifest { folder: folder.to_owned(), words };
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(unreadable(words.trim_end().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| unreadable(error.to_string()))
}

/// Checks that the toolchain of the folder has the target. Without this check, cargo would fail
/// only after some time.
fn has_target(folder: &Path) -> Result<(), BuildError> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = tool(rustc, folder);
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let output = output(rustc, Words::Kept)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(BuildError::OldRust { words });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut files = fs::read_dir(text.trim()).into_iter().flatten().flatten();
    match files.any(|file| file.file_name().to_string_lossy().starts_with("libstd-")) {
        true => Ok(()),
        false => Err(BuildError::NoTarget),
    }
}

fn cargo(folder: &Path) -> Command {
    tool(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder)
}

fn tool(program: OsString, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn output(mut command: Command, words: Words) -> Result<Output, BuildError> {
    tools::output(&mut command, words).map_err(|error| BuildError::NoTool {
        tool: command.get_program().to_string_lossy().into_owned(),
        why: error.to_string(),
    })
}

/// The part of cargo's messages that names built files.
#[derive(Debug, Deserialize)]
struct Artifact {
    package_id: String,
    filenames: Vec<PathBuf>,
}

/// Returns the component among the files that cargo reports. A dependency may also make a `.wasm`.
fn component_path(messages: &[u8], package: &str) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let artifacts = lines.filter_map(|line| serde_json::from_slice::<Artifact>(line).ok());
    let own = artifacts.filter(|built| built.package_id == package);
    let is_wasm = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "wasm");
    own.flat_map(|built| built.filenames).rfind(is_wasm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_that_of_the_package_itself() {
        let lines = [
            r#"{"reason":"x","package_id":"other","filenames":["/t/other.wasm"]}"#,
            r#"{"reason":"x","package_id":"own","filenames":["/t/a.rlib","/t/own.wasm"]}"#,
            r#"{"reason":"compiler-message","package_id":"own","message":{}}"#,
            "words of a build script",
            r#"{"reason":"build-finished","success":true}"#,
        ];
        let messages = lines.join("\n");
        let found = component_path(messages.as_bytes(), "own");
        assert_eq!(found, Some(PathBuf::from("/t/own.wasm")));
        assert_eq!(component_path(messages.as_bytes(), "none"), None);
    }
}
