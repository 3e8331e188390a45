//! `cargo xtask test [FILTER]`: runs the tests of the workspace.
//!
//! Invariant: selects no tests itself; a filter comes from the caller and is applied by cargo.

use std::panic::resume_unwind;
use std::thread;

use anyhow::Result;

use crate::languages::Language;
use crate::rust_chaincode::{self, Profile};
use crate::{browser, cargo, guests, node_components, npm, python_components};

/// The variables with the program's path: for tests of the command line, and for the sandbox tests
/// of contracts.
const PROGRAM: [&str; 2] = ["WASMCC_PROGRAM", "WASMCC"];
/// The variable with the profile in which sandbox tests build their contracts. It is the profile of
/// the build here, so that contracts are built once.
const PROFILE: &str = "WASMCC_PROFILE";

/// Builds the chaincodes in all languages and the program, and installs npm packages and the
/// browser. Then runs every test whose name contains `filter`; without a filter, every test.
///
/// # Errors
/// Something does not build, or a test fails.
pub fn run(filter: Option<&str>) -> Result<()> {
    guests::build()?;
    // Builds without cargo keep only one core busy, so both are done at the same time.
    let (others, tests) = thread::scope(|scope| {
        let others = scope.spawn(others);
        // Together with the tests: dependencies then have the same features and are shared.
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

/// Prepares everything for tests that cargo does not build: npm packages, the browser, chaincodes
/// in other languages.
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
