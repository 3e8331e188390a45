//! Builds chaincodes for Fabric's Node modules as components, with `guest-sdk/js`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use anyhow::{Context, Result};

use crate::guest_tools::{self, run};
use crate::languages::newest;
use crate::{npm, root};

/// The folder of the npm package.
pub const SDK: &str = "guest-sdk/js";
/// The programs of `tests/node-chaincode`.
pub const TEST_CHAINCODES: [&str; 3] = ["probe.js", "records.js", "offers/"];
/// The folder of the samples in TypeScript, which share their npm packages.
pub const SAMPLES_FOLDER: &str = "sample-chaincodes/typescript";
/// The samples in that folder.
pub const SAMPLES: [&str; 4] = [
    "asset-transfer-basic",
    "asset-transfer-events",
    "asset-transfer-private-data",
    "token-erc-20",
];

/// Builds the package in `folder` as a component if it is out of date. `main` overrides its main
/// module.
///
/// # Errors
/// npm or Node.js is missing, or the chaincode does not build.
pub fn build(folder: &Path, main: Option<&str>) -> Result<PathBuf> {
    // Tests call this in parallel.
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let sdk = root().join(SDK);
    npm::ensure(&sdk)?;
    let to = guest_tools::folder()?;
    fs::create_dir_all(&to)?;
    let name = main.or_else(|| folder.file_name()?.to_str()).unwrap_or_default();
    let component = to.join(format!("node-{name}")).with_extension("wasm");
    let inputs = newest(folder)?.max(newest(&sdk)?);
    let built = fs::metadata(&component).and_then(|found| found.modified());
    if !built.is_ok_and(|built| built >= inputs) {
        let unfinished = component.with_extension("new");
        let mut node = Command::new("node");
        node.arg(sdk.join("bin/wasmcc-js.js")).arg("build").arg(folder);
        if let Some(main) = main {
            node.args(["--main", main]);
        }
        node.arg("--output").arg(&unfinished);
        run(&mut node).with_context(|| format!("{name} does not build as a component"))?;
        fs::rename(unfinished, &component)?;
    }
    Ok(component)
}

/// Builds a program of `tests/node-chaincode` as a component. A program with a folder of its own is
/// a package, whose package.json names the main module.
///
/// # Errors
/// As [`build`], or the component cannot be read.
pub fn test_chaincode(main: &str) -> Result<Vec<u8>> {
    let folder = root().join("tests/node-chaincode");
    let component = match main.split_once('/') {
        Some((package, _)) => build(&folder.join(package), None)?,
        None => build(&folder, Some(main))?,
    };
    fs::read(&component).map_err(|error: io::Error| error.into())
}

/// Builds a sample in TypeScript as a component.
///
/// # Errors
/// As [`build`], or the component cannot be read.
pub fn sample(name: &str) -> Result<Vec<u8>> {
    let component = build(&root().join(SAMPLES_FOLDER).join(name), None)?;
    fs::read(&component).with_context(|| component.display().to_string())
}
