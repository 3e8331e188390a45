//! One component has the same results in every way of running it: state, ranges, pages, histories,
//! metadata.

use prost::Message;
use wasmcc_ledger::TxRwSet;
use wasmcc_msp::SignaturePolicy;
use wasmcc_tests::conformance::{Answer, Doors};
use wasmcc_types::proto::kvrwset::RangeQueryInfo;
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;

/// Returns the only range that was read.
fn range(answer: &Answer) -> RangeQueryInfo {
    let TxRwSet { mut namespaces, .. } = answer.rwset();
    let mut ranges = namespaces.remove("probe").unwrap().range_queries;
    assert_eq!(ranges.len(), 1);
    ranges.remove(0)
}

/// Returns the number of first-level hashes that represent the rows.
fn hashes(range: &RangeQueryInfo) -> usize {
    match &range.reads_info {
        Some(ReadsInfo::ReadsMerkleHashes(summary)) => summary.max_level_hashes.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn state_is_read_and_written() {
    let doors = Doors::new();
    doors.submit("put k v");
    doors.submit("then put a 1 ; put b 2 ; put c 3 ; del c ; empty b");
    for line in [
        "noop",
        "get k",
        "get missing",
        "get \u{10ffff}\u{e4}",
        "get \0composite",
        "put k w",
        "put \0k w",
        "put k\0k w",
        "then put k 1 ; put k 2 ; del k ; put k 3",
        "then get k ; get k ; rmw k x ; get k",
        "del k",
        "del missing",
        "empty k",
        "putread k w",
        "mget",
        "mget k",
        "mget k missing a k",
        "repeat 3 rmw k x",
        "mput many 250",
        "log words",
        "info",
    ] {
        doors.text(line);
    }
    assert_eq!(doors.text("then get a ; get b ; get c"), "1");
    let text = doors.refusal("put '' v");
    assert_eq!(text, "key must not be an empty string");
    doors.text("try put '' v");
    let keys: Vec<String> = (0..250).map(|key| format!("key{key}")).collect();
    doors.text(&format!("mget {}", keys.join(" ")));
}

#[test]
fn ranges_record_what_a_peer_reads_ahead() {
    let doors = Doors::new();
    for rows in [0, 1, 50, 51, 99, 100, 101, 250] {
        doors.submit(&format!("mput n{rows}- {rows}"));
        let line = format!("range n{rows}- n{rows}.");
        assert_eq!(doors.text(&line).lines().count(), rows);
        // Stops at, before and after the end of a batch and of the rows.
        for taken in [0, 1, 10, 99, 100, 101, 150, 199, 200, 201, 249, 250, 251] {
            let seen = doors.text(&format!("{line} {taken}"));
            assert_eq!(seen.lines().count(), taken.min(rows));
        }
    }
    // The records of a Fabric peer: figures of a real one.
    for (taken, last, count) in
        [(0, 100, 2), (10, 100, 2), (99, 100, 2), (100, 200, 4), (150, 200, 4)]
    {
        let range = range(&doors.ask(&format!("range n250- n250. {taken}")));
        assert_eq!(
            (range.end_key.as_str(), range.itr_exhausted),
            (&*format!("n250-{last:05}"), false)
        );
        assert_eq!(hashes(&range), count, "{taken} taken");
    }
    for line in [
        "then range n1- n1. ; range n1- n1. ; range n50- n51.",
        "then range n250- n250. 3 ; range n250- n250. ; put n250-x y",
        "then put n250-00001x y ; range n250- n250. 5",
        "repeat 120 range n101- n101. 1",
    ] {
        doors.text(line);
    }
}

#[test]
fn bounds_of_ranges_are_those_of_the_shim() {
    let doors = Doors::new();
    doors.submit("then put a 1 ; put b 2 ; put c 3 ; comp color red car 4 ; put \u{e4} 5");
    for line in ["range '' ''", "range b ''", "range '' b", "range b c", "range c b", "range b b"] {
        doors.text(line);
    }
    assert_eq!(range(&doors.ask("range '' ''")).start_key, "\u{1}");
    for line in ["range \0a ''", "range a \0b", "page \0a b 2 ''", "page a \0b 2 ''"] {
        assert!(doors.refusal(line).contains("null character"), "{line}");
        doors.text(&format!("try {line}"));
    }
}

/// The result of `GetStateByRangeWithPagination(r, s, 0, "")` for a Go chaincode over 300 keys on
/// peers of 2.5 and 3.1, when it read its iterator to the end.
#[test]
fn a_page_of_no_size_is_an_ordinary_query() {
    let doors = Doors::new();
    doors.submit("mput r 300");
    for (line, rows) in [("page r s 0 ''", 300), ("page r r00120 0 ''", 120), ("page x y 0 ''", 0)]
    {
        let answer = doors.ask(line);
        let text = doors.text(line);
        assert!(text.ends_with("count=0 bookmark=\n"), "{text}");
        assert_eq!(text.lines().count(), rows + 1, "{line}");
        let range = range(&answer);
        assert!(range.itr_exhausted, "{line}");
    }
    let plain = range(&doors.ask("range r s"));
    assert_eq!(range(&doors.ask("page r s 0 ''")), plain);
    // With a bookmark it is a page, which all rows fit into.
    let text = doors.text("page r s 0 r00100");
    assert!(text.ends_with("count=200 bookmark=\n"), "{text}");
    // Unlike a page, it does not exclude writes.
    doors.text("then page r s 0 '' ; put x y");
    doors.submit("then comp t a x 1 ; comp t a y 2");
    assert!(doors.text("pcomppage t a 0 ''").ends_with("count=0 bookmark=\n"));
}

#[test]
fn pages_and_their_bookmarks() {
    let doors = Doors::new();
    doors.submit("mput k 250");
    doors.submit("then comp t a x 1 ; comp t a y 2 ; comp t a z 3 ; comp t b x 4");
    let page = doors.text("page k l 3 ''");
    assert!(page.ends_with("count=3 bookmark=k00003\n"), "{page}");
    for line in [
        "page k l 3 k00003",
        "page k l 100 ''",
        "page k l 101 ''",
        "page k l 249 ''",
        "page k l 250 ''",
        "page k l 251 ''",
        "page k l 3 k00248",
        "page k l 3 k00249",
        "page k l 3 kz",
        "page k l 3 z",
        "page '' '' 5 ''",
        "page k l 0 ''",
        "page k l 0 k00003",
        "page k k00050 0 ''",
        "pcomppage t a 2 ''",
        "pcomppage t a 2 \0t\0a\0z\0",
        "pcomppage t a 5 ''",
        "allcomppage 2 ''",
        "allcomppage 2 \0t\0a\0z\0",
        "allcomppage 5 ''",
        "then page k l 2 '' ; page k l 2 k00002 ; get k00001",
    ] {
        doors.text(line);
    }
    for line in [
        "then put a b ; page a z 2 ''",
        "then page a z 2 '' ; put a b",
        "then page a z 2 '' ; del a",
        "then page a z 2 '' ; setmeta a p",
        "then page k l 0 '' ; put x y",
        "then page k l 2 '' ; mput x 3",
        "then put a b ; try page a z 2 ''",
        "then page a z 2 '' ; try put a b",
        "page k l nonsense ''",
    ] {
        doors.ask(line);
    }
}

#[test]
fn composite_keys_are_found_by_their_beginnings() {
    let doors = Doors::new();
    doors.submit(
        "then comp t a x 1 ; comp t a y 2 ; comp t b x 3 ; comp tt a x 4 ; put t 5 ; \
         comp t '' '' 6 ; comp t \u{e4} \u{10fffe} 7",
    );
    for line in [
        "pcomp t",
        "pcomp t a",
        "pcomp t a x",
        "pcomp t ''",
        "pcomp t \u{e4}",
        "pcomp tt",
        "pcomp none",
        "pcomp ''",
    ] {
        doors.text(line);
    }
    for line in ["pcomp t a\0b", "pcomp t a\u{10ffff}", "comp t a\0b v", "pcomppage t a\0 2 ''"] {
        assert!(doors.refusal(line).contains("composite key"), "{line}");
    }
}

#[test]
fn histories_are_newest_first() {
    let doors = Doors::new();
    for line in ["put k v1", "put k v2", "del k", "put k v3", "empty k", "setmeta k policy"] {
        doors.submit(line);
    }
    assert_eq!(doors.text("history k").lines().count(), 5);
    for line in [
        "history k 2",
        "history k 0",
        "history none",
        "history ''",
        "then history k ; put k v4",
        "repeat 120 history k 1",
    ] {
        doors.text(line);
    }
    (0..101).for_each(|change| drop(doors.submit(&format!("put long {change}"))));
    for taken in [0, 1, 99, 100, 101, 102] {
        let changes = doors.text(&format!("history long {taken}"));
        assert_eq!(changes.lines().count(), taken.min(101));
    }
}

#[test]
fn metadata_and_validation_parameters() {
    let doors = Doors::new();
    let policy = |text: &str| {
        let policy = SignaturePolicy::from_text(text).unwrap().envelope().encode_to_vec();
        String::from_utf8(policy).unwrap()
    };
    doors.submit("then put k v ; put l w ; put m x");
    doors.submit(&format!("setmeta k {}", policy("OR('Org1MSP.peer')")));
    for line in ["setmeta k raw:nonsense", "setmeta none raw:nonsense"] {
        let text = doors.refusal(line);
        assert!(text.contains("that peers can read: nobody could change the key"), "{text}");
    }
    // As a plain entry it can be set, but then no further entry can be set.
    doors.submit("setentry m VALIDATION_PARAMETER nonsense");
    doors.submit("then setentry l color red ; setentry l size 5");
    for line in [
        "getmeta k",
        "getmeta l",
        "getmeta none",
        "getentries k",
        "getentries l",
        "getentries none",
        "getmeta m",
        "then getmeta k ; getmeta k ; getentries k ; get k",
        "setmeta k other",
        "setmeta k ''",
        "setmeta none policy",
        "then setmeta k a ; setmeta k b ; put k v ; del k",
        "then setentry k b 1 ; setentry k a 2 ; setmeta k p",
        "then getmeta k ; setmeta k p ; getmeta k",
    ] {
        doors.text(line);
    }
    for line in ["put m y", "setmeta m other", "del m", "then get m ; setentry m a 1"] {
        let text = doors.refusal(line);
        let expected = "error in simulation: error unmarshalling SignaturePolicyEnvelope";
        assert!(text.starts_with(expected), "{line}: {text}");
    }
    doors.ask("setmeta '' policy");
    doors.ask("setentry k '' v");
}
