//! Builds chaincodes in Python as components, with `guest-sdk/python`, and installs the packages
//! for its tests.
//!
//! Invariant: installs only the packages in `guest-sdk/python/requirements-dev.txt`, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::guest_tools::{self, GuestTools, run};
use crate::languages::newest;
use crate::root;

/// The folder of the Python package.
pub const SDK: &str = "guest-sdk/python";
/// The chaincode of the tests.
pub const TEST_CHAINCODE: &str = "tests/python-chaincode";
const REQUIREMENTS: &str = "requirements-dev.txt";

/// A Python with pytest and the SDK, as an author of contracts would have.
#[derive(Clone, Debug)]
pub struct PythonTools {
    folder: PathBuf,
}

impl PythonTools {
    /// Installs everything that is missing, and the SDK if its sources have changed.
    ///
    /// # Errors
    /// Python is missing, or a package cannot be installed.
    pub fn ensure() -> Result<Self> {
        // Tests call this in parallel.
        static ONE_BY_ONE: Mutex<()> = Mutex::new(());
        let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let tools = Self { folder: guest_tools::folder()?.join("python") };
        let sdk = root().join(SDK);
        let wanted = fs::read_to_string(sdk.join(REQUIREMENTS)).context(REQUIREMENTS)?;
        // Written last: an interrupted installation is repeated.
        let installed = tools.folder.join(REQUIREMENTS);
        if !fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
            if tools.folder.exists() {
                fs::remove_dir_all(&tools.folder)?;
            }
            let mut python = Command::new("python3");
            run(python.args(["-m", "venv"]).arg(&tools.folder)).context(
                "the tests with chaincodes in Python need Python 3.9 or newer with pip and venv",
            )?;
            tools.pip(&["--only-binary=:all:", "--require-hashes", "--requirement"], &sdk)?;
            fs::write(&installed, wanted)?;
        }
        let package = tools.folder.join("package-installed");
        let is_current = fs::metadata(&package)
            .and_then(|found| found.modified())
            .is_ok_and(|at| newest(&sdk).is_ok_and(|changed| at >= changed));
        if !is_current {
            tools.pip(&["--no-index", "--no-build-isolation", "--force-reinstall"], &sdk)?;
            fs::write(package, "")?;
        }
        Ok(tools)
    }

    /// Installs the SDK, or with `--requirement` as the last argument its requirements.
    fn pip(&self, args: &[&str], sdk: &Path) -> Result<()> {
        let what = match args.contains(&"--requirement") {
            true => sdk.join(REQUIREMENTS),
            false => sdk.to_owned(),
        };
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        run(pip.args(args).arg(what)).context("packages for tests in Python cannot be installed")
    }

    /// Returns the interpreter, with componentize-py in PATH.
    pub fn python(&self) -> Command {
        let mut python = Command::new(self.folder.join("bin/python"));
        python.envs(self.environment()).env("PYTHONDONTWRITEBYTECODE", "1");
        python
    }

    /// Returns variables with which `wasmcc` finds this Python, and this Python finds
    /// componentize-py.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let tools = self.folder.with_file_name("tools").join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", tools.display());
        vec![("VIRTUAL_ENV", self.folder.display().to_string()), ("PATH", path)]
    }
}

/// Builds the contract in `folder` as a component if it is out of date.
///
/// # Errors
/// A tool is missing, or the contract does not build.
pub fn build(folder: &Path) -> Result<PathBuf> {
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    GuestTools::ensure()?;
    let tools = PythonTools::ensure()?;
    let name = folder.file_name().unwrap_or_default();
    let cache = guest_tools::folder()?.join("python-components").join(name);
    let component = cache.join("contract.wasm");
    let mut python = tools.python();
    python.args(["-m", "wasmcc", "build"]).arg(folder);
    python.arg("--cache").arg(&cache);
    run(&mut python).with_context(|| format!("{} does not build", folder.display()))?;
    Ok(component)
}

/// Builds the tests' chaincode as a component.
///
/// # Errors
/// As [`build`], or the component cannot be read.
pub fn test_chaincode() -> Result<Vec<u8>> {
    let component = build(&root().join(TEST_CHAINCODE))?;
    fs::read(&component).with_context(|| component.display().to_string())
}
