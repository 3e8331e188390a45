//! One component has the same results in every way of running it: data of the proposal, answers and
//! effects of a transaction, calls of other chaincodes, refusals.

use std::collections::BTreeMap;

use wasmcc_client::ProposalBuilder;
use wasmcc_node::PeerConfig;
use wasmcc_tests::conformance::{CHANNEL, Deployment, Doors, OTHER_CHANNEL, probe};
use wasmcc_types::Timestamp;

#[test]
fn a_proposal_is_seen_as_it_was_signed() {
    let doors = Doors::new();
    for line in
        ["creator", "binding", "proposal", "signature", "transients", "decorations", "info", "args"]
    {
        doors.text(line);
    }
    let odd: [&[u8]; 5] = [b"args", b"", &[0xff, 0xfe, 0], "\u{10ffff}".as_bytes(), &[0; 1000]];
    let args = doors.propose(ProposalBuilder::new(CHANNEL, "probe").args(odd));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let expected: String = odd.iter().map(|arg| format!("{}\n", hex(arg))).collect();
    assert_eq!(args.text(), expected);
    doors.propose(ProposalBuilder::new(CHANNEL, "probe"));
    doors.propose(ProposalBuilder::new(CHANNEL, "probe").args([vec![0xff_u8]]));

    let transient = || {
        let odd = vec![0, 0xff];
        BTreeMap::from([("b".to_owned(), odd), ("a".into(), b"1".to_vec()), ("".into(), vec![])])
    };
    let all = doors.propose(probe("transients").transient(transient()));
    assert_eq!(all.text(), "=\na=31\nb=00ff\n");
    doors.propose(probe("transient b").transient(transient()));
    for (seconds, nanos) in [(0, 0), (1, 999_999_999), (-1, 0), (253_402_300_799, 1)] {
        doors.propose(probe("info").timestamp(Timestamp { seconds, nanos }));
    }
}

#[test]
fn init_runs_when_a_chaincode_is_deployed() {
    let mut doors = Doors::with(&[], &[CHANNEL]);
    assert_eq!(doors.init("good", "probe", &["first", "7"]).status, 200);
    assert_eq!(doors.init("empty", "probe", &[]).status, 200);
    let failed = doors.init("bad", "probe", &["fail"]);
    assert!(failed.message.ends_with("transaction returned with failure: init failed"));
    doors.init("panics", "hostile", &["panic", "bad init"]);
    for status in ["200", "399", "400", "499", "500"] {
        doors.init(&format!("status{status}"), "hostile", &["status", status]);
    }
}

#[test]
fn statuses_and_payloads_are_those_of_the_chaincode() {
    let doors = Doors::new();
    for status in [-1, 0, 1, 100, 199, 200, 201, 299, 399, 400, 404, 499, 500, 501, 999] {
        doors.ask(&format!("status {status}"));
        doors.ask(&format!("status {status} message payload"));
    }
    for line in ["nonsense", "", "put", "try nonsense", "then", "status x"] {
        doors.ask(line);
    }
}

#[test]
fn events_go_with_their_transactions() {
    let doors = Doors::new();
    let event = doors.ask("event sold car").event().unwrap();
    assert_eq!((event.event_name.as_str(), event.payload.as_slice()), ("sold", &b"car"[..]));
    for line in [
        "event sold ''",
        "then event one 1 ; event two 2",
        "event '' car",
        "try event '' car",
        "then event one 1 ; try event '' 2",
        "then event one 1 ; nonsense",
        "then event one 1 ; put k v",
    ] {
        doors.ask(line);
    }
    doors.submit("event committed 1");
}

#[test]
fn batches_of_writes_change_nothing() {
    let doors = Doors::new();
    doors.submit("mput k 5");
    for line in [
        "batch row 250",
        "batch row 1200",
        "hold row 250",
        "then start-batch ; put k 1 ; put k 2 ; del k ; put k 3 ; finish-batch",
        "then start-batch ; put k 1 ; del k ; finish-batch",
        "then start-batch ; put k 1 ; setmeta k p ; del l ; setmeta l q ; finish-batch",
        "then start-batch ; setentry k a 1 ; setentry k b 2 ; finish-batch",
        "then start-batch ; put k00001 1 ; get k00001 ; range k l ; finish-batch ; put z z",
        "then start-batch ; start-batch ; put k 1 ; finish-batch ; finish-batch",
        "finish-batch",
        "start-batch",
        "then put k 1 ; start-batch ; put k 2",
        "then start-batch ; finish-batch ; start-batch ; put k 2 ; finish-batch ; del k",
        "then start-batch ; put k 1 ; status 500",
    ] {
        doors.ask(line);
    }
    doors.submit("batch row 250");
    assert_eq!(doors.text("range row rox").lines().count(), 250);
}

