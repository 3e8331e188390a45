//! One component has the same results in every way of running it: rich queries, and the limits of
//! queries.

use wasmcc_node::PeerConfig;
use wasmcc_tests::conformance::{Deployment, Doors};

const BY_N: (&str, &str) =
    ("indexes/n.json", r#"{"index": {"fields": ["n"]}, "ddoc": "byN", "name": "byN"}"#);

fn with_rows(doors: Doors, rows: usize) -> Doors {
    let puts: Vec<String> =
        (0..rows).map(|n| format!(r#"put d{n:03} {{"n":{n},"even":{}}}"#, n % 2 == 0)).collect();
    doors.submit(&format!("then {}", puts.join(" ; ")));
    doors
}

fn doors(adjust: fn(&mut PeerConfig)) -> Doors {
    Doors::of(Deployment { indexes: &[BY_N], adjust, ..Deployment::default() })
}

#[test]
fn rich_queries_record_what_a_peer_reads_ahead() {
    let doors = with_rows(doors(|_| {}), 250);
    for rows in [0, 1, 100, 101, 250] {
        let query = format!(r#"query {{"selector":{{"n":{{"$lt":{rows}}}}}}}"#);
        assert_eq!(doors.text(&query).lines().count(), rows);
        for taken in [0, 1, 99, 100, 101, 200, 249] {
            let seen = doors.text(&format!("{query} {taken}"));
            assert_eq!(seen.lines().count(), taken.min(rows));
        }
    }
    let first = doors.ask(r#"query {"selector":{"n":{"$gte":0}}} 1"#).rwset();
    assert_eq!(first.namespaces["probe"].reads.len(), 101, "a batch and a row");
    for line in [
        r#"query {"selector":{"even":true},"limit":7,"skip":3}"#,
        r#"query {"selector":{"even":true},"fields":["n"],"sort":[{"n":"desc"}]}"#,
        r#"query {"selector":{"n":{"$gt":5}},"use_index":["_design/byN","byN"]}"#,
        r#"query {"selector":{"n":{"$gt":5}},"use_index":"none"}"#,
        r#"query {"selector":{"none":1}}"#,
        r#"then query {"selector":{"n":{"$lt":3}}} ; put seen yes"#,
        r#"then put d001 x ; query {"selector":{"n":{"$lt":3}}}"#,
        r#"then start-batch ; query {"selector":{"n":{"$lt":3}}} ; put seen yes ; finish-batch"#,
        r#"repeat 120 query {"selector":{"n":{"$lt":150}}} 1"#,
    ] {
        doors.text(line);
    }
}

#[test]
fn pages_of_rich_queries_and_their_bookmarks() {
    let doors = with_rows(doors(|_| {}), 101);
    for selector in [r#"{"even":true}"#, r#"{"n":{"$lt":7}}"#] {
        for size in [1, 3, 50, 51, 100, 101] {
            let mut bookmark = "''".to_owned();
            // The bookmark of the last page leads to an empty page.
            for _ in 0..4 {
                let page = format!(r#"querypage {{"selector":{selector}}} {size} {bookmark}"#);
                let page = doors.text(&page);
                let (_, found) = page.trim_end().rsplit_once("bookmark=").unwrap();
                bookmark = found.to_owned();
            }
        }
    }
    // Size zero is not a page: all rows are returned, without a count.
    let all = doors.text(r#"querypage {"selector":{"n":{"$gte":0}}} 0 ''"#);
    assert!(all.ends_with("count=0 bookmark=\n"), "{all}");
    assert_eq!(all.lines().count(), 102);
    for line in [
        r#"querypage {"selector":{"n":{"$lt":7}}} 0 ''"#,
        r#"querypage {"selector":{"n":{"$lt":7}}} 2 nonsense"#,
        r#"then put a b ; querypage {"selector":{"n":1}} 2 ''"#,
        r#"then querypage {"selector":{"n":1}} 2 '' ; put a b"#,
        r#"then querypage {"selector":{"n":1}} 2 '' ; try put a b"#,
        r#"then put a b ; try querypage {"selector":{"n":1}} 2 ''"#,
    ] {
        doors.ask(line);
    }
}

#[test]
fn rich_queries_of_private_data() {
    let doors = Doors::of(Deployment {
        collections: Some(r#"[{"name":"c","policy":"OR('Org1MSP.member')"}]"#),
        indexes: &[("collections/c/indexes/n.json", BY_N.1)],
        ..Deployment::default()
    });
    let puts: Vec<String> = (0..101).map(|n| format!(r#"pput c d{n:03} {{"n":{n}}}"#)).collect();
    doors.submit(&format!("then {}", puts.join(" ; ")));
    for rows in [0, 1, 100, 101] {
        let query = format!(r#"pquery c {{"selector":{{"n":{{"$lt":{rows}}}}}}}"#);
        assert_eq!(doors.text(&query).lines().count(), rows);
    }
    doors.text(r#"pquery c {"selector":{"n":{"$lt":9}},"sort":[{"n":"desc"}],"fields":["n"]}"#);
    for (line, kind) in [
        (r#"pquery c {"selector":5}"#, "InvalidArgument"),
        (r#"pquery none {"selector":{"n":1}}"#, "InvalidArgument"),
    ] {
        doors.refusal(line);
        let tried = doors.text(&format!("try {line}"));
        assert!(tried.starts_with(&format!("refused {kind}")), "{line}: {tried}");
    }
    for line in [
        r#"then put k v ; try pquery c {"selector":{"n":1}}"#,
        r#"then pquery c {"selector":{"n":1}} ; try put k v"#,
    ] {
        let tried = doors.text(line);
        assert!(tried.contains("refused NotPermitted"), "{line}: {tried}");
    }
}

#[test]
fn selectors_are_refused_with_the_same_words() {
    let doors = with_rows(doors(|_| {}), 3);
    for query in [
        "nonsense",
        "''",
        "[]",
        "{}",
        r#"{"selector":5}"#,
        r#"{"selector":{"n":{"$nonsense":1}}}"#,
        r#"{"selector":{"n":{"$regex":"("}}}"#,
        r#"{"selector":{},"fields":5}"#,
        r#"{"selector":{},"sort":5}"#,
        r#"{"selector":{"n":1},"sort":[{"none":"asc"}]}"#,
        // A refusal quotes the query, which does not affect its kind.
        r#"{"selector":{"n":{"$in":"more-than-a-transaction-may"}}}"#,
    ] {
        for call in [format!("query {query}"), format!("querypage {query} 2 ''")] {
            doors.refusal(&call);
            let tried = doors.text(&format!("then put k v ; try {call}"));
            let paged = call.starts_with("querypage");
            let expected = if paged { "refused NotPermitted" } else { "refused InvalidArgument" };
            assert!(tried.starts_with(expected), "{call}: {tried}");
            let tried = doors.text(&format!("try {call}"));
            assert!(tried.starts_with("refused InvalidArgument"), "{call}: {tried}");
        }
    }
}

#[test]
fn bounds_of_queries_are_told_alike() {
    let doors = with_rows(doors(|_| {}), 3);
    let dots = format!("a{}", ".a".repeat(64));
    let sort = vec![r#""a""#; 65].join(",");
    for query in [
        format!(r#"{{"selector":{{"{dots}":1}}}}"#),
        format!(r#"{{"selector":{{"{}":1}}}}"#, "a".repeat(1_025)),
        format!(r#"{{"selector":{{}},"sort":[{sort}]}}"#),
    ] {
        doors.refusal(&format!("query {query}"));
        let tried = doors.text(&format!("try query {query}"));
        assert!(tried.starts_with("refused LimitExceeded"), "{query}: {tried}");
    }
}

#[test]
fn limits_are_told_alike() {
    let doors = with_rows(
        doors(|config| {
            config.support.queries.batch_bytes = 1_000;
            config.ledger.max_key_bytes = 200;
            config.ledger.max_value_bytes = 300_000;
            config.ledger.max_rwset_bytes = 1_000_000;
            config.ledger.max_ranges = 20;
            config.ledger.max_query_bytes = 200;
            config.ledger.max_examined_values = 90;
        }),
        80,
    );
    let key = "k".repeat(201);
    let query = format!(r#"{{"selector":{{"n":"{key}"}}}}"#);
    for call in [
        "range d e",
        "page d e 70 ''",
        r#"query {"selector":{"n":{"$gte":0}}}"#,
        r#"querypage {"selector":{"n":{"$gte":0}}} 70 ''"#,
        &format!("query {query}"),
        &format!("querypage {query} 2 ''"),
        &format!("put {key} v"),
        &format!("del {key}"),
        "big k 300001",
    ] {
        doors.refusal(call);
        let tried = doors.text(&format!("try {call}"));
        assert!(tried.starts_with("refused LimitExceeded"), "{call}: {tried}");
    }
    for (before, call) in [
        ("big a 250000 ; big b 250000 ; big c 250000", "big e 250000"),
        ("repeat 20 range a b", "range a b"),
        ("repeat 20 range a b", r#"query {"selector":{"n":1}}"#),
    ] {
        let tried = doors.text(&format!("then {before} ; try {call}"));
        assert!(tried.starts_with("refused LimitExceeded"), "{call}: {tried}");
    }
    doors.submit("mput x 20");
    let tried = doors.text(r#"try query {"selector":{"even":5}}"#);
    assert!(tried.contains("refused LimitExceeded: "), "{tried}");
    assert!(tried.contains("may examine at most 90 values"), "{tried}");
}

#[test]
fn a_peer_without_rich_queries_says_so_alike() {
    let doors = doors(|config| config.ledger.rich_queries = false);
    for call in [r#"query {"selector":{"n":1}}"#, "query nonsense"] {
        let text = doors.refusal(call);
        assert!(text.ends_with("ExecuteQuery not supported for leveldb"), "{text}");
        let tried = doors.text(&format!("then put k v ; try {call}"));
        assert!(tried.starts_with("refused Unsupported"), "{tried}");
    }
    let page = r#"querypage {"selector":{"n":1}} 2 ''"#;
    doors.refusal(page);
    assert!(doors.text(&format!("try {page}")).starts_with("refused Unsupported"));
}
