//! The waiting times of a contract's author: from nothing to passed tests, and from an edit to the
//! results of the native tests and of the sandbox tests.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

/// The number of edits. The fastest counts, because other load of the machine only adds time.
const EDITS: usize = 3;

/// Runs a program in the contract's folder, offline, with the program that was built.
fn run(folder: &Path, program: &str, args: &[&str]) -> Output {
    let wasmcc = std::env::var_os("WASMCC_PROGRAM").unwrap_or_else(|| "wasmcc".into());
    let program = if program == "wasmcc" { wasmcc.clone() } else { program.into() };
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env("WASMCC", wasmcc).env("CARGO_NET_OFFLINE", "true");
    let output = command.env_remove("CARGO_TARGET_DIR").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Returns the milliseconds from an edit of the contract to the end of the command.
fn after_edit(folder: &Path, args: &[&str]) -> f64 {
    let source = folder.join("src/lib.rs");
    let times = (0..EDITS).map(|edit| {
        let text = fs::read_to_string(&source).unwrap();
        // A text that no test checks.
        let at = text.find("the asset {id} does not exist").unwrap();
        let edited = format!("{}no {edit}: {}", &text[..at], &text[at..]);
        fs::write(&source, edited).unwrap();
        let started = Instant::now();
        run(folder, "cargo", args);
        started.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

fn crates(folder: &Path) -> usize {
    let mut names = BTreeSet::new();
    for target in ["wasm32-wasip2", "x86_64-unknown-linux-gnu"] {
        let args = ["tree", "--no-dedupe", "--prefix", "none", "--target", target];
        let tree = String::from_utf8(run(folder, "cargo", &args).stdout).unwrap();
        names.extend(tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned));
    }
    names.len()
}

fn main() {
    let desk = tempfile::TempDir::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let started = Instant::now();
    run(desk.path(), "wasmcc", &["new", "timed", "--sdk", root.to_str().unwrap()]);
    let folder = desk.path().join("timed");
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    run(&folder, "wasmcc", &["test"]);
    println!("contract: new_to_green_s {:.1}", started.elapsed().as_secs_f64());
    println!("contract: crates {}", crates(&folder));
    println!("contract: edit_to_unit_ms {:.0}", after_edit(&folder, &["test", "--lib"]));
    let sandbox = ["test", "--test", "sandbox"];
    println!("contract: edit_to_sandbox_ms {:.0}", after_edit(&folder, &sandbox));
    let component = support::guest("asset_transfer_basic");
    println!("contract: component_kb {:.1}", component.len() as f64 / 1e3);
}
