//! Tests that blocks in a stream are committed like single blocks.

use std::path::Path;
use std::process::{Command, Stdio, abort};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{env, fs, thread};

use prost::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::hostile::{Hostile, World};
use crate::tests::support::{
    CC, CHANNEL, Draft, Fixture, Port, deadline, temporary_channels, vscc, yes,
};
use crate::{CommitError, Committer, ValidationFailure, ValidationRequest};
use wasmcc_channel::{Channel, Channels};
use wasmcc_ledger::{CommittedBlock, LedgerConfig, LedgerError, Ledgers, header_hash, new_block};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode::*;

/// Number of blocks of a hostile channel: enough for policies and configurations to change.
const HOSTILE_BLOCKS: usize = 120;
const MAX_BYTES: usize = 1_200;

#[test]
fn a_stream_has_the_verdicts_and_hashes_of_its_blocks_one_by_one() {
    let hostile = Hostile::new();
    let mut configurations = 0;
    for age in 0..4 {
        let mut random = StdRng::seed_from_u64(40 + u64::from(age));
        let mut world: World<'_> = hostile.world(age, &vscc);
        let first = world.sequence();
        let blocks = (0..HOSTILE_BLOCKS).map(|_| {
            let mut bytes = vec![0; random.random_range(0..MAX_BYTES)];
            random.fill(&mut bytes[..]);
            world.block(&bytes)
        });
        let blocks: Vec<_> = blocks.collect();
        let [in_a_stream, afresh] = [(); 2].map(|()| world.twin(&vscc));
        for (twin, others) in [
            (&in_a_stream, in_a_stream.stream(&world)),
            // Without the definitions that one block caches for the next.
            (&afresh, afresh.afresh(&world)),
        ] {
            assert_eq!(others.len(), blocks.len() + 1, "the first one makes definitions");
            for (one, other) in blocks.iter().zip(&others[1..]) {
                let number = one.number;
                assert_eq!(one.codes(), other.codes(), "age {age}, block {number}");
                assert_eq!(one.txs, other.txs, "age {age}, block {number}");
                assert_eq!(one.commit_hash, other.commit_hash, "age {age}, block {number}");
                assert_eq!(one.block, other.block, "age {age}, block {number}");
            }
            assert_eq!(twin.sequence(), world.sequence(), "age {age}");
        }
        configurations += world.sequence() - first;
    }
    assert!(configurations > 4, "{configurations} configurations came into force");
}

/// A chain of blocks without verdicts. The first one defines `CC`, each of the others writes one
/// key.
struct Stream {
    genesis: Block,
    blocks: Vec<Block>,
    drafts: Vec<Draft>,
}

impl Stream {
    fn new(writes: usize) -> Self {
        let fixture = Fixture::new();
        fixture.define_basic();
        let ledger = fixture.channel.ledger();
        let block = |number| ledger.block(number).unwrap().unwrap();
        let (genesis, definition) = (block(0), block(1));
        let draft = |number: usize| Draft {
            creator: fixture.user(1 + number % 2),
            ..fixture.draft(CC).put(CC, &format!("key{number}"), b"value")
        };
        let drafts: Vec<Draft> = (0..writes).map(draft).collect();
        let mut blocks = vec![Block { metadata: None, ..definition }];
        for draft in &drafts {
            let tip = blocks.last().and_then(|block| block.header.clone()).unwrap();
            let entry = draft.envelope().encode_to_vec();
            blocks.push(new_block(tip.number + 1, header_hash(&tip).to_vec(), vec![entry]));
        }
        Self { genesis, blocks, drafts }
    }

    /// Makes a channel with only the genesis block.
    fn channel(&self) -> Arc<Channel> {
        temporary_channels().join(&self.genesis).unwrap()
    }
}

fn numbers(committer: &Committer, blocks: Vec<Block>) -> (Vec<u64>, Result<(), CommitError>) {
    let mut numbers = Vec::new();
    let outcome = committer.commit_all(blocks, |block| numbers.push(block.number));
    (numbers, outcome)
}

#[test]
fn the_signatures_of_a_block_are_computed_while_the_one_before_is_judged() {
    let stream = Stream::new(2);
    let channel = stream.channel();
    let [first, second] = &stream.drafts[..] else { panic!("there are two") };
    let creator = channel.config().msps().deserialize(second.creator.serialized()).unwrap();
    let (first, seen) = (first.tx_id(), Arc::clone(&creator));
    let port = Port(move |request: &ValidationRequest<'_>| {
        let end = deadline();
        while request.tx_id.as_str() == first && seen.verifications() == 0 {
            if Instant::now() > end {
                return Err(ValidationFailure::Policy("nobody prepares the next block".into()));
            }
            thread::yield_now();
        }
        Ok(())
    });
    let committer = Committer::new(Arc::clone(&channel), Arc::new(port));
    let mut codes = Vec::new();
    committer.commit_all(stream.blocks, |block| codes.extend(block.codes())).unwrap();
    assert_eq!(codes, [Valid; 3]);
    assert_eq!(creator.verifications(), 1, "judging does not compute it again");
}

