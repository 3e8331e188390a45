//! Blocks of hostile envelopes over the state that they make: every transaction gets a verdict,
//! nothing stops the channel.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wasmcc_committer::hostile::Hostile;
use wasmcc_fuzz::vscc;

/// Blocks of one channel at most.
const BLOCKS: usize = 8;

// Keys take longest to make, and no verdict depends on which they are.
static HOSTILE: LazyLock<Hostile> = LazyLock::new(Hostile::new);

fuzz_target!(|bytes: &[u8]| {
    let Some((&age, bytes)) = bytes.split_first() else { return };
    let mut world = HOSTILE.world(age, &vscc);
    let length = bytes.len().div_ceil(BLOCKS).max(1);
    for block in bytes.chunks(length) {
        world.block(block);
    }
    world.check_start();
});
