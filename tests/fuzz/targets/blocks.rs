//! Blocks of hostile envelopes over the state that they create: every transaction gets a verdict,
//! and the channel never stops.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wasmcc_committer::hostile::Hostile;
use wasmcc_fuzz::vscc;

/// The most blocks of one channel.
const BLOCKS: usize = 8;

// Making keys takes longest, and no verdict depends on their values.
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
