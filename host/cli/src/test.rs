//! `wasmcc test`: builds a contract's component and runs its tests.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

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
wasmcc-js/sandbox, module wasmcc.test, wasmcc/sandbox) run on this program. What follows -- is for
that tool; what follows a second -- is for the tests of `cargo test`. RUST_LOG=info shows what the
contract logs.";

/// Cargo's exit code where it refuses its arguments. It is another one where tests fail.
const CARGO_REFUSES: i32 = 1;

/// Build a contract's component and run its tests, native and in the sandbox.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Test {
    /// The contract's folder [default: this folder, or the nearest one above with a project].
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Test the component that `wasmcc build` makes, not the one that is built quickly.
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
    /// Builds, then has cargo run the tests.
    pub(crate) fn run(self) -> Result<()> {
        let folder = build::folder_or_nearest(self.folder.as_deref())?;
        let profile = if self.release { build::RELEASE } else { build::DEV };
        let order = Order { profile: profile.into(), ..Order::shown() };
        let built = build::contract(&folder, &order)?;
        let program = std::env::current_exe().context("cannot tell which program this is")?;
        let (mut tests, tool) = runner(&built)?;
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

/// What runs the tests of a contract, and its name.
fn runner(built: &Built) -> Result<(Command, &'static str)> {
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
            (cargo, "cargo")
        }
    })
}
