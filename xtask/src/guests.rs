//! Builds the chaincodes of this repository as components.
//!
//! Every folder in `sample-chaincodes` and `tests/chaincodes` is one; its package has the folder's
//! name.
//!
//! Invariant: the components do not depend on the flags of the caller's own build.

use std::path::PathBuf;
use std::process::Stdio;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::{cargo, root, target};

const FOLDERS: [&str; 2] = ["sample-chaincodes", "tests/chaincodes"];
/// In the workspace's `Cargo.toml`: small and quick to instantiate.
pub(crate) const PROFILE: &str = "guest";

/// A chaincode that was built.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guest {
    /// The package, such as `asset-transfer-basic`.
    pub name: String,
    /// Its component, an absolute path.
    pub path: PathBuf,
}

/// Builds all chaincodes and returns them in the order of their names. Does nothing for what is up
/// to date.
///
/// Quiet unless it fails. The components are in the workspace's target folder, or in
/// `CARGO_TARGET_DIR`. May be called from a test: cargo holds no lock while tests run.
///
/// # Errors
/// The target is missing ([`target::ensure`] says what to do), or a chaincode does not compile; the
/// compiler's output is in the error.
pub fn build() -> Result<Vec<Guest>> {
    target::ensure()?;
    let target_dir = cargo::target_dir()?;
    let names = names()?;
    let output = cargo::command()
        .args(["build", "--quiet", "--profile", PROFILE, "--target", target::NAME])
        .arg("--target-dir")
        .arg(&target_dir)
        .args(names.iter().map(|name| format!("--package={name}")))
        .args(cargo_config().iter().flat_map(|config| ["--config", config]))
        // Flags for the host, as of a coverage run, do not apply to components.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null())
        .output()
        .context("cargo cannot be run")?;
    if !output.status.success() {
        bail!("chaincodes do not build:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let folder = target_dir.join(target::NAME).join(PROFILE);
    let path = |name: &str| folder.join(name.replace('-', "_")).with_extension("wasm");
    Ok(names.into_iter().map(|name| Guest { path: path(&name), name }).collect())
}

/// The option of cargo with which `wasmcc build` compiles contracts, too: with another one, each
/// would build anew what the other has built.
pub fn cargo_config() -> Option<String> {
    let home = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    let home = std::path::absolute(home).ok()?.into_os_string().into_string().ok()?;
    let is_plain = !home.contains(|c: char| c.is_control() || c == '=');
    let flag = format!("--remap-path-prefix={home}=/cargo");
    is_plain.then(|| format!("target.wasm32-wasip2.rustflags=[{flag:?}]"))
}

fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in FOLDERS {
        let folder = root().join(folder);
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chaincode_of_the_repository_is_found() {
        let names = names().unwrap();
        assert!(names.is_sorted());
        for name in ["asset-transfer-basic", "probe", "transfer"] {
            assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
        }
    }
}
