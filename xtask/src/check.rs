//! `cargo xtask check [BASE]`: the quick gate before a commit: format, lints, and the unit tests of
//! the packages in which files changed.
//!
//! Does not build chaincodes or run integration tests: `cargo xtask test` does.
//!
//! Invariant: a failure here is also a failure of `.ci/run`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{cargo, root};

/// Checks format and lints of the workspace. Then runs the unit tests of the packages with a file
/// that differs from the commit `base`. By default, that is the commit where the branch left its
/// upstream, or else the last commit. Uncommitted files count, too.
///
/// # Errors
/// A check or a test fails, or git does not know `base`.
pub fn run(base: Option<&str>) -> Result<()> {
    cargo::run(&["fmt", "--all", "--check"])?;
    cargo::run(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ])?;
    let packages = packages_of(&changed_files(base)?);
    let mut out = std::io::stdout().lock();
    if packages.is_empty() {
        writeln!(out, "no package changed: no unit tests are run")?;
        return Ok(());
    }
    for package in packages {
        writeln!(out, "unit tests of {package}")?;
        cargo::run(&["test", "--quiet", "--locked", "--lib", "--package", &package])?;
    }
    Ok(())
}

/// Returns the files that differ from `base`, relative to the workspace's folder.
fn changed_files(base: Option<&str>) -> Result<Vec<String>> {
    let base = match base {
        Some(base) => base.to_owned(),
        None => git(&["merge-base", "HEAD", "@{upstream}"]).unwrap_or_else(|_| "HEAD".to_owned()),
    };
    let tracked = git(&["diff", "--name-only", "--relative", base.trim(), "--"])?;
    let new = git(&["ls-files", "--others", "--exclude-standard"])?;
    Ok(tracked.lines().chain(new.lines()).map(str::to_owned).collect())
}

fn git(args: &[&str]) -> Result<String> {
    let output = Command::new("git").current_dir(root()).args(args).output();
    let output = output.context("git cannot be run")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`git {}` failed: {}", args.join(" "), error.trim());
    Ok(String::from_utf8(output.stdout)?)
}

/// Returns the packages of the workspace that the files belong to.
fn packages_of(files: &[String]) -> BTreeSet<String> {
    files.iter().filter_map(|file| package_of(Path::new(file))).collect()
}

/// Returns the package that contains a file: that of the nearest `Cargo.toml` above it. None if it
/// is not a member of this workspace, or has no library.
fn package_of(file: &Path) -> Option<String> {
    let mut folders = file.ancestors().skip(1);
    let folder = folders.find(|folder| root().join(folder).join("Cargo.toml").is_file())?;
    // The workspace names its members, one a line.
    let workspace = fs::read_to_string(root().join("Cargo.toml")).ok()?;
    let member = format!("\"{}\",", folder.display());
    let is_member = workspace.lines().any(|line| line.trim() == member);
    // The unit tests are those of libraries.
    if !is_member || !root().join(folder).join("src/lib.rs").is_file() {
        return None;
    }
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).ok()?;
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \""))?;
    name.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_the_package_of_the_nearest_manifest() {
        let package = |file: &str| package_of(Path::new(file));
        assert_eq!(package("xtask/src/check.rs").as_deref(), Some("xtask"));
        assert_eq!(package("guest-sdk/macros/src/gone.rs").as_deref(), Some("wasmcc-sdk-macros"));
        assert_eq!(package("tests/chaincodes/vec/src/lib.rs").as_deref(), Some("vec"));
        assert_eq!(package("README.md"), None);
        assert_eq!(package("tests/fuzz/targets/message.rs"), None, "a workspace of its own");
        assert_eq!(package("tests/beside/contract/src/lib.rs"), None, "of another workspace");
        assert_eq!(package("tests/counts/counts.txt"), None, "a program");
    }
}
