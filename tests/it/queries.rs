//! Ranges, pages, histories and metadata: results for a chaincode, and the recorded reads.

use prost::Message;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::{NetworkSpec, SignaturePolicy};
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox, SandboxError};
use wasmcc_tests::{Peers, call, create_channel, deploy, guest, user};
use wasmcc_types::Timestamp;
use wasmcc_types::proto::kvrwset::RangeQueryInfo;
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;
use wasmcc_types::proto::protos::TxValidationCode;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    sandbox
}

fn submit(sandbox: &Sandbox, line: &str) {
    sandbox.submit(call("probe", line)).unwrap();
}

fn evaluate(sandbox: &Sandbox, line: &str) -> Endorsed {
    sandbox.evaluate(call("probe", line)).unwrap()
}

fn refusal(sandbox: &Sandbox, line: &str) -> (String, String) {
    let endorsed = sandbox.endorse(call("probe", line)).unwrap();
    assert_eq!(endorsed.response.status, 500, "{line}");
    (endorsed.response.message, endorsed.tx_id)
}

fn range(endorsed: &Endorsed) -> &RangeQueryInfo {
    let [range] = &endorsed.rwset.as_ref().unwrap().namespaces["probe"].range_queries[..] else {
        panic!("one range");
    };
    range
}

/// Plain rows, or the number of first-level hashes.
#[derive(Debug, PartialEq)]
enum Recorded {
    Nothing,
    Rows(usize),
    Hashes(usize),
}

fn recorded(range: &RangeQueryInfo) -> Recorded {
    match &range.reads_info {
        None => Recorded::Nothing,
        Some(ReadsInfo::RawReads(reads)) => Recorded::Rows(reads.kv_reads.len()),
        Some(ReadsInfo::ReadsMerkleHashes(summary)) => {
            assert_eq!((summary.max_degree, summary.max_level), (50, 1));
            Recorded::Hashes(summary.max_level_hashes.len())
        }
    }
}

#[test]
fn a_range_gives_and_records_all_its_rows() {
    let sandbox = sandbox();
    for (rows, expected) in [
        (0, Recorded::Nothing),
        (1, Recorded::Rows(1)),
        (50, Recorded::Rows(50)),
        (51, Recorded::Hashes(1)),
        (100, Recorded::Hashes(2)),
        (101, Recorded::Hashes(2)),
        (250, Recorded::Hashes(5)),
    ] {
        submit(&sandbox, &format!("mput n{rows}- {rows}"));
        let endorsed = evaluate(&sandbox, &format!("range n{rows}- n{rows}."));
        let lines: Vec<String> = endorsed.text().lines().map(str::to_owned).collect();
        let all: Vec<String> = (0..rows).map(|row| format!("n{rows}-{row:05}={row}")).collect();
        assert_eq!(lines, all);
        let range = range(&endorsed);
        assert_eq!(recorded(range), expected, "{rows} rows");
        assert_eq!(range.start_key, format!("n{rows}-"));
        assert_eq!(range.end_key, format!("n{rows}."));
        assert!(range.itr_exhausted);
    }
}

#[test]
fn a_range_that_is_not_read_to_its_end_records_what_the_peer_read_ahead() {
    let sandbox = sandbox();
    submit(&sandbox, "mput k 250");
    for (taken, last, hashes) in [
        (0, "k00100", 2),
        (10, "k00100", 2),
        (99, "k00100", 2),
        (100, "k00200", 4),
        (150, "k00200", 4),
    ] {
        let endorsed = evaluate(&sandbox, &format!("range k l {taken}"));
        assert_eq!(endorsed.text().lines().count(), taken);
        let range = range(&endorsed);
        assert_eq!((range.end_key.as_str(), range.itr_exhausted), (last, false), "{taken} taken");
        assert_eq!(recorded(range), Recorded::Hashes(hashes), "{taken} taken");
    }
    // The last batch is read to the end of the range.
    let endorsed = evaluate(&sandbox, "range k l 200");
    let range = range(&endorsed);
    assert_eq!((range.end_key.as_str(), range.itr_exhausted), ("l", true));
    assert_eq!(recorded(range), Recorded::Hashes(5));
}

