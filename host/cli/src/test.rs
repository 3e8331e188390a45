//! `wasmcc test`: builds a contract's component and runs its tests.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::{self, Order};

const EXAMPLES: &str = "\
Examples:
  wasmcc test
  wasmcc test contracts/assets --release
  wasmcc test --twice
  wasmcc test -- --test sandbox transfer

It runs `cargo test`, whose sandbox tests (crate wasmcc-test) run on this program. What follows --
is for cargo. RUST_LOG=info shows what the contract logs.";

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
    /// Further arguments of `cargo test`.
    #[arg(last = true, value_name = "CARGO ARGUMENTS")]
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
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut tests = Command::new(cargo);
        tests.env_remove("WASMCC_TWICE").envs(self.twice.then_some(("WASMCC_TWICE", "1")));
        let status = tests
            .arg("test")
            .args(&self.args)
            .current_dir(&built.folder)
            .env("WASMCC", program)
            .env("WASMCC_COMPONENT", &built.path)
            .env("WASMCC_CONTRACT", &built.folder)
            .env("WASMCC_PROFILE", profile)
            .status()
            .context("cargo cannot be run")?;
        if !status.success() {
            bail!("the tests of {} fail", build::shown(&built.folder));
        }
        Ok(())
    }
}
