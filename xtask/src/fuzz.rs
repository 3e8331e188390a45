//! `cargo xtask fuzz [SECONDS]`: runs every fuzz target for some time.
//!
//! Needs a nightly toolchain, since fuzzing instruments the code. Does nothing without one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{cargo, root};

/// How long each target runs by default.
pub const SECONDS: u32 = 20;

/// The programs in `tests/fuzz/targets`.
const TARGETS: [&str; 4] = ["blocks", "message", "peer_side", "shim_side"];

/// Runs every target for `seconds`. Inputs that reached new code are kept in the target folder for
/// the next run. Returns false if there is no nightly toolchain.
///
/// # Errors
/// A target does not build, or has found something; the text names the input.
pub fn run(seconds: u32) -> Result<bool> {
    if !has_nightly() {
        return Ok(false);
    }
    let target = cargo::target_dir()?;
    let tools = target.join("tools");
    let program = tools.join("bin/cargo-fuzz");
    if !program.exists() {
        let mut install = nightly("cargo");
        install.args(["install", "cargo-fuzz", "--locked", "--quiet", "--root"]).arg(&tools);
        check(&mut install, "cargo-fuzz cannot be installed")?;
    }
    let command = |verb: &str, name: &str| {
        let mut fuzz = nightly(&program);
        // Otherwise the targets' own workspace would use another target folder.
        fuzz.env("CARGO_TARGET_DIR", target.join("fuzz"));
        fuzz.args(["fuzz", verb, "--fuzz-dir", "tests/fuzz", name]);
        fuzz
    };
    for name in TARGETS {
        check(&mut command("build", name), &format!("fuzz target {name} does not build"))?;
        let corpus = target.join("fuzz-corpus").join(name);
        fs::create_dir_all(&corpus)?;
        let mut fuzz = command("run", name);
        fuzz.arg(corpus).args([
            "--",
            &format!("-max_total_time={seconds}"),
            "-print_final_stats=0",
            "-verbosity=0",
        ]);
        check(&mut fuzz, &format!("fuzz target {name} has found something"))?;
    }
    Ok(true)
}

fn has_nightly() -> bool {
    let mut rustc = nightly("rustc");
    let rustc = rustc.arg("--version").stdout(Stdio::piped()).stderr(Stdio::null()).output();
    rustc.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("nightly"))
}

/// Returns a command of the nightly toolchain, which rustup selects.
fn nightly(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(root()).env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO");
    command
}

fn check(command: &mut Command, failed: &str) -> Result<()> {
    let status = command.status().with_context(|| failed.to_owned())?;
    ensure!(status.success(), "{failed}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_run() {
        let folder = root().join("tests/fuzz/targets");
        let mut found: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, TARGETS.map(|name| format!("{name}.rs")));
    }
}