#[test]
fn an_open_range_leaves_composite_keys_out() {
    let sandbox = sandbox();
    submit(&sandbox, "then put a 1 ; put b 2 ; put c 3 ; comp color red car 4");
    let rows = |line: &str| evaluate(&sandbox, line).text();
    assert_eq!(rows("range '' ''"), "a=1\nb=2\nc=3\n");
    assert_eq!(rows("range b ''"), "b=2\nc=3\n");
    assert_eq!(rows("range '' b"), "a=1\n");
    assert_eq!(rows("range b c"), "b=2\n");
    assert_eq!(rows("range c b"), "");
    let open = evaluate(&sandbox, "range '' ''");
    let range = range(&open);
    assert_eq!((range.start_key.as_str(), range.end_key.as_str()), ("\u{1}", ""));
    assert!(range.itr_exhausted);
}

#[test]
fn a_bound_that_begins_with_a_null_character_is_refused() {
    let sandbox = sandbox();
    for line in ["range \0a ''", "range a \0b", "page \0a b 2 ''"] {
        let (text, _) = refusal(&sandbox, line);
        let bound = if line.contains("\0a") { "\0a" } else { "\0b" };
        assert_eq!(
            text,
            format!(
                "first character of the key [{bound}] contains a null character which is not \
                 allowed"
            )
        );
    }
}

#[test]
fn partial_composite_keys_select_by_prefix() {
    let sandbox = sandbox();
    submit(&sandbox, "then comp t a x 1 ; comp t a y 2 ; comp t b x 3 ; comp tt a x 4 ; put t 5");
    let rows = |line: &str| evaluate(&sandbox, line).text();
    assert_eq!(rows("pcomp t"), "t/a/x=1\nt/a/y=2\nt/b/x=3\n");
    assert_eq!(rows("pcomp t a"), "t/a/x=1\nt/a/y=2\n");
    // As with Go's shim, contrary to its documentation: a range includes its start.
    assert_eq!(rows("pcomp t a x"), "t/a/x=1\n");
    assert_eq!(rows("pcomp t ''"), "");
    let endorsed = evaluate(&sandbox, "pcomp t a");
    let range = range(&endorsed);
    assert_eq!(range.start_key, "\0t\0a\0");
    assert_eq!(range.end_key, "\0t\0a\0\u{10FFFF}");
    let (text, _) = refusal(&sandbox, "pcomp t a\0b");
    assert_eq!(
        text,
        "input contains unicode U+0000 starting at position [1]. U+0000 and U+10FFFF are not \
         allowed in the input attribute of a composite key"
    );
}

#[test]
fn bookmarks_lead_through_all_pages() {
    let sandbox = sandbox();
    submit(&sandbox, "mput k 7");
    let page = |bookmark: &str| evaluate(&sandbox, &format!("page k l 3 {bookmark}"));
    let first = page("''");
    let rows = "k00000=0\nk00001=1\nk00002=2\n";
    assert_eq!(first.text(), format!("{rows}count=3 bookmark=k00003\n"));
    let rows = "k00003=3\nk00004=4\nk00005=5\n";
    assert_eq!(page("k00003").text(), format!("{rows}count=3 bookmark=k00006\n"));
    assert_eq!(page("k00006").text(), "k00006=6\ncount=1 bookmark=\n");
    assert_eq!(page("kz").text(), "count=0 bookmark=\n");
    // A page reads no further than its last row.
    let range = range(&first);
    assert_eq!((range.end_key.as_str(), range.itr_exhausted), ("k00002", false));
    assert_eq!(recorded(range), Recorded::Rows(3));
}

#[test]
fn composite_keys_are_paged_too() {
    let sandbox = sandbox();
    submit(&sandbox, "then comp t a x 1 ; comp t a y 2 ; comp t a z 3");
    let text = evaluate(&sandbox, "pcomppage t a 2 ''").text();
    let bookmark = "\0t\0a\0z\0";
    assert_eq!(text, format!("\0t\0a\0x\0=1\n\0t\0a\0y\0=2\ncount=2 bookmark={bookmark}\n"));
    let text = evaluate(&sandbox, &format!("pcomppage t a 2 {bookmark}")).text();
    assert_eq!(text, format!("{bookmark}=3\ncount=1 bookmark=\n"));
}

