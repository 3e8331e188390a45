//! Builds the contracts of `tests/guests`, one for each toolchain, as components.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::guest_tools::{self, GuestTools, run};
use crate::{npm, root};

const WORLD: &str = "chaincode";
/// The adapter from WASI 0.1, which makes a component of a module.
const ADAPTER: &str = "host/cli/src/build/wasip1";
/// Folders that tools create beside sources.
const MADE: [&str; 3] = ["node_modules", "__pycache__", "dist"];

/// A toolchain for components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// C, by clang and wasi-libc.
    C,
    /// Go, by its own compiler.
    Go,
    /// Python, by componentize-py.
    Python,
    /// JavaScript, by componentize-qjs.
    QuickJs,
    /// JavaScript, by componentize-js.
    StarlingMonkey,
}

impl Language {
    /// All toolchains, from the smallest component to the largest.
    pub const ALL: [Self; 5] =
        [Self::C, Self::QuickJs, Self::Go, Self::StarlingMonkey, Self::Python];

    /// Returns the name of its folder and its component.
    pub fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Go => "go",
            Self::Python => "python",
            Self::QuickJs => "quickjs",
            Self::StarlingMonkey => "starlingmonkey",
        }
    }

    fn folder(self) -> PathBuf {
        root().join("tests/guests").join(self.name())
    }

    /// Returns the folders and files that the component depends on.
    fn inputs(self) -> Vec<PathBuf> {
        let shared = match self {
            Self::C | Self::Go => ADAPTER,
            // Both build the same contract.
            Self::StarlingMonkey => "tests/guests/quickjs",
            Self::Python | Self::QuickJs => "tests/guests/requirements.txt",
        };
        let mut inputs: Vec<PathBuf> =
            ["wit", "tests/guests/requirements.txt", shared].map(|path| root().join(path)).into();
        inputs.push(self.folder());
        inputs
    }

    /// Builds the component if it is out of date, and returns its path.
    ///
    /// # Errors
    /// A tool is missing (the error has instructions), or the contract does not compile.
    pub fn build(self) -> Result<PathBuf> {
        // Tests call this in parallel.
        static ONE_BY_ONE: Mutex<()> = Mutex::new(());
        let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = guest_tools::folder()?;
        fs::create_dir_all(&folder)?;
        let component = folder.join(self.name()).with_extension("wasm");
        let inputs = self.inputs().iter().map(|path| newest(path)).collect::<Result<Vec<_>>>()?;
        let built = fs::metadata(&component).and_then(|found| found.modified()).ok();
        if built < inputs.into_iter().max() {
            let unfinished = component.with_extension("new");
            self.make(&unfinished)
                .with_context(|| format!("the chaincode in {} does not build", self.name()))?;
            fs::rename(unfinished, &component)?;
        }
        Ok(component)
    }

    /// Builds the component into a file, even if it exists.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn make(self, component: &Path) -> Result<()> {
        match self {
            Self::C => c(&self.folder(), component),
            Self::Go => go(&self.folder(), component),
            Self::Python => python(&self.folder(), component),
            Self::QuickJs => quickjs(&self.folder(), component),
            Self::StarlingMonkey => starlingmonkey(&self.folder(), component),
        }
    }
}

fn c(folder: &Path, component: &Path) -> Result<()> {
    let tools = GuestTools::ensure()?;
    let module = component.with_extension("core.wasm");
    let mut clang = tools.clang()?;
    clang
        .args(["--target=wasm32-wasi", "-mexec-model=reactor", "-std=gnu17", "-Os", "-s"])
        .args(["-Wall", "-Wextra", "-Werror", "-Wl,-z,stack-size=131072", "-o"])
        .args([&module, &folder.join("contract.c")]);
    run(&mut clang)?;
    from_module(&tools, &module, component)
}

fn go(folder: &Path, component: &Path) -> Result<()> {
    let tools = GuestTools::ensure()?;
    let module = component.with_extension("core.wasm");
    let mut go = tools.go()?;
    go.current_dir(folder)
        .args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o"])
        .args([module.as_path(), Path::new(".")]);
    run(&mut go)?;
    from_module(&tools, &module, component)
}

/// Makes a component of a core module for WASI 0.1.
fn from_module(tools: &GuestTools, module: &Path, component: &Path) -> Result<()> {
    let (typed, adapter) =
        (component.with_extension("typed.wasm"), component.with_extension("adapter.wasm"));
    let source = root().join(ADAPTER);
    let embed = |world: &str, wit: &Path, module: &Path, to: &Path| {
        let mut embed = tools.command("wasm-tools");
        embed.args(["component", "embed", "--world", world]).args([wit, module]);
        run(embed.arg("--output").arg(to))
    };
    embed(WORLD, &root().join("wit"), module, &typed)?;
    embed("adapter", &source.join("adapter.wit"), &source.join("adapter.wat"), &adapter)?;
    let mut new = tools.command("wasm-tools");
    new.args(["component", "new"]).arg(&typed).arg("--adapt");
    new.arg(format!("wasi_snapshot_preview1={}", adapter.display()));
    run(new.arg("--output").arg(component))
}

fn python(folder: &Path, component: &Path) -> Result<()> {
    let mut componentize = GuestTools::ensure()?.command("componentize-py");
    componentize.arg("--wit-path").arg(root().join("wit")).args(["--world", WORLD, "componentize"]);
    run(componentize
        .arg("--python-path")
        .arg(folder)
        .arg("contract")
        .arg("--output")
        .arg(component))
}

fn quickjs(folder: &Path, component: &Path) -> Result<()> {
    npm::ensure(folder)?;
    let mut componentize = Command::new(folder.join("node_modules/.bin/componentize-qjs"));
    // Paths in a stack trace are relative to the current folder.
    componentize.current_dir(folder);
    componentize.arg("--wit").arg(root().join("wit")).args(["--world", WORLD]);
    componentize.arg("--js").arg(folder.join("contract.js")).args(["--sync", "--opt-size"]);
    run(componentize.arg("--output").arg(component))
}

fn starlingmonkey(folder: &Path, component: &Path) -> Result<()> {
    npm::ensure(folder)?;
    let source = folder.with_file_name("quickjs").join("contract.js");
    let mut node = Command::new("node");
    node.arg(folder.join("build.js")).args([&source, &root().join("wit"), component]);
    run(&mut node)
}

/// Returns the time of the last change at a path. Installed and compiled files do not count.
pub(crate) fn newest(path: &Path) -> Result<SystemTime> {
    let found = fs::metadata(path).with_context(|| path.display().to_string())?;
    if !found.is_dir() {
        return Ok(found.modified()?);
    }
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_made = MADE.iter().any(|made| name == *made);
        if !is_made && !name.to_string_lossy().ends_with(".tsbuildinfo") {
            newest = newest.max(self::newest(&entry.path())?);
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_of_a_language_has_a_toolchain() {
        let folders = fs::read_dir(root().join("tests/guests")).unwrap().filter_map(|entry| {
            let entry = entry.unwrap();
            entry.file_type().unwrap().is_dir().then(|| entry.file_name().into_string().unwrap())
        });
        let mut folders: Vec<String> = folders.collect();
        folders.sort();
        let mut names = Language::ALL.map(Language::name);
        names.sort();
        assert_eq!(folders, names);
    }

    #[test]
    fn what_npm_installs_makes_no_contract_newer() {
        let folder = Language::QuickJs.folder();
        let newest_source = ["contract.js", "package.json", "package-lock.json"]
            .map(|file| newest(&folder.join(file)).unwrap());
        assert_eq!(newest(&folder).unwrap(), newest_source.into_iter().max().unwrap());
    }
}
