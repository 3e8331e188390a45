//! Contracts in Go and C that `wasmcc build` compiles, as their authors do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test cannot go on without its contract")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use xtask::guest_tools::GuestTools;

use crate::program::{Run, program, without_settings};

/// Runs the program in a folder, with the compilers of Go and C in PATH. Compilers use all
/// processors, so one runs at a time.
pub fn with_compilers(folder: &Path, args: &[&str]) -> Run {
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let tools = GuestTools::ensure().unwrap_or_else(|error| panic!("{error:#}"));
    let mut command = Command::new(program());
    without_settings(&mut command);
    command.args(args).current_dir(folder).envs(tools.environment().unwrap()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Runs Go's own tool in a folder; returns its success and its output.
pub fn go(folder: &Path, args: &[&str]) -> (bool, String) {
    let tools = GuestTools::ensure().unwrap_or_else(|error| panic!("{error:#}"));
    let mut go = Command::new(tools.command("go").get_program());
    let output = go.args(args).current_dir(folder).envs(tools.environment().unwrap()).output();
    let output = output.unwrap();
    let words = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&words).into_owned())
}

/// Returns the component of a contract of this repository; its folder is relative to the root.
pub fn component(folder: &str) -> Vec<u8> {
    let built = with_compilers(&xtask::root().join(folder), &["build", "--json"]).ok().json();
    std::fs::read(built["path"].as_str().unwrap()).unwrap()
}