#[test]
fn a_page_of_no_size_is_no_page() {
    let sandbox = sandbox();
    submit(&sandbox, "mput k 3");
    // Fabric's peer returns all rows without metadata, and permits the transaction to write.
    let endorsed = evaluate(&sandbox, "then page k l 0 '' ; put x y");
    assert_eq!(endorsed.text(), "k00000=0\nk00001=1\nk00002=2\ncount=0 bookmark=\n");
}

#[test]
fn pages_and_writes_exclude_each_other() {
    let sandbox = sandbox();
    let (text, tx_id) = refusal(&sandbox, "then put a b ; page a z 2 ''");
    assert_eq!(
        text,
        format!(
            "GET_STATE_BY_RANGE failed: transaction ID: {tx_id}: txid [{tx_id}]: unsuppored \
             transaction. Paginated queries are supported only in a read-only transaction"
        )
    );
    for (write, kind) in
        [("put a b", "PUT_STATE"), ("del a", "DEL_STATE"), ("setmeta a p", "PUT_STATE_METADATA")]
    {
        let (text, tx_id) = refusal(&sandbox, &format!("then page a z 2 '' ; {write}"));
        assert_eq!(
            text,
            format!(
                "{kind} failed: transaction ID: {tx_id}: txid [{tx_id}]: unsuppored transaction. \
                 Transaction has already performed a paginated query. Writes are not allowed"
            )
        );
    }
}

#[test]
fn a_history_is_newest_first_and_knows_deletions() {
    let sandbox = sandbox();
    let mut expected = Vec::new();
    let steps = [("put k v1", "v1"), ("put k v2", "v2"), ("del k", "deleted"), ("put k v3", "v3")];
    for (seconds, (line, value)) in (1_700_000_000..).zip(steps) {
        let at = Timestamp { seconds, nanos: 0 };
        let submitted = sandbox.submit(call("probe", line).timestamp(at)).unwrap();
        expected.push(format!("{} {seconds} {value}\n", submitted.endorsed.tx_id));
    }
    submit(&sandbox, "put kk other");
    submit(&sandbox, "setmeta k policy");
    expected.reverse();
    let endorsed = evaluate(&sandbox, "history k");
    assert_eq!(endorsed.text(), expected.concat(), "metadata has no history");
    assert!(!endorsed.rwset.unwrap().namespaces.contains_key("probe"), "history is not validated");
    assert_eq!(evaluate(&sandbox, "history nothing").text(), "");
}

#[test]
fn a_long_history_comes_in_batches() {
    let sandbox = sandbox();
    let puts: Vec<Endorsed> =
        (0..101).map(|value| evaluate(&sandbox, &format!("put k {value}"))).collect();
    sandbox.commit(puts).unwrap();
    let values: Vec<String> = evaluate(&sandbox, "history k")
        .text()
        .lines()
        .filter_map(|line| Some(line.rsplit_once(' ')?.1.to_owned()))
        .collect();
    let newest_first: Vec<String> = (0..101).rev().map(|value: u32| value.to_string()).collect();
    assert_eq!(values, newest_first);
}

#[test]
fn a_validation_parameter_is_kept_with_its_key() {
    let sandbox = sandbox();
    submit(&sandbox, "put k v");
    assert_eq!(evaluate(&sandbox, "getmeta k").text(), "");
    let set = evaluate(&sandbox, "setmeta k policy");
    let written = &set.rwset.as_ref().unwrap().namespaces["probe"].metadata_writes;
    assert_eq!(written[0].key, "k");
    assert_eq!(written[0].entries[0].name, "VALIDATION_PARAMETER");
    let policy = SignaturePolicy::from_text("OR('policy.peer')").unwrap();
    let policy = policy.envelope().encode_to_vec();
    assert_eq!(written[0].entries[0].value, policy);
    sandbox.commit(vec![set]).unwrap();
    let read = evaluate(&sandbox, "getmeta k");
    assert_eq!(read.text().as_bytes(), policy);
    assert_eq!(read.rwset.unwrap().namespaces["probe"].reads[0].key, "k", "it counts as a read");
    let policy = String::from_utf8(policy).unwrap();
    let entries = evaluate(&sandbox, "getentries k").text();
    assert_eq!(entries, format!("VALIDATION_PARAMETER={policy}\n"));
}