/// A batch is refused as a whole when it is sent, as by a peer of Fabric 3.1. Without batches, each
/// write is refused immediately, as by one of 2.5.
#[test]
fn a_refused_batch_is_a_refused_write() {
    let doors = Doors::new();
    for line in
        ["then start-batch ; put '' v ; finish-batch", "then start-batch ; try put '' v ; put k v"]
    {
        doors.ask(line);
    }
    const BATCH: &str = "failed send batch: WRITE_BATCH_STATE failed";
    let words = |text: &str| {
        let text = text.replacen(&format!("failed send batch: {BATCH}"), BATCH, 1);
        text.replacen(BATCH, "PUT_STATE failed", 1)
    };
    let line = "then start-batch ; page a z 2 '' ; put a b ; finish-batch";
    let refused = doors.propose_in_other_words(probe(line), words);
    assert_eq!(refused.messages().filter(|text| text.starts_with(BATCH)).count(), 2);
}

#[test]
fn large_values_pass() {
    // The default limit is that of messages, which exceeds the allowed work here.
    let adjust = |config: &mut PeerConfig| config.ledger.max_value_bytes = 16 << 20;
    let doors = Doors::of(Deployment { adjust, ..Deployment::default() });
    doors.submit("big k 5000000");
    assert_eq!(doors.text("get k").len(), 5_000_000);
    doors.ask("big k 20000000");
    doors.ask("then big a 3000000 ; big b 3000000 ; mget k k k");
}

#[test]
fn chaincodes_call_each_other() {
    let both = [("probe", "probe"), ("other", "probe")];
    let doors = Doors::with(&both, &[CHANNEL, OTHER_CHANNEL]);
    doors.submit("then put k mine ; cc2cc other put k its");
    for line in [
        "cc2cc other get k",
        "then get k ; cc2cc other rmw k x ; rmw k y",
        "cc2cc other range '' ''",
        "called mychannel other get k",
        "called '' other status 500 no payload",
        "called '' other status 404 no payload",
        "called '' other status 200 yes payload",
        "then cc2cc other put a 1 ; called '' other nonsense ; put b 2",
        "called '' other then put a 1 ; nonsense",
        "called '' missing get k",
        "called '' '' get k",
        "called '' probe get k",
        "called mychannel probe get k",
        "called '' other called '' probe get k",
        "called '' other event sold car",
        "then event mine 1 ; called '' other event its 2",
        "called '' other info",
        "called '' other args",
        "called '' lscc getccdata mychannel missing",
        "called '' qscc GetTransactionByID mychannel missing",
        "called '' escc x",
        "called '' vscc x",
        "called yourchannel other get k",
        "called yourchannel other put k v",
        "called yourchannel probe put k v",
        "called yourchannel probe called mychannel other get k",
        "called nochannel other get k",
        "called yourchannel missing get k",
        "called '' other/yourchannel get k",
        "called '' other:2.0 get k",
        "then cc2cc other put k 1 ; cc2cc other put k 2 ; cc2cc other get k",
        "then called yourchannel other put k v ; put k w",
        "called '' other transients",
        "called '' other creator",
    ] {
        doors.ask(line);
    }
}

#[test]
fn refusals_are_of_the_same_kind() {
    let doors = Doors::new();
    doors.submit("mput k 3");
    for line in [
        "try put '' v",
        "try range \0a ''",
        "try pcomp t a\0b",
        "try event '' x",
        "then put a b ; try page a z 2 ''",
        "then page a z 2 '' ; try put a b",
        "then page a z 2 '' ; try setmeta a b",
        "try query {}",
        "try querypage {} 2 ''",
        "try pget '' k",
    ] {
        let text = doors.text(line);
        assert!(text.contains("refused"), "{line}: {text}");
    }
}

/// A caller may continue after results that are the same on every peer, but not after those that
/// depend on this one.
#[test]
fn a_callee_that_ends_by_chance_ends_the_whole_transaction() {
    let both = [("probe", "probe"), ("hostile", "hostile")];
    let doors = Doors::with(&both, &[CHANNEL]);
    let chance = doors.ask("then put k v ; called '' hostile recurse");
    assert_eq!((chance.response.status, chance.payload.len()), (500, 0));
    let text = &chance.response.message;
    assert!(text.contains("call stack exhausted"), "{text}");
    let trap = doors.ask("then put k v ; called '' hostile trap");
    assert_eq!(trap.response.status, 200, "{}", trap.response.message);
}

#[test]
fn traps_end_the_transaction_with_the_same_words() {
    let doors = Doors::with(&[("hostile", "hostile")], &[CHANNEL]);
    for words in [
        &["trap"][..],
        &["panic", "on purpose"],
        &["loop"],
        &["calls-read"],
        &["calls-log"],
        &["grow"],
        &["allocate-at-once"],
        &["exit", "3"],
        &["exit", "0"],
        &["sleep", "1"],
        &["huge-result", "10000000"],
        &["huge-message", "2000000"],
        &["huge-key", "2000000"],
        &["huge-read-key", "2000000"],
        &["huge-event", "20000000"],
        &["many-iterators", "101"],
        &["many-iterators", "2000"],
        &["many-writes", "2000"],
        &["status", "2147483647"],
        &["spam-log", "5000"],
        &["call-itself", "hostile"],
        &["recurse"],
    ] {
        doors.propose(ProposalBuilder::new(CHANNEL, "hostile").args(words.iter().copied()));
    }
}
