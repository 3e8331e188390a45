//! Runs `wasmcc-js`, the npm package that makes components of chaincodes for Fabric's Node runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::{BuildError, Built, Language, Order, Words, tools};

/// The package's folder below one in which npm has installed it.
const INSTALLED: &str = "node_modules/wasmcc-js";
/// The package in the checkout that this program was built from.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk/js");
/// The folder for components: a usual place for caches, which git and editors ignore.
const CACHE: &str = "node_modules/.cache/wasmcc";

/// Builds the contract of a folder, given as an absolute path.
pub(super) fn build(folder: &Path, order: &Order) -> Result<Built, BuildError> {
    let program = builder(folder)?;
    let cache = folder.join(CACHE);
    let cannot = |error: std::io::Error| BuildError::NoFolder {
        folder: cache.clone(),
        why: error.to_string(),
    };
    fs::create_dir_all(&cache).map_err(cannot)?;
    let path = cache.join("contract.wasm");
    let mut node = Command::new("node");
    node.arg(program).arg("build").arg(folder).arg("--output").arg(&path).args(&order.args);
    let output = output(node, order.words)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(BuildError::Compile { folder: folder.to_owned(), words });
    }
    Ok(Built { path, folder: folder.to_owned(), language: Language::JavaScript })
}

/// Returns the package's program: from the contract's folder, a folder above, or the checkout.
fn builder(folder: &Path) -> Result<PathBuf, BuildError> {
    let program = |package: PathBuf| package.join("bin/wasmcc-js.js");
    let installed = folder.ancestors().map(|folder| program(folder.join(INSTALLED)));
    let mut installed = installed.filter(|program| program.is_file());
    if let Some(installed) = installed.next() {
        return Ok(installed);
    }
    let beside = Path::new(BESIDE).canonicalize().ok();
    match beside {
        Some(beside) if beside.join("node_modules").is_dir() => Ok(program(beside)),
        beside => {
            let package = beside.map_or("wasmcc-js".into(), |path| path.display().to_string());
            Err(BuildError::NoNodeBuilder { folder: folder.to_owned(), package })
        }
    }
}

fn output(mut node: Command, words: Words) -> Result<Output, BuildError> {
    node.stdin(Stdio::null());
    tools::output(&mut node, words).map_err(|error| BuildError::NoNode { why: error.to_string() })
}
