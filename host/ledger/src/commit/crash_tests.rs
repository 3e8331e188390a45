//! Stops a process at each step of a commit: nothing acknowledged is lost, and a stored block is
//! part of the chain. The process is this test program, started again with a step in its
//! environment.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use prost::Message;

use crate::block::known_state::KnownState;
use crate::commit::apply::with_outcome;
use crate::private::test_support::{
    Rules, commit_private, commit_public, keep, rules, simulate_private,
};
use crate::store::block_file::BlockFile;
use crate::test_support::{CHANNEL, commit, next_block, open_with, puts, small_config};
use crate::{Ledger, LedgerFolder, SimulationResults};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::kvrwset::KvrwSet;

const STEP: &str = "WASMCC_TEST_CRASH_STEP";
const DIR: &str = "WASMCC_TEST_CRASH_DIR";

/// Blocks that the process commits before the one at which it stops.
const COMMITTED: u64 = 5;

/// The step, and whether the block is part of the chain after it.
const STEPS: [(&str, bool); 10] = [
    ("judged", false),
    ("private data stored", false),
    ("stored but for the last byte", false),
    ("stored but for most of it", false),
    ("written, not flushed", true),
    ("changes collected while it is flushed", true),
    ("flushed, not applied", true),
    ("applied, not announced", true),
    ("applied and flushed, not announced", true),
    ("applied, private data settled", true),
];

/// "c" never expires; at the last block, the data of the second block in "short" expire.
fn collections() -> Rules {
    let both = ["A", "B"];
    rules(&[("c", &both, 0), ("short", &both[..1], COMMITTED - 2)])
}

/// The transaction of the last block, whose commit is interrupted.
fn last(ledger: &Arc<Ledger>) -> SimulationResults {
    simulate_private(ledger, |sim| {
        sim.put_state("ns", "a", b"last".to_vec()).unwrap();
        // Large enough for a thread that flushes it.
        sim.put_state("ns", "large", vec![7; 300_000]).unwrap();
        sim.put_private_data("ns", "c", "a", b"last".to_vec()).unwrap();
        sim.purge_private_data("ns", "c", "1").unwrap();
    })
}

/// Checks that the private data are those after the last block if it is `stored`, else those before
/// it.
fn check_private(ledger: &Arc<Ledger>, stored: bool, step: &str) {
    let read = |org, collection, key| {
        let found = ledger.simulator_for("tx", org).get_private_data("ns", collection, key);
        found.unwrap().map(|value| String::from_utf8(value).unwrap())
    };
    let x = |there: bool| there.then(|| "x".to_owned());
    for org in ["A", "B"] {
        let expected = if stored { "last" } else { "5" };
        assert_eq!(read(org, "c", "a").as_deref(), Some(expected), "{step}");
        assert_eq!(read(org, "c", "1"), x(!stored), "{step}");
        assert_eq!(read(org, "c", "2"), x(true), "{step}");
    }
    assert_eq!(read("A", "short", "2"), x(!stored), "{step}");
    assert_eq!(read("A", "short", "4"), x(true), "{step}");
    let first = ledger.private_data("A", 1, 0).unwrap().unwrap();
    let rwset = &first.ns_pvt_rwset[0].collection_pvt_rwset[0].rwset;
    let keys = KvrwSet::decode(rwset.as_slice()).unwrap().writes.len();
    assert_eq!(keys, if stored { 1 } else { 2 }, "{step}: purged data are in no store");
    assert_eq!(ledger.transient.sets("last").unwrap().is_empty(), stored, "{step}");
}

