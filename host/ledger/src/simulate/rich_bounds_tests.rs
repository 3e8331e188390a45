//! Queries, documents and definitions that exceed their limits. Each is refused by name, or its
//! cost is proportional to its size and it stops when the transaction's work units are used up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::rich::IndexDefinition;
use crate::rich::query::RichQuery;
use crate::test_support::{commit, puts, temporary};
use crate::{Ledger, LedgerError};
use wasmcc_types::{Exhausted, Meter};

const HOUR: Duration = Duration::from_secs(3_600);
const MIB: usize = 1 << 20;

fn refusal(query: &str) -> String {
    RichQuery::parse(query, MIB).expect_err("a refusal").to_string()
}

fn repeated(text: &str, count: usize) -> String {
    vec![text; count].join(",")
}

/// `count` documents with the field `a` from 0 to 9.
fn documents(ledger: &Arc<Ledger>, count: usize) {
    let rows: Vec<_> =
        (0..count).map(|n| (format!("k{n:05}"), format!(r#"{{"a":{}}}"#, n % 10))).collect();
    let rows: Vec<_> = rows.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let rwset = puts(ledger, &rows);
    commit(ledger, &[("documents", rwset)]);
}

/// Returns the number of rows of a query, and the units that it cost.
fn run(ledger: &Arc<Ledger>, query: &str, limit: u64) -> Result<(usize, u64), LedgerError> {
    let meter = Arc::new(Meter::new(limit, Instant::now() + HOUR));
    let mut sim = ledger.simulator("tx").metered(Arc::clone(&meter));
    let rows = sim.rich_query("ns", query)?;
    let mut count = 0;
    while sim.next_row(rows)?.is_some() {
        count += 1;
    }
    Ok((count, meter.used()))
}

#[test]
fn each_bound_is_named_by_its_refusal() {
    let dots = format!("a{}", ".a".repeat(20_000));
    let many_gt = repeated(r#"{"$gt":1}"#, 2_000);
    let regexes: Vec<_> =
        (0..2_000).map(|n| format!(r#"{{"a":{{"$regex":"\\pL{{20}}{n}"}}}}"#)).collect();
    let fields: Vec<_> = (0..1_001).map(|n| format!(r#""f{n}""#)).collect();
    for (query, named) in [
        (
            format!(r#"{{"selector":{{"{dots}":{{"$and":[{many_gt}]}}}}}}"#),
            "at most 1024 bytes in the name of a field, not 40001",
        ),
        (
            format!(r#"{{"selector":{{"{}":1}}}}"#, repeated("a", 65).replace(',', ".")),
            "at most 64 parts in the name of a field, not 65",
        ),
        (
            format!(r#"{{"selector":{{"a":{{"$and":[{}]}}}}}}"#, repeated(r#"{"$gt":1}"#, 40_000)),
            "at most 32768 conditions in a selector (at selector.a.$and.32768.$gt), not 32769",
        ),
        (
            format!(r#"{{"selector":{{"a":1,"$and":[{}]}}}}"#, repeated(r#"{"$or":[]}"#, 40_000)),
            "at most 32768 conditions in a selector",
        ),
        (
            format!(r#"{{"selector":{{"$and":[{}]}}}}"#, regexes.join(",")),
            "the expressions of a selector take more than 8388608 bytes when compiled",
        ),
        (
            format!(r#"{{"selector":{{"a":{}1{}}}}}"#, r#"{"$not":"#.repeat(70), "}".repeat(70)),
            "it is more than 64 deep (at selector.a.$not.",
        ),
        (
            format!(
                r#"{{"selector":{{"a":{}1{}}}}}"#,
                r#"{"$elemMatch":"#.repeat(70),
                "}".repeat(70)
            ),
            "it is more than 64 deep",
        ),
        (
            format!(r#"{{"selector":{{"a":{}}}}}"#, "[".repeat(200_000)),
            "more than 10000 objects and arrays within each other",
        ),
        (
            format!(r#"{{"selector":{{}},"sort":[{}]}}"#, repeated(r#""a""#, 65)),
            "at most 64 fields to sort by, not 65",
        ),
        (
            format!(r#"{{"selector":{{}},"fields":[{}]}}"#, fields.join(",")),
            "at most 1000 fields to answer with, not 1001",
        ),
        (r#"{"selector":{},"skip":1e999}"#.to_owned(), "a number that is not a 64-bit float"),
    ] {
        let refused = refusal(&query);
        assert!(refused.contains(named), "{named}: {}", &refused[..refused.len().min(300)]);
        assert!(refused.len() < 8_000, "{}", refused.len());
    }
}

#[test]
fn texts_of_refusals_are_short_whatever_the_query() {
    let long = "x".repeat(900_000);
    for query in [
        format!(r#"{{"selector":["{long}"]}}"#),
        format!(r#"{{"selector":{{"a":{{"${long}":1}}}}}}"#),
        format!(r#"{{"selector":{{"a":{{"$in":"{long}"}}}}}}"#),
        format!(r#"{{"selector":{{"{long}":1}}}}"#),
        format!(r#"{{"selector":{{}},"sort":"{long}"}}"#),
        format!(r#"{{"selector":{{}},"sort":[["{long}"]]}}"#),
        format!(r#"{{"selector":{{}},"use_index":{{"{long}":1}}}}"#),
        format!(r#"{{"selector":{{}},"bookmark":["{long}"]}}"#),
        format!(r#"{{"selector":{{}},"stable":"{long}"}}"#),
        format!(r#"{{"selector":{{}},"skip":"{long}"}}"#),
        format!(r#"{{"selector":{{}},"fields":[["{long}"]]}}"#),
        format!(r#"{{"selector":{{}},"{long}":1}}"#),
    ] {
        let refused = refusal(&query);
        assert!(refused.len() < 400, "{}", &refused[..400]);
    }
}

#[test]
fn equal_conditions_on_one_field_are_looked_up_and_not_tried() {
    let (_ledgers, ledger) = temporary();
    documents(&ledger, 100);
    let list = |one: &dyn Fn(usize) -> String| {
        let all: Vec<_> = (5..20_005).map(one).collect();
        all.join(",")
    };
    let ors = list(&|n| format!(r#"{{"a":{n}}}"#));
    let constants = list(&|n| n.to_string());
    for (query, found) in [
        (format!(r#"{{"selector":{{"$or":[{ors}]}}}}"#), 50),
        (format!(r#"{{"selector":{{"$nor":[{ors}]}}}}"#), 50),
        (format!(r#"{{"selector":{{"a":{{"$or":[{constants}]}}}}}}"#), 50),
        (format!(r#"{{"selector":{{"a":{{"$in":[{constants}]}}}}}}"#), 50),
        (format!(r#"{{"selector":{{"a":{{"$nin":[{constants}]}}}}}}"#), 50),
    ] {
        let (rows, used) = run(&ledger, &query, u64::MAX).unwrap();
        assert_eq!(rows, found);
        // The cost of the query itself, and less than 20 comparisons with each of 100 documents.
        let reading = 16 * query.len() as u64;
        assert!(used < reading + 100 * 10_000, "{used} - {reading}");
    }
}

#[test]
fn cost_is_in_proportion_to_documents_and_conditions() {
    let (_ledgers, ledger) = temporary();
    documents(&ledger, 200);
    let of = |conditions: usize| {
        let parts: Vec<_> = (0..conditions).map(|n| format!(r#"{{"a":{{"$gt":-{n}}}}}"#)).collect();
        let query = format!(r#"{{"selector":{{"$and":[{}]}}}}"#, parts.join(","));
        run(&ledger, &query, u64::MAX).unwrap()
    };
    let ((rows, few), (_, many)) = (of(100), of(1_000));
    assert_eq!(rows, 180, "all but the zeros, which are not above -0");
    assert!(many > 5 * few && many < 11 * few, "{few} {many}");
}

#[test]
fn a_query_ends_with_its_transactions_work() {
    let (_ledgers, ledger) = temporary();
    documents(&ledger, 1_000);
    let slow: Vec<_> = (0..2_000).map(|n| format!(r#"{{"a":{{"$lt":-{n}.5}}}}"#)).collect();
    let slow = format!(r#"{{"selector":{{"$or":[{}]}}}}"#, slow.join(","));
    for query in
        [slow.as_str(), r#"{"selector":{"a":{"$gt":99}}}"#, r#"{"selector":{},"skip":1e9}"#]
    {
        let query = query.replace("1e9", "1000000000");
        let limit = 1_500_000;
        let error = run(&ledger, &query, limit).unwrap_err();
        assert!(matches!(error, LedgerError::Exhausted(Exhausted::Work { .. })), "{error}");
        assert!(error.is_of_this_peer(), "so nothing is endorsed");
    }
    let meter = Arc::new(Meter::new(u64::MAX, Instant::now()));
    let mut sim = ledger.simulator("tx").metered(meter);
    let late = sim.rich_query("ns", r#"{"selector":{}}"#).unwrap_err();
    assert!(matches!(late, LedgerError::Exhausted(Exhausted::Time)), "{late}");
}

#[test]
fn expressions_are_paid_for_by_the_byte_and_by_the_state() {
    let (_ledgers, ledger) = temporary();
    let text = "01".repeat(20_000);
    let document = format!(r#"{{"t":"{text}"}}"#);
    let rwset = puts(&ledger, &[("long", &document), ("short", r#"{"t":""}"#)]);
    commit(&ledger, &[("document", rwset)]);
    let query = |key: &str, regex: &str| {
        let selector = format!(r#"{{"_id":"{key}","t":{{"$regex":"{regex}"}}}}"#);
        format!(r#"{{"selector":{selector}}}"#)
    };
    // Returns the additional cost of a long text.
    let added = |regex: &str| {
        let [(_, long), (_, short)] =
            ["long", "short"].map(|key| run(&ledger, &query(key, regex), u64::MAX).unwrap());
        long - short
    };
    let least = 4 * (document.len() + text.len()) as u64;
    let plain = added("x");
    assert!(plain > least - 100 && plain < least + 20_000, "{plain} {least}");
    // The automaton of this expression has a new state at each of the first 300 bytes.
    let hard = "0[01]{300}11";
    assert!(added(hard) > least + 500_000);
    let (rows, used) = run(&ledger, &query("long", hard), u64::MAX).unwrap();
    assert_eq!(rows, 0);
    assert!(run(&ledger, &query("long", hard), used - 1).is_err());
    // Two thousand equal expressions are compiled once.
    let same = repeated(r#"{"t":{"$regex":"\\pL{20}7"}}"#, 2_000);
    let same = format!(r#"{{"selector":{{"$and":[{same}]}}}}"#);
    let (rows, once) = run(&ledger, &same, u64::MAX).unwrap();
    assert_eq!(rows, 0);
    // Compiling is charged, too.
    assert!(once > 16 * 64 * 1024, "{once}");
}

#[test]
fn deep_and_huge_documents_are_found_and_cost_what_they_weigh() {
    let (_ledgers, ledger) = temporary();
    let deep = format!(r#"{{"d":1,"x":{}{}}}"#, "[".repeat(9_000), "]".repeat(9_000));
    let wide = format!(r#"{{"d":1,"x":[{}0]}}"#, "0,".repeat(100_000));
    let huge = format!(r#"{{"d":1,"x":{}}}"#, "9".repeat(300));
    let too_deep = format!(r#"{{"d":1,"x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let rwset =
        puts(&ledger, &[("deep", &deep), ("huge", &huge), ("over", &too_deep), ("wide", &wide)]);
    commit(&ledger, &[("documents", rwset)]);
    let index = r#"{"index":{"fields":["x"]},"name":"x"}"#;
    let index = IndexDefinition::parse(index.as_bytes()).unwrap();
    ledger.define_indexes("ns", "", &[index]).unwrap();
    let all = r#"{"selector":{"d":1}}"#;
    let (rows, used) = run(&ledger, all, u64::MAX).unwrap();
    assert_eq!(rows, 3, "all but the one that Go does not accept as JSON");
    assert!(used > 4 * (deep.len() + wide.len() + huge.len()) as u64);
    assert_eq!(run(&ledger, r#"{"selector":{"x":{"$gt":[0]}}}"#, u64::MAX).unwrap().0, 2);
    assert_eq!(run(&ledger, r#"{"selector":{"x":{"$lt":[]}}}"#, u64::MAX).unwrap().0, 1);
    let all_match = r#"{"selector":{"x":{"$allMatch":{"$type":"number"}}}}"#;
    assert_eq!(run(&ledger, all_match, u64::MAX).unwrap().0, 1);
    assert!(run(&ledger, all_match, used + 100_000).is_err());
}

#[test]
fn open_queries_have_only_so_much_memory() {
    let (_ledgers, ledger) = temporary();
    let ors = repeated(r#"{"a":{"$gt":1}}"#, 30_000);
    let query = format!(r#"{{"selector":{{"$or":[{ors}]}}}}"#);
    let mut sim = ledger.simulator("tx");
    let mut open: Vec<_> = std::iter::from_fn(|| sim.rich_query("ns", &query).ok()).collect();
    assert!(open.len() > 2 && open.len() < 10, "{}", open.len());
    let refused = sim.rich_query("ns", &query).unwrap_err().to_string();
    assert!(refused.contains("bytes of memory for open rich queries"), "{refused}");
    sim.close_range(open.pop().unwrap());
    let last = sim.rich_query("ns", &query).unwrap();
    // A query at its end uses no memory, even if it is read again.
    assert_eq!((sim.next_row(last).unwrap(), sim.next_row(last).unwrap()), (None, None));
    assert!(sim.rich_query("ns", &query).is_ok());
}

#[test]
fn bookmarks_are_only_so_long() {
    let (_ledgers, ledger) = temporary();
    documents(&ledger, 3);
    let mut sim = ledger.simulator("tx");
    for bookmark in ["00".repeat(MIB), "zz".into(), "deadbeef".into(), "é".repeat(500_001)] {
        let page = sim.rich_page("ns", r#"{"selector":{}}"#, 10, &bookmark, MIB);
        let refused = page.unwrap_err().to_string();
        assert!(refused.contains("Error:invalid_bookmark,"), "{refused}");
        assert!(refused.len() < 400);
    }
}

#[test]
fn definitions_of_indexes_are_bounded_too() {
    let filter = |selector: &str| {
        let names = r#""ddoc":"d","name":"n""#;
        let index = format!(r#"{{"fields":["a"],"partial_filter_selector":{selector}}}"#);
        let json = format!(r#"{{"index":{index},{names}}}"#);
        IndexDefinition::parse(json.as_bytes()).map_err(|error| error.to_string())
    };
    let refused = filter(&format!(r#"{{"$and":[{}]}}"#, repeated(r#"{"a":1}"#, 300))).unwrap_err();
    assert!(refused.contains("at most 256 conditions in a selector"), "{refused}");
    let regexes: Vec<_> =
        (0..60).map(|n| format!(r#"{{"a":{{"$regex":"\\pL{{9}}{n}"}}}}"#)).collect();
    let refused = filter(&format!(r#"{{"$and":[{}]}}"#, regexes.join(","))).unwrap_err();
    assert!(refused.contains("more than 1048576 bytes when compiled"), "{refused}");
    let deep = format!(r#"{{"a":{}1{}}}"#, r#"{"$not":"#.repeat(70), "}".repeat(70));
    assert!(filter(&deep).unwrap_err().contains("more than 64 deep"));

    // A document for which the filter takes too long is left out of the index; the others are in
    // it.
    let (_ledgers, ledger) = temporary();
    let slow = filter(r#"{"t":{"$regex":"0[01]{300}(00|$)"}}"#).unwrap();
    ledger.define_indexes("ns", "", &[slow]).unwrap();
    let document = |text: &str| format!(r#"{{"a":1,"t":"{text}"}}"#);
    let long = document(&"01".repeat(100_000));
    let short = document(&format!("0{}", "1".repeat(300)));
    let rwset = puts(&ledger, &[("long", &long), ("short", &short)]);
    commit(&ledger, &[("documents", rwset)]);
    assert_eq!(run(&ledger, r#"{"selector":{"a":1}}"#, u64::MAX).unwrap().0, 2);
    let partial = r#"{"selector":{"a":1},"use_index":["d","n"]}"#;
    let (rows, used) = run(&ledger, partial, u64::MAX).unwrap();
    assert_eq!(rows, 1, "the long document takes more than a filter may");
    assert!(run(&ledger, partial, used - 1).is_err());
}

#[test]
fn loops_over_any_call_end_with_the_work() {
    let (_ledgers, ledger) = temporary();
    documents(&ledger, 300);
    let metered = || {
        let meter = Arc::new(Meter::new(3_000_000, Instant::now() + HOUR));
        ledger.simulator("tx").metered(meter)
    };
    let mut sim = metered();
    let reads = (0..100_000).find_map(|_| sim.get_state("ns", "k00001").err());
    let mut sim = metered();
    let ranges = (0..100_000).find_map(|_| {
        let range = match sim.range("ns", "", "") {
            Ok(range) => range,
            Err(error) => return Some(error),
        };
        std::iter::from_fn(|| sim.next_row(range).transpose()).find_map(Result::err)
    });
    let mut sim = metered();
    let writes = (0..100_000).find_map(|_| sim.put_state("ns", "w", b"{}".to_vec()).err());
    let sim = metered();
    let histories = (0..100_000).find_map(|_| match sim.history("ns", "k00001") {
        Ok(mut history) => history.find_map(Result::err),
        Err(error) => Some(error),
    });
    let mut sim = metered();
    let hashes = (0..100_000).find_map(|_| sim.get_private_data_hash("ns", "c", "k").err());
    let mut sim = metered();
    let query = r#"{"selector":{}}"#;
    let private = (0..100_000).find_map(|_| sim.private_rich_query("ns", "c", query).err());
    let mut sim = metered();
    let queries = (0..100_000).find_map(|_| sim.rich_query("ns", query).err());
    for (call, ended) in [
        ("reads", reads),
        ("ranges", ranges),
        ("writes", writes),
        ("histories", histories),
        ("hashes", hashes),
        ("private queries", private),
        ("queries", queries),
    ] {
        assert!(matches!(ended, Some(LedgerError::Exhausted(_))), "{call}: {ended:?}");
    }
}