#[test]
fn nothing_is_committed_after_a_block_that_is_refused() {
    let stream = Stream::new(4);
    let change: [fn(&mut Block); 2] = [
        |block| block.header.as_mut().unwrap().previous_hash = vec![1; 32],
        |block| block.data.as_mut().unwrap().data.clear(),
    ];
    for change in change {
        let committer = Committer::new(stream.channel(), yes());
        let mut blocks = stream.blocks.clone();
        change(&mut blocks[2]);
        let (committed, outcome) = numbers(&committer, blocks);
        let error = outcome.unwrap_err();
        assert!(
            matches!(
                error,
                CommitError::Block(
                    LedgerError::PreviousHash { number: 3 } | LedgerError::DataHash { number: 3 }
                )
            ),
            "{error}"
        );
        assert_eq!((committed, committer.channel().ledger().height()), (vec![1, 2], 3));
        let (committed, outcome) = numbers(&committer, stream.blocks[2..].to_vec());
        outcome.unwrap();
        assert_eq!(committed, [3, 4, 5]);
    }
}

#[test]
fn those_who_wait_for_a_block_are_told_before_the_next_one_is_judged() {
    let stream = Stream::new(3);
    let events = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let events = Arc::clone(&events);
        move |tx_id: &str| events.lock().unwrap().push((what, tx_id.to_owned()))
    };
    let judged = note("judged");
    let port = Port(move |request: &ValidationRequest<'_>| {
        judged(request.tx_id.as_str());
        Ok(())
    });
    let committer = Committer::new(stream.channel(), Arc::new(port));
    let ids: Vec<String> = stream.drafts.iter().map(Draft::tx_id).collect();
    let watches = ids.iter().map(|id| {
        let (told, tx_id) = (note("told"), id.clone());
        committer.notifier().watch_tx(id, move |_| told(&tx_id)).unwrap()
    });
    let watches: Vec<_> = watches.collect();
    committer.commit_all(stream.blocks, |_| {}).unwrap();
    drop(watches);
    let expected = ids.iter().flat_map(|id| [("judged", id.clone()), ("told", id.clone())]);
    // The first block contains the definition.
    assert_eq!(events.lock().unwrap()[1..], expected.collect::<Vec<_>>());
}

const STEP: &str = "WASMCC_TEST_CRASH_STEP";
const DIR: &str = "WASMCC_TEST_CRASH_DIR";
/// The file with the genesis block and the stream.
const BLOCKS: &str = "stream";
/// The process stops at this block.
const LAST: u64 = 3;

fn open(dir: &Path) -> Arc<Channels> {
    let config = LedgerConfig { cache_bytes: 8 << 20, ..LedgerConfig::default() };
    let ledgers = Ledgers::open(&dir.join("ledger"), config).unwrap();
    Arc::new(Channels::open(Arc::new(ledgers)).unwrap())
}

/// The child process of the next test, not a test of its own.
#[test]
fn child() {
    let (Ok(step), Ok(dir)) = (env::var(STEP), env::var(DIR)) else { return };
    let dir = Path::new(&dir);
    let bytes = fs::read(dir.join(BLOCKS)).unwrap();
    let mut rest = bytes.as_slice();
    let mut next =
        move || (!rest.is_empty()).then(|| Block::decode_length_delimited(&mut rest).unwrap());
    let channel = open(dir).join(&next().unwrap()).unwrap();
    let (judging, preparing) = (step == "judging", step == "preparing the next one");
    // Each block has one transaction, and each transaction one namespace.
    let asked = AtomicU64::new(0);
    let port = Port(move |_: &ValidationRequest<'_>| {
        if asked.fetch_add(1, Ordering::Relaxed) + 1 == LAST && judging {
            abort();
        }
        Ok(())
    });
    let committer = Committer::new(channel, Arc::new(port));
    let blocks = std::iter::from_fn(next).inspect(|block| {
        if preparing && block.header.as_ref().is_some_and(|header| header.number > LAST) {
            abort();
        }
    });
    let announced = |block: &Arc<CommittedBlock>| {
        if block.number == LAST {
            abort();
        }
    };
    committer.commit_all(blocks, announced).unwrap();
}

#[test]
fn a_stream_goes_on_where_the_process_stopped() {
    let stream = Stream::new(4);
    let mut bytes = stream.genesis.encode_length_delimited_to_vec();
    for block in &stream.blocks {
        bytes.extend(block.encode_length_delimited_to_vec());
    }
    let whole = Committer::new(stream.channel(), yes());
    for block in &stream.blocks {
        whole.commit(block.clone()).unwrap();
    }
    let whole = whole.channel().ledger();
    for (step, heights) in [
        ("judging", LAST..=LAST),
        // The block before may be judged, stored or neither.
        ("preparing the next one", LAST..=LAST + 1),
        ("announced", LAST + 1..=LAST + 1),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(BLOCKS), &bytes).unwrap();
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", "tests::streams::child", "--nocapture"])
            .env(STEP, step)
            .env(DIR, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success(), "{step}");
        let channel = open(dir.path()).get(CHANNEL).unwrap();
        let ledger = channel.ledger();
        assert!(heights.contains(&ledger.height()), "{step}: {}", ledger.height());
        let left = stream.blocks[ledger.height() as usize - 1..].to_vec();
        let (_, outcome) = numbers(&Committer::new(Arc::clone(&channel), yes()), left);
        outcome.unwrap();
        assert_eq!(ledger.last_commit_hash(), whole.last_commit_hash(), "{step}");
        for number in 0..whole.height() {
            assert_eq!(ledger.block(number).unwrap(), whole.block(number).unwrap(), "{step}");
        }
    }
}
