//! Runs `python -m wasmcc build`: the Python package that makes components of contracts in Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::{BuildError, Built, Language, Order, Words, tools};

/// The package in the checkout that this program was built from.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk/python/src");
/// The component's path in the contract's folder.
const COMPONENT: &str = ".wasmcc/contract.wasm";
/// Virtual environments in a contract's folder.
const ENVIRONMENTS: [&str; 2] = [".venv", "venv"];

/// Arguments: the folder of the checkout's package, then those of the package. An installed package
/// takes precedence. Two exit codes report errors that only this script can detect.
const START: &str = "
import sys
if sys.version_info < (3, 9):
    sys.exit(3)
sys.path[:] = [path for path in sys.path if path != '']
sys.path.append(sys.argv.pop(1))
try:
    from wasmcc.__main__ import main
except ModuleNotFoundError as error:
    if error.name and error.name.partition('.')[0] == 'wasmcc':
        sys.exit(4)
    raise
sys.exit(main())
";
const TOO_OLD: i32 = 3;
const NO_PACKAGE: i32 = 4;

/// Builds the contract of a folder, given as an absolute path.
pub(super) fn build(folder: &Path, order: &Order) -> Result<Built, BuildError> {
    let program = interpreter(folder);
    let path = folder.join(COMPONENT);
    let mut python = Command::new(&program);
    python.args(["-c", START, BESIDE, "build"]).arg(folder).args(&order.args);
    let output = output(python, order.words)?;
    match output.status.code() {
        Some(0) => Ok(Built { path, folder: folder.to_owned(), language: Language::Python }),
        Some(TOO_OLD) => {
            Err(BuildError::NoPython { why: format!("{} is older", program.display()) })
        }
        Some(NO_PACKAGE) => {
            let package = package();
            Err(BuildError::NoPythonBuilder { folder: folder.to_owned(), program, package })
        }
        _ => {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(BuildError::Compile { folder: folder.to_owned(), words })
        }
    }
}

/// Returns the Python of the active environment, of the contract's own one, or of the PATH.
pub(crate) fn interpreter(folder: &Path) -> PathBuf {
    let active = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let own = ENVIRONMENTS.map(|name| folder.join(name));
    let environments = active.into_iter().chain(own);
    let mut pythons = environments.map(|environment| environment.join("bin/python"));
    pythons.find(|python| python.is_file()).unwrap_or_else(|| "python3".into())
}

/// Returns the package to install: that of the checkout, or of the registry.
fn package() -> String {
    let beside = Path::new(BESIDE).parent().and_then(|path| path.canonicalize().ok());
    beside.map_or("wasmcc".into(), |path| path.display().to_string())
}

fn output(mut python: Command, words: Words) -> Result<Output, BuildError> {
    python.stdin(Stdio::null());
    tools::output(&mut python, words)
        .map_err(|error| BuildError::NoPython { why: error.to_string() })
}
