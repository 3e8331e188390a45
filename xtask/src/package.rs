//! `cargo xtask package`: makes the packages that users depend on, as for a registry.
//!
//! Does not build the packages: the tests have tested their sources. It detects missing parts, such
//! as a file, the version of a sibling or a description.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{cargo, root};

/// Packages the facade, its parts, and the SDK into `target/package`.
///
/// # Errors
/// A package is incomplete; cargo's output is on standard error.
pub fn run() -> Result<()> {
    let names = names()?;
    let mut args = vec!["package", "--no-verify", "--allow-dirty", "--locked", "--quiet"];
    for name in &names {
        args.extend(["--package", name.as_str()]);
    }
    cargo::run(&args)
}

/// Returns the packages of the workspace that may be published.
pub(crate) fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in folders()? {
        let manifest = fs::read_to_string(root().join(&folder).join("Cargo.toml"))?;
        let name =
            manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let name = name.with_context(|| format!("{} has no name", folder.display()))?;
        names.push(name.to_owned());
    }
    names.sort();
    Ok(names)
}

/// Returns their folders, relative to the workspace.
pub(crate) fn folders() -> Result<Vec<PathBuf>> {
    let mut folders: Vec<_> =
        ["guest-sdk", "guest-sdk/macros", "guest-sdk/test", "host"].map(PathBuf::from).into();
    for entry in fs::read_dir(root().join("host"))? {
        folders.push(Path::new("host").join(entry?.file_name()));
    }
    folders.retain(|folder| root().join(folder).join("Cargo.toml").is_file());
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_and_the_sdk_are_packaged() {
        let names = names().unwrap();
        let expected = ["wasmcc", "wasmcc-cli", "wasmcc-ledger", "wasmcc-sdk", "wasmcc-test"];
        for name in expected.iter().chain(&["wasmcc-sdk-macros"]) {
            assert!(names.iter().any(|found| found == *name), "{name} is not in {names:?}");
        }
    }
}
