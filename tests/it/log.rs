//! The log of the verbs that serve: read, and not read.

use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::program::Site;
use wasmcc_tests::{call, guest_path};

use crate::serve::{Process, during, with_held_chaincode};

/// The longest line in the program's output, with its line end.
const LINE_BYTES: usize = 8 << 10;
const ESCAPE: &str = "\u{1b}";

/// Starts `wasmcc serve` with the hostile chaincode, and a peer that uses it.
fn hostile(options: &[&str]) -> (Process, Sandbox) {
    let target = format!("{}=hostile:1.0@127.0.0.1:0", guest_path("hostile").display());
    let mut process = Process::start(&[&[target.as_str()], options].concat());
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("hostile", &process.connection("hostile:1.0")).unwrap();
    (process, sandbox)
}

fn number_before(line: &str, words: &str) -> Option<usize> {
    let (before, _) = line.split_once(words)?;
    before.rsplit(' ').next()?.parse().ok()
}

#[test]
fn no_transaction_waits_for_a_log_that_nobody_reads() {
    let (mut process, sandbox) = hostile(&[]);
    // Far more than a pipe and the queue can hold. 1,000 lines of each are logged.
    for _ in 0..10 {
        sandbox.evaluate(call("hostile", "spam-log 1000")).unwrap();
    }
    let panic = Call::new("hostile", "panic").args([ESCAPE.repeat(16_000)]);
    sandbox.evaluate(panic).unwrap_err();
    sandbox.evaluate(call("hostile", "huge-result 1000")).unwrap();
    let mut lines = process.read_until("log lines were dropped");
    lines.append(&mut process.terminated());
    assert!(lines.iter().all(|line| line.len() < LINE_BYTES));
    let dropped =
        lines.iter().filter_map(|line| number_before(line, " log lines were dropped because"));
    let (dropped, shown) = (dropped.sum::<usize>(), lines.len());
    assert!(dropped > 0, "{shown} lines");
    let of_chaincode =
        lines.iter().filter(|line| line.contains("wasmcc::chaincode: line ")).count();
    assert!((1_000..10_000).contains(&of_chaincode), "{of_chaincode}");
    // The program itself logs fewer than 20 lines.
    assert!((10_000..10_040).contains(&(shown + dropped)), "{shown} shown, {dropped} dropped");
}

#[test]
fn a_line_is_bounded_after_it_was_escaped_and_what_waits_is_written_at_the_end() {
    let (process, sandbox) = hostile(&[]);
    let panic = Call::new("hostile", "panic").args([ESCAPE.repeat(16_000)]);
    let failed = sandbox.endorse(panic).unwrap();
    assert!(failed.response.message.contains(&ESCAPE.repeat(16_000)));
    sandbox.evaluate(call("hostile", "huge-log 20000")).unwrap();
    let lines = process.terminated();
    assert!(lines.iter().all(|line| line.len() < LINE_BYTES), "{lines:#?}");
    let of_tx: Vec<_> = lines.iter().filter(|line| line.contains(&failed.tx_id)).collect();
    let [line] = of_tx.as_slice() else { panic!("{of_tx:#?}") };
    let begins = "a transaction failed channel=\"mychannel\" tx_id=\"";
    assert!(line.contains(begins) && line.contains(" ... (cut, it has "), "{line}");
    let long = lines.iter().filter(|line| line.contains("wasmcc::chaincode: llll")).count();
    assert_eq!(long, 1, "{lines:#?}");
}

/// Arguments of a call, and the reason of its failure.
const ENDS: [(&str, &str); 6] = [
    ("trap", "chaincode trapped: unreachable code"),
    ("exit 3", "chaincode trapped: exit with status 1"),
    ("loop", "chaincode used up its fuel of 30000000 units"),
    ("grow", "refused more than 16777216 bytes of memory"),
    ("recurse", "call stack exhausted"),
    ("huge-result 2000000", "response of 2000000 bytes is over the limit of 1048576 bytes"),
];
const LIMITS: [&str; 3] = ["--fuel=30000000", "--memory-mib=16", "--response-mib=1"];

/// Returns the only line of a transaction.
#[track_caller]
fn line_of<'a>(lines: &'a [String], tx_id: &str) -> &'a str {
    let of_tx: Vec<_> = lines.iter().filter(|line| line.contains(tx_id)).collect();
    let [line] = of_tx.as_slice() else { panic!("{of_tx:#?} of {lines:#?}") };
    line
}

