//! `wasmcc build`: makes a component of a contract's folder.
//!
//! Does not decide whether a peer accepts the component: [`crate::check::judge`] does.

mod cargo;
mod clang;
mod componentize;
mod error;
mod go;
mod go_modules;
mod go_old;
mod go_overlay;
mod go_stub;
mod go_vendor;
mod go_work;
mod node;
mod output_folder;
mod package;
mod project;
mod python;
mod tools;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::check::{Unfit, judge};
use crate::limits::LimitArgs;
use crate::output;

pub(crate) use clang::OWN as C_SDK_COPY;
pub(crate) use error::BuildError;
pub(crate) use go::test_command as go_test;
pub(crate) use project::{Language, Project};
pub(crate) use python::interpreter;
pub(crate) use tools::end_builds;

const EXAMPLES: &str = "\
Examples:
  wasmcc build
  wasmcc build contracts/asset-transfer --dev
  wasmcc build --json | jq -r .path
  wasmcc build -- --locked --features audit

For a crate it runs `cargo build --lib --target wasm32-wasip2`, without RUSTFLAGS, which are meant
for programs of this machine. For a package of npm it runs `wasmcc-js build`, for a project of pip
`python -m wasmcc build`, for a Go module `go build`, for sources in C a compiler that has a C
library for WebAssembly. Then it checks the component as `wasmcc check` does. Arguments after --
go to that tool.";

/// Build the contract in a folder as a component, and check it as a peer would. Needs no peer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Build {
    /// The contract's folder [default: this folder, or the nearest one above with a project].
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Build faster, with the profile dev; the component is larger and slower.
    #[arg(long, conflicts_with = "profile")]
    dev: bool,
    /// A profile of the Cargo.toml [default: release].
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Print path, size and hash as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Further arguments of cargo, wasmcc-js, the Python package, go or the C compiler.
    #[arg(last = true, value_name = "ARGUMENTS")]
    args: Vec<OsString>,
    #[command(flatten)]
    limits: LimitArgs,
}

/// The settings of a build.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// A profile of cargo, such as `release` or `dev`.
    pub profile: String,
    /// Further arguments of the build tool.
    pub args: Vec<OsString>,
    /// The destination of the compiler's output.
    pub words: Words,
}

/// The destination of the compiler's output: progress, warnings, errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// To standard error, at once.
    Shown,
    /// Into [`BuildError::Compile`]; the output of a successful build is dropped.
    Kept,
}

impl Default for Order {
    fn default() -> Self {
        Self { profile: RELEASE.into(), args: Vec::new(), words: Words::Kept }
    }
}

impl Order {
    /// Returns a release build that shows the compiler's output.
    pub(crate) fn shown() -> Self {
        Self { words: Words::Shown, ..Self::default() }
    }

    /// As [`Order::shown`], but keeps the names of functions. A crate gets a profile of its own, so
    /// the release build stays unchanged. Other languages keep names or have none.
    pub(crate) fn with_names(folder: &Path) -> Self {
        if Language::of(folder) != Some(Language::Rust) {
            return Self::shown();
        }
        let settings = ["inherits = \"release\"", "strip = \"debuginfo\"", "debug = false"];
        let args = settings.iter().flat_map(|setting| {
            [OsString::from("--config"), format!("profile.{PROFILING}.{setting}").into()]
        });
        Self { profile: PROFILING.into(), args: args.collect(), ..Self::shown() }
    }
}

/// The profile for deployment.
pub(crate) const RELEASE: &str = "release";
/// The profile for short edit-and-run loops.
pub(crate) const DEV: &str = "dev";

/// The profile for profiling.
const PROFILING: &str = "profiling";

/// Builds the project in a folder and returns the path of its component. If nothing has changed,
/// cargo compiles nothing.
///
/// # Errors
/// See [`BuildError`]; each has a hint.
pub(crate) fn component(folder: &Path, order: &Order) -> Result<PathBuf, BuildError> {
    contract(folder, order).map(|built| built.path)
}

/// The result of a build.
#[derive(Debug)]
pub(crate) struct Built {
    /// The component.
    pub path: PathBuf,
    /// The contract's own folder, not that of a workspace around it.
    pub folder: PathBuf,
    /// The language of the contract.
    pub language: Language,
}

/// As [`component`], with the contract's folder and language.
pub(crate) fn contract(folder: &Path, order: &Order) -> Result<Built, BuildError> {
    let project = Project::at(folder)?;
    match project.language {
        Language::Rust => cargo::build(&project.folder, order),
        Language::JavaScript => node::build(&project.folder, order),
        Language::Python => python::build(&project.folder, order),
        Language::Go => go::build(&project.folder, order),
        Language::C => clang::build(&project.folder, order),
    }
}

/// Returns the given folder; without one, the nearest parent with a project, or the current folder.
pub(crate) fn folder_or_nearest(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = given {
        return Ok(folder.to_owned());
    }
    let here = std::env::current_dir().context("cannot tell which folder this is")?;
    let nearest = here.ancestors().find(|folder| Language::of_project(folder).is_some());
    Ok(nearest.unwrap_or(&here).to_owned())
}

impl Build {
    pub(crate) fn run(self) -> Result<()> {
        let folder = folder_or_nearest(self.folder.as_deref())?;
        let profile = match self.dev {
            true => DEV.to_owned(),
            false => self.profile.unwrap_or_else(|| RELEASE.into()),
        };
        let order = Order { profile, args: self.args, ..Order::shown() };
        let built = contract(&folder, &order)?;
        let path = &built.path;
        let file = shown(path);
        let component = match judge(path, &self.limits) {
            Ok((component, _)) => component,
            Err(Unfit::Unknown(why)) => return Err(why),
            Err(Unfit::Refused(why)) => {
                let hint = match built.language {
                    Language::Go if why.is_of_large_function() => go::hint(&built.folder, &order),
                    _ => String::new(),
                };
                bail!("{file} is built, but a peer would refuse it: {why}{hint}")
            }
        };
        let report = component.report();
        let sha256 = output::hex(&report.hash);
        match self.json {
            true => output::json(&json!({ "path": path, "bytes": report.bytes, "sha256": sha256 })),
            false => output::line(&format!("{file}: {} bytes, sha256 {sha256}", report.bytes)),
        }
    }
}

/// A path relative to the current folder.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    match below {
        Some(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Some(below) => below.display().to_string(),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests;
