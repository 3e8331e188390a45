//! Random programs that a live Fabric peer has run: here they have the same answers, and the same
//! blocks have the same verdicts.

use std::collections::BTreeMap;

use prost::Message;
use wasmcc_ledger::{TxRwSet, commit_hash, tx_filter};
use wasmcc_tests::golden;
use wasmcc_tests::recording::{Answer, Commit, Event, Recording};
use wasmcc_tests::replica::Replica;
use wasmcc_types::proto::common::Block;

const FILE: &str = "programs/fabric-3.1.5.gz";
const CHAINCODES: [(&str, &str); 2] = [("probe", "probe"), ("other", "probe")];

/// Describes the differences.
fn difference(live: &Answer, own: &Answer) -> Option<String> {
    let sets = [live, own].map(|answer| {
        let action = wasmcc_client::chaincode_action(&answer.payload).unwrap_or_default();
        TxRwSet::decode(&action.results).ok()
    });
    let what = if live.refused != own.refused {
        format!("{:?} and {:?}", live.refused, own.refused)
    } else if live.response != own.response {
        format!("{:?} and {:?}", live.response, own.response)
    } else if sets[0] != sets[1] {
        format!("{:?} and {:?}", sets[0], sets[1])
    } else if live != own {
        "the same parts in other bytes".into()
    } else {
        return None;
    };
    Some(what)
}

fn commit(replica: &Replica, block: Block, expected: &Commit) {
    let number = block.header.as_ref().unwrap().number;
    let committed = &replica.commit(block).unwrap().block;
    assert_eq!(tx_filter(committed), expected.codes, "block {number}");
    assert_eq!(commit_hash(committed).as_ref(), Some(&expected.commit_hash), "block {number}");
}

#[test]
fn programs_that_a_live_peer_has_run_give_the_same_bytes_here() {
    let recording = Recording::read(&golden(FILE)).unwrap();
    let blocks = recording.setup.iter().map(|bytes| Block::decode(bytes.as_slice()).unwrap());
    let blocks: Vec<_> = blocks.collect();
    let replica = Replica::join(&blocks[0], &recording.endorser, &CHAINCODES).unwrap();
    for block in &blocks[1..] {
        let committed = replica.commit(block.clone()).unwrap();
        assert_eq!(tx_filter(&committed.block), tx_filter(block));
    }
    let calls = recording.calls();
    let (mut asked, mut codes) = (0, BTreeMap::<u8, usize>::new());
    for step in &recording.steps {
        match step.event.as_ref().unwrap() {
            Event::Call(call) => {
                let own = replica.answer(call.signed());
                let difference = difference(call.answer.as_ref().unwrap(), &own);
                assert_eq!(difference, None, "call {asked}");
                asked += 1;
            }
            Event::Commit(expected) => {
                let block = recording.block(&calls, expected).unwrap();
                expected.codes.iter().for_each(|code| *codes.entry(*code).or_default() += 1);
                commit(&replica, block, expected);
            }
        }
    }
    assert!(codes.values().sum::<usize>() >= 2_000, "{codes:?}");
    // VALID, a duplicate transaction id, an endorsement policy, a version, a phantom.
    assert_eq!(codes.into_keys().collect::<Vec<_>>(), [0, 9, 10, 11, 12]);
}
