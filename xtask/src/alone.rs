//! `cargo xtask alone`: checks that each published package compiles alone, with its tests.
//!
//! A build of the workspace unites the features that all packages request. It does not notice a
//! feature that one package forgot to request.

use anyhow::{Context, Result};

use crate::{cargo, package};

/// A package that gives external crates the features of the workspace, so that most of the compiled
/// code is shared by all packages.
const SHARED: &str = "alone";

/// Checks each package that may be published, one after the other.
///
/// # Errors
/// A package does not compile; the compiler's output is on standard error.
pub fn run() -> Result<()> {
    for name in package::names()? {
        let packages = ["--package", &name, "--package", SHARED];
        let args = [&["check", "--quiet", "--locked", "--all-targets"][..], &packages].concat();
        cargo::run(&args).with_context(|| format!("{name} does not compile alone"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::root;

    #[test]
    fn what_is_shared_is_named_by_no_package_that_is_checked() {
        let shared = dependencies("tests/alone/Cargo.toml");
        assert!(shared.iter().any(|name| name == "smallvec"), "{shared:?}");
        for folder in package::folders().unwrap() {
            let manifest = format!("{}/Cargo.toml", folder.display());
            let mut masked = dependencies(&manifest);
            // Both use the default features.
            masked.retain(|name| shared.contains(name) && name != "anyhow");
            assert!(masked.is_empty(), "{manifest} has {masked:?}");
        }
    }

    /// Returns the names before `=` or `.` in all sections of dependencies.
    fn dependencies(manifest: &str) -> Vec<String> {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        let mut names = Vec::new();
        let mut is_among = false;
        for line in text.lines() {
            if line.starts_with('[') {
                is_among = line.contains("dependencies");
            } else if let Some((name, _)) = line.split_once(['.', ' ', '=']).filter(|_| is_among) {
                names.push(name.to_owned());
            }
        }
        names
    }
}
