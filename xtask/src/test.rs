//! `cargo xtask test [FILTER]`: the tests of the workspace.
//!
//! Invariant: no test is chosen or left out here; a filter is the caller's, and is cargo's own.

use std::panic::resume_unwind;
use std::thread;

use anyhow::Result;

use crate::languages::Language;
use crate::rust_chaincode::{self, Profile};
use crate::{browser, cargo, guests, node_components, npm, python_components};

/// The variables that name the program: for tests of the command line, and for the sandbox tests
/// of contracts.
const PROGRAM: [&str; 2] = ["WASMCC_PROGRAM", "WASMCC"];
/// The variable that names the profile with which sandbox tests build their contracts: the one with
/// which they are built here, so that they are built once.
const PROFILE: &str = "WASMCC_PROFILE";

/// Builds chaincodes, in all languages, and the program, installs what Node chaincodes and the
/// browser need, then runs every test whose name contains `filter`; without a filter, every test.
///
/// # Errors
/// Something does not build, or a test fails.
pub fn run(filter: Option<&str>) -> Result<()> {
    guests::build()?;
    // Most of what cargo does not build keeps one core busy, so both are built at the same time.
    let (others, tests) = thread::scope(|scope| {
        let others = scope.spawn(others);
        // With the tests, so that both have the same features of dependencies and share them.
        let tests = cargo::run(&["build", "--quiet", "--workspace", "--tests", "--bin=wasmcc"]);
        (others.join(), tests)
    });
    others.unwrap_or_else(|panic| resume_unwind(panic))?;
    tests?;
    rust_chaincode::build(Profile::Debug)?;
    let program = cargo::target_dir()?.join("debug/wasmcc");
    let mut tests = cargo::command();
    tests.args(["test", "--workspace"]).args(filter);
    tests.envs(PROGRAM.map(|name| (name, &program))).env(PROFILE, guests::PROFILE);
    anyhow::ensure!(tests.status()?.success(), "tests failed");
    Ok(())
}

/// What tests need and cargo does not build: packages of Node, the browser, chaincodes in other
/// languages.
fn others() -> Result<()> {
    npm::tests()?;
    browser::ensure()?;
    for language in Language::ALL {
        language.build()?;
    }
    for main in node_components::TEST_CHAINCODES {
        node_components::test_chaincode(main)?;
    }
    for sample in node_components::SAMPLES {
        node_components::sample(sample)?;
    }
    python_components::test_chaincode()?;
    Ok(())
}
