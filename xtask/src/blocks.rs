//! `cargo xtask blocks [COUNT [SEED]]`: many random blocks of hostile envelopes through the
//! committer.
//!
//! Invariant: what a block holds and what must hold is the test's to know.

use anyhow::{Result, ensure};

use crate::cargo;

/// How many blocks, unless told.
pub const COUNT: u64 = 100_000;
/// The seed of the first channel, unless told.
pub const SEED: u64 = 1;

const TEST: &str = "committer::tests::hostile::no_block_stops_a_channel";

/// Runs the test with `count` blocks from `seed`.
///
/// # Errors
/// It does not build, or a block broke a promise; its seed is printed.
pub fn run(count: u64, seed: u64) -> Result<()> {
    let mut test = cargo::command();
    test.args(["test", "--package=wasmcc", "--lib", "--", "--exact", "--nocapture", TEST]);
    test.env("WASMCC_TEST_BLOCKS", count.to_string());
    test.env("WASMCC_TEST_BLOCKS_SEED", seed.to_string());
    ensure!(test.status()?.success(), "a block broke a promise");
    Ok(())
}