#[test]
fn a_service_leaves_one_line_of_each_transaction_that_fails() {
    let (process, sandbox) = hostile(&LIMITS);
    let fails = |line: &str| sandbox.endorse(call("hostile", line)).unwrap().tx_id;
    let ended: Vec<_> = ENDS.iter().map(|(line, reason)| (fails(line), *reason)).collect();
    let good = sandbox.endorse(call("hostile", "huge-result 10")).unwrap().tx_id;
    let refused = sandbox.endorse(call("hostile", "nothing")).unwrap();
    assert_eq!(refused.response.status, 400);
    let lines = process.terminated();
    for (tx_id, reason) in ended {
        let line = line_of(&lines, &tx_id);
        let names = "channel=\"mychannel\"";
        assert!(line.contains(names) && line.contains("chaincode=\"hostile:1.0\""), "{line}");
        assert!(line.contains(" WARN ") && line.contains(reason), "{reason}: {line}");
    }
    for answered in [good, refused.tx_id] {
        assert!(!lines.iter().any(|line| line.contains(&answered)));
    }
}

#[test]
fn a_service_leaves_one_line_of_each_transaction_that_takes_too_long() {
    let (process, sandbox) = hostile(&["--execute-timeout", "300ms", "--fuel", "1000000000000"]);
    let late = sandbox.endorse(call("hostile", "loop")).unwrap();
    let text = "timeout expired while executing transaction";
    assert!(late.response.message.ends_with(text), "{:?}", late.response);
    assert!(line_of(&process.terminated(), &late.tx_id).contains(text));
}

#[test]
fn a_peer_leaves_one_line_of_each_transaction_that_fails() {
    let site = Site::new();
    let peer = site.peer(&[&["--in-memory", "--execute-timeout", "60s"], &LIMITS[..]].concat());
    peer.deploy("hostile");
    let query = |words: &str| {
        let args: Vec<&str> = words.split(' ').collect();
        let input = serde_json::json!({ "Args": args }).to_string();
        peer.run(&["query", "-n", "hostile", "-c", &input]).failed(1)
    };
    let reasons: Vec<&str> = ENDS
        .iter()
        .map(|(line, reason)| {
            query(line);
            *reason
        })
        .collect();
    peer.run(&["query", "-n", "nobody", "-c", r#"{"Args":["x"]}"#]).failed(1);
    peer.run(&["query", "-C", "nowhere", "-n", "hostile", "-c", r#"{"Args":[]}"#]).failed(1);
    peer.run(&["query", "-n", "hostile", "-c", r#"{"Args":["nothing"]}"#]).failed(1);
    let log = peer.terminate().ok().err;
    let mut failed: Vec<&str> =
        log.lines().filter(|line| line.contains("a transaction ")).collect();
    // The command line asks another organization if the first one has no such chaincode.
    failed.dedup_by_key(|line| line.split_once("tx_id=").unwrap().1);
    let reasons = [&reasons[..], &["to evaluate chaincode nobody in channel", "nowhere"]].concat();
    assert_eq!(failed.len(), reasons.len(), "{failed:#?}");
    for (line, reason) in failed.iter().zip(reasons) {
        let id = line.split_once("tx_id=\"").unwrap().1.split_once('"').unwrap().0;
        assert_eq!(id.len(), 64, "{line}");
        assert!(line.contains(" channel=\"") && line.contains(" chaincode=\""), "{line}");
        assert!(line.contains(reason), "{reason}: {line}");
    }
}

#[test]
fn a_peer_leaves_one_line_of_a_transaction_whose_client_has_gone() {
    let site = Site::new();
    let mut peer =
        site.peer(&["--in-memory", "--execute-timeout", "1h", "--fuel=1000000000000000"]);
    peer.deploy("hostile");
    let loops = ["query", "-n", "hostile", "-c", r#"{"Args":["loop"]}"#, "--timeout", "500ms"];
    peer.run(&loops).failed(1);
    peer.wait_for_line("the client has cancelled the transaction");
    let log = peer.terminate().ok().err;
    assert_eq!(log.matches("a transaction failed").count(), 1, "{log}");
}

#[test]
fn a_fatal_error_is_seen_in_a_line_of_bounded_length() {
    let site = Site::new();
    let long = "x".repeat(60_000);
    let run = site.run(&["serve", &long, "--chaincode-id", "x:1", "--address", "127.0.0.1:0"]);
    let error = run.failed(1);
    assert!(error.contains("error: cannot read xxx"), "{}", &error[..200]);
    assert!(error.lines().all(|line| line.len() < LINE_BYTES));
}

#[test]
fn a_service_leaves_one_line_of_each_transaction_for_which_it_has_no_room() {
    let target = format!("{}=probe:1.0@127.0.0.1:0", guest_path("probe").display());
    let mut process = Process::start(&[&target, "--transactions", "1", "--queue", "0"]);
    let connection = process.connection("probe:1.0");
    let (sandbox, mut held) = with_held_chaincode(&connection);
    let another = Sandbox::new().unwrap();
    another.deploy("probe", &connection).unwrap();
    let mut refused = None;
    during(&sandbox, &mut held, || {
        refused = Some(another.endorse(call("probe", "noop")).unwrap());
    });
    let refused = refused.unwrap();
    assert!(refused.response.message.contains("is busy"), "{:?}", refused.response);
    let lines = process.terminated();
    assert!(line_of(&lines, &refused.tx_id).contains("the chaincode server is busy"));
}
