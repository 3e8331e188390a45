//! `wasmcc test`: builds a contract's component and runs its tests.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use toml::de::{DeTable, DeValue};

use crate::build::{self, Built, Language, Order};

const EXAMPLES: &str = "\
Examples:
  wasmcc test
  wasmcc test contracts/assets --release
  wasmcc test --twice
  wasmcc test -- --test sandbox transfer
  RUST_LOG=info wasmcc test -- -- --nocapture

It runs `cargo test`, `npm test` for a package of npm, `python -m pytest` for a project of pip, `go
test ./...` for a Go module or `make test` for sources in C. Their sandbox tests (crate wasmcc-test,
wasmcc-js/sandbox, module wasmcc.test, wasmcc/sandbox) run on this program. Arguments after -- go to
that tool; with `cargo test`, arguments after a second -- go to the tests. RUST_LOG=info shows the
log lines of the contract.";

/// Cargo's exit code for wrong arguments; failing tests have another one.
const CARGO_REFUSES: i32 = 1;

/// Build a contract's component and run its tests, native and in the sandbox.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Test {
    /// The contract's folder [default: this folder, or the nearest one above with a project].
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Test the release component of `wasmcc build`, not a quick build.
    #[arg(long)]
    release: bool,
    /// Run each call of the sandbox tests several times, with other random numbers, clocks and
    /// memory, and fail at the first difference.
    #[arg(long)]
    twice: bool,
    /// Further arguments of `cargo test`, `npm test`, pytest, `go test` or `make test`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    args: Vec<OsString>,
}

impl Test {
    /// Builds the component, then runs the language's test tool.
    pub(crate) fn run(self) -> Result<()> {
        let folder = build::folder_or_nearest(self.folder.as_deref())?;
        let profile = if self.release { build::RELEASE } else { build::DEV };
        let order = Order { profile: profile.into(), ..Order::shown() };
        let built = build::contract(&folder, &order)?;
        let program = std::env::current_exe().context("cannot find this program's file")?;
        let (mut tests, tool) = runner(&built, &self.args)?;
        tests.env_remove("WASMCC_TWICE").envs(self.twice.then_some(("WASMCC_TWICE", "true")));
        let status = tests
            .args(&self.args)
            .current_dir(&built.folder)
            .env("WASMCC", program)
            .env("WASMCC_COMPONENT", &built.path)
            .env("WASMCC_CONTRACT", &built.folder)
            .env("WASMCC_PROFILE", profile)
            .status()
            .with_context(|| format!("{tool} cannot be run"))?;
        if !status.success() {
            let folder = build::shown(&built.folder);
            let is_refused = built.language == Language::Rust
                && status.code() == Some(CARGO_REFUSES)
                && self.args.iter().all(|arg| arg != "--");
            if is_refused && !self.args.is_empty() {
                bail!(
                    "the tests of {folder} fail\n  hint: arguments of the tests themselves follow \
                     a second --: wasmcc test -- -- --nocapture"
                );
            }
            bail!("the tests of {folder} fail");
        }
        Ok(())
    }
}

/// Returns the command that runs the tests, and its name. `args` are the user's.
fn runner(built: &Built, args: &[OsString]) -> Result<(Command, &'static str)> {
    Ok(match built.language {
        Language::JavaScript => {
            let mut npm = Command::new("npm");
            npm.args(["test", "--"]);
            (npm, "npm")
        }
        Language::Python => {
            let mut python = Command::new(build::interpreter(&built.folder));
            python.args(["-m", "pytest"]);
            (python, "python")
        }
        Language::Go => (build::go_test(), "go"),
        Language::C if built.folder.join("Makefile").is_file() => {
            let mut make = Command::new("make");
            make.arg("test");
            (make, "make")
        }
        Language::C => bail!(
            "{} has no tests that can be run: `wasmcc test` of a contract in C runs `make test`, \
             and there is no Makefile\n  hint: WASMCC_COMPONENT names the component for its tests",
            build::shown(&built.folder)
        ),
        Language::Rust => {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut cargo = Command::new(cargo);
            cargo.arg("test");
            // A project's settings may name the target of its component. Tests must run natively.
            if !names_target(args)
                && build_targets(&built.folder).iter().any(|target| is_wasm(target))
                && let Some(native) = variable().filter(|target| !is_wasm(target)).or_else(machine)
            {
                // The argument replaces a list of targets. Cargo would add the variable
                // CARGO_BUILD_TARGET to it.
                cargo.args(["--target", &native]);
            }
            (cargo, "cargo")
        }
    })
}

fn is_wasm(target: &str) -> bool {
    target.starts_with("wasm")
}

/// Returns true if arguments of `cargo test` name a target.
fn names_target(args: &[OsString]) -> bool {
    let mut of_cargo = args.iter().map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--");
    of_cargo.any(|arg| arg == "--target" || arg.starts_with("--target="))
}

/// Returns the target that the user's variable names.
fn variable() -> Option<String> {
    std::env::var("CARGO_BUILD_TARGET").ok().filter(|target| !target.is_empty())
}

/// Returns the default targets of cargo in a folder, from all settings that it reads.
fn build_targets(folder: &Path) -> Vec<String> {
    let files = folder
        .ancestors()
        .flat_map(|at| [".cargo/config.toml", ".cargo/config"].map(|file| at.join(file)));
    let texts = files.filter_map(|file| fs::read_to_string(file).ok());
    let set = texts.flat_map(|text| targets_of(&text).unwrap_or_default());
    variable().into_iter().chain(set).collect()
}

/// Returns the targets in a file of settings: one or a list.
fn targets_of(text: &str) -> Option<Vec<String>> {
    let settings = DeTable::parse(text).ok()?;
    let build = settings.get_ref().get("build")?.get_ref().as_table()?;
    let target = build.get("target")?.get_ref();
    let targets = match target {
        DeValue::Array(targets) => targets.iter().filter_map(|it| it.get_ref().as_str()).collect(),
        target => Vec::from_iter(target.as_str()),
    };
    Some(targets.into_iter().map(str::to_owned).collect())
}

/// Returns the compiler's target for this machine.
fn machine() -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_among_the_users_arguments_counts() {
        let names = |args: &[&str]| names_target(&Vec::from_iter(args.iter().map(OsString::from)));
        assert!(names(&["--lib", "--target", "x"]) && names(&["--target=x"]));
        assert!(!names(&["--", "--target", "x"]) && !names(&["--target-dir", "x"]));
    }

    #[test]
    fn targets_are_found_in_all_settings_one_or_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("contracts/assets");
        for (at, text) in [
            (folder.path(), "[build]\ntarget = \"wasm32-wasip2\"\n"),
            (&inner, "[build]\njobs = 1\ntarget = [\"a\", \"b\"]\n"),
        ] {
            fs::create_dir_all(at.join(".cargo")).unwrap();
            fs::write(at.join(".cargo/config.toml"), text).unwrap();
        }
        let found = build_targets(&inner);
        assert!(["a", "b", "wasm32-wasip2"].iter().all(|it| found.iter().any(|at| at == it)));
        assert!(machine().is_some_and(|machine| !machine.starts_with("wasm")));
    }
}