/// Not a test of its own: the body of the child process.
#[test]
fn child() {
    let (Ok(step), Ok(dir)) = (std::env::var(STEP), std::env::var(DIR)) else { return };
    let dir = Path::new(&dir);
    let (ledgers, ledger) = open_with(dir, small_config());
    let rules = collections();
    for number in 1..=COMMITTED {
        let (value, id) = (number.to_string(), format!("t{number}"));
        let results = simulate_private(&ledger, |sim| {
            sim.put_state("ns", "a", value.clone().into_bytes()).unwrap();
            sim.put_state("ns", &value, b"x".to_vec()).unwrap();
            sim.put_private_data("ns", "c", "a", value.clone().into_bytes()).unwrap();
            sim.put_private_data("ns", "c", &value, b"x".to_vec()).unwrap();
            sim.put_private_data("ns", "short", &value, b"x".to_vec()).unwrap();
        });
        commit_private(&ledger, &rules, vec![(&id, results)]);
    }
    let kept = keep(&ledger, vec![("last", last(&ledger))]);
    let (block, txs) = next_block(&ledger, &[("last", kept[0].1.clone())]);
    let tip = ledger.tip();
    let (outcome, updates) = ledger.judge(&tip, &txs, KnownState::default(), |_| true).unwrap();
    if step == "judged" {
        std::process::abort();
    }
    let private = ledger.store_private(tip.height, &txs, &outcome, &rules).unwrap();
    let block = with_outcome(block, &outcome);
    let (header, offset) = (block.header.clone().unwrap(), ledger.blocks.length().unwrap());
    match step.as_str() {
        "private data stored" => {}
        "written, not flushed" => {
            let path = dir.join("channels").join(CHANNEL).join("blocks");
            BlockFile::open(&path, false).unwrap().append(offset, &block).unwrap();
        }
        "changes collected while it is flushed" => {
            let collect = |location| {
                let block = (&header, location);
                ledger.changes(block, &txs, &outcome, updates, &private).map(drop).unwrap();
                std::process::abort();
            };
            ledger.blocks.append_while(offset, &block, collect).unwrap()
        }
        _ => {
            let location = ledger.store_block(offset, &block).unwrap();
            match step.as_str() {
                "stored but for the last byte" => {
                    ledger.blocks.truncate(location.end() - 1).unwrap();
                }
                "stored but for most of it" => ledger.blocks.truncate(offset + 30).unwrap(),
                "flushed, not applied" => {}
                _ => {
                    let private = &private;
                    ledger
                        .apply_block(&header, location, &txs, &outcome, updates, private)
                        .unwrap();
                }
            }
        }
    }
    match step.as_str() {
        "applied and flushed, not announced" => drop(ledgers),
        "applied, private data settled" => ledger.after_block(&txs).unwrap(),
        _ => {}
    }
    std::process::abort();
}

#[test]
fn a_commit_that_stops_at_any_step_loses_nothing() {
    for (step, stored) in STEPS {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "commit::crash_tests::child", "--nocapture"])
            .env(STEP, step)
            .env(DIR, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), None, "{step}: it is stopped by a signal");

        let height = COMMITTED + 1 + u64::from(stored);
        let channel = ChannelId::parse(CHANNEL).unwrap();
        let verify = || {
            let folder = LedgerFolder::open(dir.path(), small_config()).unwrap();
            folder.verify(&channel, &mut |_| {}).unwrap()
        };
        let found = verify();
        assert!(found.is_good(), "{step}: {:?}", found.faults);
        assert_eq!(found.blocks, height, "{step}");
        assert_eq!(found.unfinished_bytes > 0, step.starts_with("stored but"), "{step}");

        let (ledgers, ledger) = open_with(dir.path(), small_config());
        assert_eq!(ledger.height(), height, "{step}");
        let value = ledger.snapshot().get("ns", "a").unwrap().unwrap().value;
        assert_eq!(value == b"last", stored, "{step}");
        check_private(&ledger, stored, step);
        if stored {
            commit(&ledger, &[("after", puts(&ledger, &[("b", "1")]))]);
        } else {
            // The transaction is ordered again; its private data were kept.
            let public = last(&ledger).public;
            commit_public(&ledger, &collections(), &[("last".into(), public)]);
        }
        check_private(&ledger, true, step);
        drop((ledger, ledgers));
        let found = verify();
        assert!(found.is_good(), "{step}: {:?}", found.faults);
        // Opening has removed the expired sets of "short".
        let sets = if stored { 9 } else { 10 };
        assert_eq!((found.private_sets, found.missing_private_sets), (sets, 0), "{step}");
        assert_eq!((found.blocks, found.state_height), (height + 1, height + 1), "{step}");
    }
}
