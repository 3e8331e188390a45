//! Installs the npm packages of chaincodes and clients on Node.
//!
//! Invariant: installs only packages of the lock file, and runs no script of a package.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::{node_components, root};

/// Installs the npm packages of the tests' Node chaincode, the samples, the Node clients and the
/// browser tests.
///
/// # Errors
/// As [`ensure`].
pub fn tests() -> Result<()> {
    ensure(&root().join("tests/node-chaincode"))?;
    ensure(&root().join(node_components::SAMPLES_FOLDER))?;
    ensure(&root().join("tests/node-client"))?;
    ensure(&root().join("tests/node-sdk"))?;
    ensure(&root().join("tests/browser"))
}

/// Installs the packages of `folder`, unless `node_modules` is newer than the lock file.
///
/// # Errors
/// npm is missing or fails; its output is in the error.
pub fn ensure(folder: &Path) -> Result<()> {
    // Tests call this in parallel.
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    if is_current(folder) {
        return Ok(());
    }
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .context(
            "npm cannot be run: install Node.js 20 or newer for the tests with Node chaincode",
        )?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`npm ci` in {} failed:\n{said}", folder.display());
    }
    Ok(())
}

fn is_current(folder: &Path) -> bool {
    let time = |name: &str| -> Option<SystemTime> {
        fs::metadata(folder.join(name)).and_then(|found| found.modified()).ok()
    };
    // npm writes this list last.
    let installed = time("node_modules/.package-lock.json");
    installed.is_some_and(|installed| Some(installed) >= time("package-lock.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_modules_is_not_current() {
        assert!(!is_current(Path::new("/no/such/folder")));
    }
}
