//! A process that stops at each step of a commit: nothing acknowledged is lost, and what was stored
//! counts. The process is this test program, started once more with a step in its environment.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;

use crate::ledger::Ledger;
use crate::ledger::LedgerFolder;
use crate::ledger::Ledgers;
use crate::ledger::block_file::BlockFile;
use crate::ledger::commit::with_outcome;
use crate::ledger::test_support::CHANNEL;
use crate::ledger::test_support::commit;
use crate::ledger::test_support::genesis;
use crate::ledger::test_support::next_block;
use crate::ledger::test_support::puts;
use crate::ledger::test_support::small_config;
use crate::types::ChannelId;

const STEP: &str = "WASMCC_TEST_CRASH_STEP";
const DIR: &str = "WASMCC_TEST_CRASH_DIR";

/// Blocks that the process commits before the one in which it stops.
const COMMITTED: u64 = 5;

/// Where the process stops, and whether the block is part of the chain then.
const STEPS: [(&str, bool); 7] = [
    ("judged", false),
    ("stored but for the last byte", false),
    ("stored but for most of it", false),
    ("written, not flushed", true),
    ("flushed, not applied", true),
    ("applied, not announced", true),
    ("applied and flushed, not announced", true),
];

fn open(dir: &Path) -> (Ledgers, Arc<Ledger>) {
    let ledgers = Ledgers::open(dir, small_config()).unwrap();
    let ledger = match ledgers.get(CHANNEL) {
        Some(ledger) => ledger,
        None => ledgers.create(&genesis()).unwrap(),
    };
    (ledgers, ledger)
}

/// Not a test of its own: what the other process does.
#[test]
fn child() {
    let (Ok(step), Ok(dir)) = (std::env::var(STEP), std::env::var(DIR)) else { return };
    let dir = Path::new(&dir);
    let (ledgers, ledger) = open(dir);
    for number in 1..=COMMITTED {
        let (value, id) = (number.to_string(), format!("t{number}"));
        commit(&ledger, &[(&id, puts(&ledger, &[("a", &value), (&value, "x")]))]);
    }
    let (block, txs) = next_block(&ledger, &[("last", puts(&ledger, &[("a", "last")]))]);
    let tip = ledger.tip();
    let (outcome, updates) = ledger.judge(&tip, &txs).unwrap();
    let block = with_outcome(block, &outcome);
    let (header, offset) = (block.header.clone().unwrap(), ledger.blocks.length().unwrap());
    match step.as_str() {
        "judged" => {}
        "written, not flushed" => {
            let path = dir.join("channels").join(CHANNEL).join("blocks");
            BlockFile::open(&path, false).unwrap().append(offset, &block).unwrap();
        }
        _ => {
            let location = ledger.store_block(offset, &block).unwrap();
            match step.as_str() {
                "stored but for the last byte" => {
                    ledger.blocks.truncate(location.end() - 1).unwrap();
                }
                "stored but for most of it" => ledger.blocks.truncate(offset + 30).unwrap(),
                "flushed, not applied" => {}
                _ => ledger.apply_block(&header, location, &txs, &outcome, updates, &[]).unwrap(),
            }
        }
    }
    if step == "applied and flushed, not announced" {
        drop(ledgers);
    }
    std::process::abort();
}

#[test]
fn a_commit_that_stops_at_any_step_loses_nothing() {
    for (step, stored) in STEPS {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger::crash_tests::child", "--nocapture"])
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

        let (ledgers, ledger) = open(dir.path());
        assert_eq!(ledger.height(), height, "{step}");
        let value = ledger.snapshot().get("ns", "a").unwrap().unwrap().value;
        assert_eq!(value == b"last", stored, "{step}");
        commit(&ledger, &[("after", puts(&ledger, &[("b", "1")]))]);
        drop((ledger, ledgers));
        let found = verify();
        assert!(found.is_good(), "{step}: {:?}", found.faults);
        assert_eq!((found.blocks, found.state_height), (height + 1, height + 1), "{step}");
    }
}
