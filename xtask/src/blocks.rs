//! `cargo xtask blocks [COUNT [SEED]]`: commits many random blocks of hostile envelopes.
//!
//! Does not make the blocks or check the results: the test does.

use anyhow::{Result, ensure};

use crate::cargo;

/// The default number of blocks.
pub const COUNT: u64 = 100_000;
/// The default seed of the first channel.
pub const SEED: u64 = 1;

const TEST: &str = "tests::hostile::no_block_stops_a_channel";

/// Runs the test with `count` blocks from `seed`.
///
/// # Errors
/// The test does not build, or a block violated an invariant; its seed is printed.
pub fn run(count: u64, seed: u64) -> Result<()> {
    let mut test = cargo::command();
    test.args([
        "test",
        "--package=wasmcc-committer",
        "--lib",
        "--",
        "--exact",
        "--nocapture",
        TEST,
    ]);
    test.env("WASMCC_TEST_BLOCKS", count.to_string());
    test.env("WASMCC_TEST_BLOCKS_SEED", seed.to_string());
    ensure!(test.status()?.success(), "a block violated an invariant");
    Ok(())
}
