//! Builds the chaincodes of this repository as components.
//!
//! Each folder with a `Cargo.toml` in `sample-chaincodes` and `tests/chaincodes` is a chaincode;
//! its package has the folder's name.
//!
//! Invariant: the components do not depend on the flags of the caller's own build.

use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::{cargo, root, target};

const FOLDERS: [&str; 2] = ["sample-chaincodes", "tests/chaincodes"];
/// The profile in the workspace's `Cargo.toml`: components are small and fast to instantiate.
pub(crate) const PROFILE: &str = "guest";

/// A chaincode that was built.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guest {
    /// The package, such as `asset-transfer-basic`.
    pub name: String,
    /// Its component, an absolute path.
    pub path: PathBuf,
}

/// Builds all chaincodes that are out of date, and returns all, sorted by name.
///
/// Quiet unless it fails. The components are in the workspace's target folder, or in
/// `CARGO_TARGET_DIR`. May be called from a test: cargo holds no lock while tests run.
///
/// # Errors
/// The target is missing (the error of [`target::ensure`] has instructions), or a chaincode does
/// not compile. The error has the compiler's output.
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
        // Flags for native code, as of a coverage run, must not apply to components.
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

/// Returns the configuration of cargo with which `wasmcc build` also compiles contracts
/// (`wasmcc_node::sandbox::cargo_config`). With a different one, each would compile again what the
/// other has compiled. Duplicated here, so that xtask does not depend on the host's crates.
pub fn cargo_config() -> Option<String> {
    let home = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let rustc = |args: &[&str]| {
        let output = Command::new("rustc").args(args).current_dir(root()).output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let library = rustc(&["--print", "sysroot"]).zip(rustc(&["-vV"]));
    let library = library.and_then(|(sysroot, version)| {
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "))?;
        let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
        Some((sources, format!("/rustc/{commit}")))
    });
    let prefixes = [home.map(|home| (home, "/cargo".to_owned())), library];
    let flag = |(from, to): (PathBuf, String)| {
        let flag = format!("--remap-path-prefix={}={to}", path::absolute(from).ok()?.to_str()?);
        Some(format!("{flag:?}"))
    };
    let flags: Vec<String> = prefixes.into_iter().flatten().filter_map(flag).collect();
    let condition = r#"cfg(all(target_os = "wasi", target_env = "p2"))"#;
    Some(format!("target.'{condition}'.rustflags=[{}]", flags.join(",")))
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
