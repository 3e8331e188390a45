//! Tests that the blocks of a real channel are committed with the same results.

use std::collections::BTreeSet;
use std::path::PathBuf;

use prost::Message;

use crate::Committer;
use crate::tests::support::{temporary_channels, vscc};
use wasmcc_ledger::{commit_hash, tx_filter};
use wasmcc_types::proto::common::Block;

/// Blocks 0 to 45 as stored by a Fabric 2.5.4 peer.
fn blocks() -> Vec<Block> {
    let dir = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/channel"));
    (0..46)
        .map(|number| std::fs::read(dir.join(format!("b{number:03}.block"))).unwrap())
        .map(|bytes| Block::decode(bytes.as_slice()).unwrap())
        .collect()
}

#[test]
fn golden_channel_gets_the_same_verdicts_and_commit_hashes() {
    for threads in [1, 2] {
        let channels = temporary_channels();
        let blocks = blocks();
        let (genesis, rest) = blocks.split_first().unwrap();
        let channel = channels.join(genesis).unwrap();
        let committer = Committer::new(channel, vscc(&channels)).with_threads(threads);
        let mut seen = BTreeSet::<u8>::new();
        for block in rest {
            let number = block.header.as_ref().unwrap().number;
            let bare = Block { metadata: None, ..block.clone() };
            let committed = committer.commit(bare).unwrap();
            assert_eq!(tx_filter(&committed.block), tx_filter(block), "block {number}");
            assert_eq!(commit_hash(&committed.block), commit_hash(block), "block {number}");
            seen.extend(tx_filter(block));
        }
        assert_eq!(committer.channel().ledger().height(), 46);
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 10, 11, 12]);
    }
}
