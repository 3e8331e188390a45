//! Tests the order in which snapshots are made, and their sources. The ledger tests the files of a
//! snapshot.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;

use crate::snapshots::{STORED, Snapshots, work};
use wasmcc_committer::StateRules;
use wasmcc_ledger::{Ledger, LedgerConfig, Ledgers};
use wasmcc_types::proto::common::Block;

const CHANNEL: &str = "mychannel";

/// Makes a channel with `blocks` blocks of a Fabric peer.
fn channel(blocks: u64) -> (Arc<Ledgers>, Arc<Ledger>) {
    let ledgers = Arc::new(Ledgers::temporary(LedgerConfig::default()).unwrap());
    let ledger = ledgers.create(&golden(0)).unwrap();
    (1..blocks).for_each(|number| add(&ledger, number));
    (ledgers, ledger)
}

fn add(ledger: &Arc<Ledger>, number: u64) {
    ledger.follow(golden(number), &StateRules, None).unwrap();
}

fn golden(number: u64) -> Block {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/channel");
    let path = Path::new(folder).join(format!("b{number:03}.block"));
    Block::decode(std::fs::read(path).unwrap().as_slice()).unwrap()
}

/// Opens the snapshots of two organizations, each with requests for these blocks.
fn waiting(ledgers: &Arc<Ledgers>, root: &Path, blocks: &[u64]) -> Arc<Snapshots> {
    let of_both = |block: &u64| format!("{CHANNEL}\t{block}\tA\n{CHANNEL}\t{block}\tB\n");
    let stored: String = blocks.iter().map(of_both).collect();
    ledgers.put_peer_value(STORED, stored.as_bytes()).unwrap();
    Snapshots::open(ledgers, root, &["A", "B"].map(str::to_owned)).unwrap()
}

fn hash(root: &Path, org: &str, block: u64) -> Vec<u8> {
    let folder: PathBuf = [org, "completed", CHANNEL, &block.to_string()].iter().collect();
    std::fs::read(root.join(folder).join("_snapshot_additional_metadata.json")).unwrap()
}

#[test]
fn snapshots_of_the_past_are_made_in_one_pass_for_all_organizations() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = channel(6);
    let snapshots = waiting(&ledgers, dir.path(), &[1, 3, 5, 9]);
    snapshots.find_due(&ledger);
    let mut jobs = Vec::new();
    let _peer = Arc::clone(&snapshots);
    loop {
        let Some(job) = snapshots.requests().next_job() else { break };
        jobs.push((job.state.is_some(), job.blocks.keys().copied().collect::<Vec<_>>()));
        assert!(job.blocks.values().all(|orgs| *orgs == ["A", "B"]), "{:?}", job.blocks);
        snapshots.make(job);
    }
    // The job with an open state comes first, since its memory grows while it waits.
    assert_eq!(jobs, [(true, vec![5]), (false, vec![1, 3])]);
    for org in ["A", "B"] {
        assert_eq!(snapshots.pending(CHANNEL, org), [9]);
    }
    // The peer of another process makes each one while its block is the newest.
    let other = dir.path().join("other");
    let (ledgers, ledger) = channel(1);
    let theirs = waiting(&ledgers, &other, &[1, 3, 5]);
    for number in 1..6 {
        add(&ledger, number);
        theirs.find_due(&ledger);
        let job = theirs.requests().next_job();
        let _peer = Arc::clone(&theirs);
        job.into_iter().for_each(|job| theirs.make(job));
    }
    for block in [1, 3, 5] {
        let expected = hash(&other, "A", block);
        assert_eq!(hash(dir.path(), "A", block), expected, "{block}");
        assert_eq!(hash(dir.path(), "B", block), expected, "{block}");
    }
}

#[test]
fn what_is_due_can_be_taken_back_until_it_is_being_made() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = channel(4);
    let snapshots = waiting(&ledgers, dir.path(), &[1, 3]);
    snapshots.find_due(&ledger);
    snapshots.cancel(CHANNEL, "A", 3).unwrap();
    let job = snapshots.requests().next_job().unwrap();
    assert_eq!(job.wanted().iter().map(|wanted| wanted.org.as_str()).collect::<Vec<_>>(), ["B"]);
    let refused = snapshots.cancel(CHANNEL, "B", 3).unwrap_err();
    assert!(refused.to_string().contains("under processing"), "{refused}");
    for org in ["A", "B"] {
        snapshots.cancel(CHANNEL, org, 1).unwrap();
    }
    assert!(snapshots.requests().next_job().is_none());
}

/// Waiting states keep in memory the values that later blocks change.
#[test]
fn few_states_wait_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = channel(1);
    let snapshots = waiting(&ledgers, dir.path(), &[1, 2, 3, 4, 5, 6, 7]);
    for number in 1..8 {
        add(&ledger, number);
        snapshots.find_due(&ledger);
    }
    let mut jobs = Vec::new();
    while let Some(job) = snapshots.requests().next_job() {
        jobs.push((job.state.is_some(), job.blocks.len()));
    }
    assert_eq!(jobs, [(true, 1), (true, 1), (true, 1), (true, 1), (false, 3)]);
}

/// Otherwise the folder of the peer would stay in use until the last snapshot is made.
#[test]
fn a_peer_that_has_ended_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = channel(3);
    let snapshots = waiting(&ledgers, dir.path(), &[0, 1]);
    snapshots.find_due(&ledger);
    let of = Arc::downgrade(&snapshots);
    let job = snapshots.requests().next_job().unwrap();
    snapshots.make(job);
    drop(snapshots);
    work(&of);
    assert!(!dir.path().join("A").exists());
    let again = Snapshots::open(&ledgers, dir.path(), &["A", "B"].map(str::to_owned)).unwrap();
    assert_eq!(again.pending(CHANNEL, "A"), [0, 1]);
    again.find_due(&ledger);
    work(&Arc::downgrade(&again));
    assert!(again.pending(CHANNEL, "A").is_empty());
    assert!(dir.path().join("B/completed/mychannel/1").exists());
}
