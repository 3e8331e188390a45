//! Tests blocks of arbitrary envelopes over an arbitrary state. `cargo xtask blocks` runs many
//! more.

use std::collections::BTreeMap;
use std::env;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::hostile::{Hostile, World};
use crate::tests::support::vscc;
use wasmcc_types::proto::protos::TxValidationCode;

/// The number of blocks and the seed; set by `cargo xtask blocks`.
const COUNT: &str = "WASMCC_TEST_BLOCKS";
const SEED: &str = "WASMCC_TEST_BLOCKS_SEED";

const FEW: u64 = 2_000;
/// Number of blocks of one channel: enough for its state to become arbitrary.
const OF_A_CHANNEL: u64 = 250;
/// Limit on the bytes from which a block is made.
const MAX_BYTES: usize = 1_200;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn no_block_stops_a_channel() {
    let (count, seed) = (number(COUNT, FEW), number(SEED, 1));
    let hostile = Hostile::new();
    let mut codes = BTreeMap::<TxValidationCode, u64>::new();
    for channel in 0..count.div_ceil(OF_A_CHANNEL) {
        // A failure can be reproduced alone with this seed.
        let seed = seed.wrapping_add(channel);
        let mut random = StdRng::seed_from_u64(seed);
        let mut world: World<'_> = hostile.world(random.random(), &vscc);
        for block in 0..OF_A_CHANNEL.min(count - channel * OF_A_CHANNEL) {
            let mut bytes = vec![0; random.random_range(0..MAX_BYTES)];
            random.fill(&mut bytes[..]);
            let committed =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.block(&bytes)));
            let Ok(committed) = committed else { panic!("seed {seed}, block {block}") };
            for code in &committed.codes() {
                *codes.entry(*code).or_default() += 1;
            }
        }
        world.check_start();
    }
    println!("{count} blocks from seed {seed}: {codes:?}");
    // Blocks in which everything is refused for the same reason would prove nothing.
    let valid = codes.get(&TxValidationCode::Valid).copied().unwrap_or_default();
    assert!(valid * 5 > count && codes.len() > 12, "{codes:?}");
}