#[test]
fn metadata_is_replaced_as_a_whole() {
    let sandbox = sandbox();
    submit(&sandbox, "put k v");
    submit(&sandbox, "setentry k color red");
    submit(&sandbox, "then setentry k size 5 ; setentry k owner ann");
    assert_eq!(evaluate(&sandbox, "getentries k").text(), "owner=ann\n");
    assert_eq!(evaluate(&sandbox, "get k").text(), "v");
    submit(&sandbox, "del k");
    assert_eq!(evaluate(&sandbox, "getentries k").text(), "", "it goes with its key");
}

#[test]
fn several_keys_are_read_at_once() {
    let sandbox = sandbox();
    submit(&sandbox, "then put a 1 ; put b 2");
    let read = evaluate(&sandbox, "mget b nothing a b");
    assert_eq!(read.text(), "2\n-\n1\n2\n");
    let reads = &read.rwset.as_ref().unwrap().namespaces["probe"].reads;
    let keys: Vec<&str> = reads.iter().map(|read| read.key.as_str()).collect();
    assert_eq!(keys, ["a", "b", "nothing"]);
}

#[test]
fn queries_that_were_refused_or_closed_leave_room_for_others() {
    let sandbox = sandbox();
    submit(&sandbox, "mput k 3");
    // The limit is 100 open iterators.
    let endorsed = evaluate(&sandbox, "then repeat 300 try query {} ; range k l");
    assert!(endorsed.text().ends_with("k00000=0\nk00001=1\nk00002=2\n"));
    evaluate(&sandbox, "repeat 300 range k l 1");
    evaluate(&sandbox, "repeat 300 history k00001");
}

#[test]
fn an_empty_key_is_not_written() {
    let sandbox = sandbox();
    assert_eq!(refusal(&sandbox, "put '' v").0, "key must not be an empty string");
    let refused = sandbox.submit(call("probe", "put '' v"));
    assert!(matches!(refused, Err(SandboxError::Refused(response)) if response.status == 500));
}

#[test]
fn batches_and_pages_are_bounded_in_bytes() {
    let peer = Peers::new(&NetworkSpec::default()).peer(|config| {
        config.support.queries.batch_rows = 3;
        config.support.queries.batch_bytes = 1_000;
    });
    create_channel(&peer, CHANNEL);
    deploy(&peer, CHANNEL, "probe", "probe");
    let put = |key: &str, bytes: usize| {
        let value = "v".repeat(bytes - key.len());
        let proposal = ProposalBuilder::new(CHANNEL, "probe").args(["put", key, &value]);
        let put = wasmcc_tests::submit(&peer, CHANNEL, proposal, &user(&peer));
        assert_eq!(put, Ok(TxValidationCode::Valid));
    };
    for (key, bytes) in [("a", 400), ("b", 300), ("c", 300), ("d", 900), ("e", 100), ("f", 2)] {
        put(key, bytes);
    }
    let ask = |line: &str| {
        let args: Vec<&str> = line.split(' ').map(|arg| arg.trim_matches('\'')).collect();
        wasmcc_tests::evaluate(&peer, CHANNEL, "probe", &args)
    };
    let rows = |line: &str| String::from_utf8(ask(line).payload).unwrap().lines().count();
    assert_eq!(rows("range a d"), 3, "just as large as the limit");
    assert_eq!(rows("range a f"), 5, "each batch is");
    let refused = ask("range a g").message;
    let text = ": a batch of 3 rows of a query may hold keys and values of at most 1000 bytes";
    assert!(refused.ends_with(text), "{refused}");
    assert_eq!(rows("page a g 3 ''"), 4, "three rows and a line about them");
    let refused = ask("page a g 4 ''").message;
    let text = ": a page of a query may hold keys and values of at most 1000 bytes";
    assert!(refused.ends_with(text), "{refused}");
    put("a", 401);
    let tried = String::from_utf8(ask("try range a d").payload).unwrap();
    assert!(tried.starts_with("refused LimitExceeded: GET_STATE_BY_RANGE failed"), "{tried}");
}
