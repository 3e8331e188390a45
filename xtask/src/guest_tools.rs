//! Installs the compilers for `tests/guests`, which are Python packages, into a virtual environment
//! in the target folder.
//!
//! Invariant: installs only the packages in `tests/guests/requirements.txt`, byte for byte; builds
//! nothing from source.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use crate::{cargo, root};

const REQUIREMENTS: &str = "tests/guests/requirements.txt";

/// An environment with all the tools.
#[derive(Clone, Debug)]
pub struct GuestTools {
    folder: PathBuf,
}

impl GuestTools {
    /// Installs the tools in the required versions, if they are missing. Callers wait for each
    /// other.
    ///
    /// # Errors
    /// Python is missing, or a package cannot be installed; the text has instructions.
    pub fn ensure() -> Result<Self> {
        // Tests call this in parallel.
        static ONE_BY_ONE: Mutex<()> = Mutex::new(());
        let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let tools = Self { folder: folder()?.join("tools") };
        let wanted = fs::read_to_string(root().join(REQUIREMENTS)).context(REQUIREMENTS)?;
        // Written last: an interrupted installation is repeated.
        let installed = tools.folder.join("requirements.txt");
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(tools);
        }
        if tools.folder.exists() {
            fs::remove_dir_all(&tools.folder)?;
        }
        tools.install()?;
        fs::write(&installed, wanted)?;
        Ok(tools)
    }

    fn install(&self) -> Result<()> {
        let mut python = Command::new("python3");
        python.args(["-m", "venv"]).arg(&self.folder);
        run(&mut python).context(
            "the tests with chaincodes in C, Go and Python need Python 3.9 or newer with pip and \
             venv (Debian: python3-venv)",
        )?;
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement"])
            .arg(root().join(REQUIREMENTS));
        run(&mut pip).with_context(|| {
            format!(
                "the compilers of the tests with chaincodes in C, Go and Python cannot be \
                 installed: pip needs the packages that {REQUIREMENTS} names"
            )
        })
    }

    /// Returns variables with which programs find the tools and keep their files in the target
    /// folder, as for a user who has installed the tools.
    ///
    /// # Errors
    /// The target folder cannot be determined.
    pub fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let mut path = self.folder.join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let go = folder()?.join("go");
        let zig = folder()?.join("zig-cache");
        Ok(vec![
            ("PATH", path),
            ("GOTOOLCHAIN", "local".into()),
            ("GOPROXY", "off".into()),
            ("GOENV", "off".into()),
            ("GOTELEMETRY", "off".into()),
            ("GOPATH", go.join("path").into()),
            ("GOCACHE", go.join("cache").into()),
            ("ZIG_GLOBAL_CACHE_DIR", zig.clone().into()),
            ("ZIG_LOCAL_CACHE_DIR", zig.into()),
        ])
    }

    fn python(&self) -> Command {
        Command::new(self.folder.join("bin/python"))
    }

    /// Returns a program of one of the packages.
    pub fn command(&self, name: &str) -> Command {
        Command::new(self.folder.join("bin").join(name))
    }

    /// Returns the C compiler, with a libc for wasm.
    ///
    /// # Errors
    /// The target folder cannot be determined.
    pub fn clang(&self) -> Result<Command> {
        let mut clang = self.python();
        let cache = folder()?.join("zig-cache");
        clang.args(["-m", "ziglang", "cc"]);
        clang.env("ZIG_GLOBAL_CACHE_DIR", &cache).env("ZIG_LOCAL_CACHE_DIR", &cache);
        Ok(clang)
    }

    /// Returns the Go compiler for wasm. The caller's Go settings do not affect it.
    ///
    /// # Errors
    /// The target folder cannot be determined.
    pub fn go(&self) -> Result<Command> {
        let mut go = self.command("go");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GO") {
                go.env_remove(name);
            }
        }
        let folder = folder()?.join("go");
        go.envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOENV", "off"), ("GOWORK", "off")])
            .envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOFLAGS", "-mod=mod")])
            .env("GOPATH", folder.join("path"))
            .env("GOCACHE", folder.join("cache"))
            // Go writes telemetry and settings there.
            .env("HOME", &folder)
            .env("XDG_CONFIG_HOME", &folder);
        Ok(go)
    }
}

/// Returns the folder for guests in languages other than Rust, in the target folder.
pub fn folder() -> Result<PathBuf> {
    Ok(cargo::target_dir()?.join("guests"))
}

/// Runs a tool and expects success.
///
/// # Errors
/// It cannot be run, or it fails; the error has its output.
pub fn run(command: &mut Command) -> Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{name} cannot be run"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&said));
    }
    Ok(())
}
