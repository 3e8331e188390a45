//! Rich queries of a simulator: rows, records, pages, refusals.

use std::sync::Arc;

use crate::rich::IndexDefinition;
use crate::test_support::{commit, puts, small_config, temporary, temporary_with};
use crate::{Ledger, LedgerConfig, LedgerError, Simulator};

/// Marbles of two owners, and values that are not JSON objects.
fn marbles(ledger: &Arc<Ledger>, count: usize) {
    let key = |number: usize| format!("m{number:04}");
    let value = |number: usize| {
        let owner = if number.is_multiple_of(2) { "tom" } else { "jerry" };
        format!(r#"{{"owner": "{owner}", "size": {}, "color": "c{}"}}"#, number % 10, number % 3)
    };
    let marbles: Vec<_> = (0..count).map(|number| (key(number), value(number))).collect();
    let mut rows: Vec<_> = marbles.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    rows.extend([("text", "tom"), ("list", "[{\"owner\": \"tom\"}]"), ("null", "null")]);
    let rwset = puts(ledger, &rows);
    commit(ledger, &[("marbles", rwset)]);
}

fn index(json: &str) -> IndexDefinition {
    IndexDefinition::parse(json.as_bytes()).unwrap()
}

fn keys(sim: &mut Simulator, query: &str) -> Vec<String> {
    let rows = sim.rich_query("ns", query).unwrap_or_else(|error| panic!("{query}: {error}"));
    std::iter::from_fn(|| sim.next_row(rows).unwrap()).map(|row| row.key).collect()
}

fn refusal<T>(result: Result<T, LedgerError>) -> String {
    result.err().expect("a refusal").to_string()
}

#[test]
fn rows_come_in_the_order_of_keys_and_are_recorded_as_reads() {
    let (_ledgers, ledger) = temporary();
    marbles(&ledger, 6);
    let mut sim = ledger.simulator("tx");
    let rows = sim.rich_query("ns", r#"{"selector": {"owner": "tom"}}"#).unwrap();
    let first = sim.next_row(rows).unwrap().unwrap();
    assert_eq!(first.key, "m0000");
    assert_eq!(first.value, br#"{"owner": "tom", "size": 0, "color": "c0"}"#);
    assert_eq!(sim.next_row(rows).unwrap().unwrap().key, "m0002");
    sim.close_range(rows);
    assert!(matches!(sim.next_row(rows), Err(LedgerError::UnknownRange)));
    let public = sim.finish().public;
    let ns = &public.namespaces["ns"];
    let reads: Vec<_> = ns.reads.iter().map(|read| read.key.as_str()).collect();
    assert_eq!(reads, ["m0000", "m0002"], "only the requested rows");
    assert!(ns.reads.iter().all(|read| read.version.as_ref().unwrap().block_num == 1));
    assert!(ns.range_queries.is_empty());
}

#[test]
fn a_query_reads_neither_other_namespaces_nor_its_own_writes() {
    let (_ledgers, ledger) = temporary();
    marbles(&ledger, 2);
    let mut sim = ledger.simulator("tx");
    sim.put_state("ns", "m0000", b"{\"owner\": \"me\"}".to_vec()).unwrap();
    sim.delete_state("ns", "m0001").unwrap();
    assert_eq!(keys(&mut sim, r#"{"selector": {"owner": "me"}}"#), [""; 0]);
    let all = r#"{"selector": {"owner": {"$exists": true}}}"#;
    assert_eq!(keys(&mut sim, all), ["m0000", "m0001"]);
    let other = sim.rich_query("other", r#"{"selector": {}}"#).unwrap();
    assert_eq!(sim.next_row(other).unwrap(), None);
    assert_eq!(
        keys(&mut sim, r#"{"selector": {"_id": {"$gt": "m0000"}}}"#),
        ["m0001", "null", "text"]
    );
    assert_eq!(keys(&mut sim, r#"{"selector": {"_id": "m0000", "size": 0}}"#), ["m0000"]);
}

/// Checks, indexes and queries agree which values are documents, and read them equally.
#[test]
fn what_go_takes_for_json_is_found_however_it_is_written() {
    let values = [
        ("half", br#"{"docType":"post","title":"hi \ud83d"}"#.to_vec()),
        ("pair", br#"{"docType":"post","title":"hi \ud83d\ude00"}"#.to_vec()),
        ("byte", b"{\"docType\":\"post\",\"title\":\"hi \xff\"}".to_vec()),
        ("twice", br#"{"docType":"draft","docType":"post"}"#.to_vec()),
        ("name", b"{\"docType\":\"post\",\"\xfe\":1}".to_vec()),
        // Go's parser does not accept these as JSON objects.
        ("mark", b"\xef\xbb\xbf{\"docType\":\"post\"}".to_vec()),
        ("huge", br#"{"docType":"post","n":1e400}"#.to_vec()),
        ("more", br#"{"docType":"post"} {}"#.to_vec()),
    ];
    let (_ledgers, ledger) = temporary();
    let commit_all = |tx: &str| {
        let mut sim = ledger.simulator(tx);
        for (key, value) in &values {
            sim.put_state("ns", key, value.clone()).unwrap();
        }
        commit(&ledger, &[(tx, sim.finish().public)]);
    };
    commit_all("one");
    let found = || {
        let mut sim = ledger.simulator("tx");
        let by = |sim: &mut Simulator, selector: &str| {
            let query = format!(r#"{{"selector": {selector}}}"#);
            keys(sim, &query).join(" ")
        };
        assert_eq!(by(&mut sim, r#"{"docType": "post"}"#), "byte half name pair twice");
        assert_eq!(by(&mut sim, "{\"title\": \"hi \u{fffd}\"}"), "byte half");
        assert_eq!(by(&mut sim, r#"{"title": "hi \ud83d"}"#), "byte half");
        assert_eq!(by(&mut sim, r#"{"title": "hi \ud83d\ude00"}"#), "pair");
        assert_eq!(by(&mut sim, "{\"\u{fffd}\": 1}"), "name");
        assert_eq!(by(&mut sim, r#"{"docType": "draft"}"#), "");
        // A whole value is returned as it was written, fields as they were parsed.
        let rows = sim.rich_query("ns", r#"{"selector": {"_id": "byte"}}"#).unwrap();
        assert_eq!(sim.next_row(rows).unwrap().unwrap().value, values[2].1);
        let title = r#"{"selector": {"_id": "byte"}, "fields": ["title"]}"#;
        let rows = sim.rich_query("ns", title).unwrap();
        let value = sim.next_row(rows).unwrap().unwrap().value;
        assert_eq!(String::from_utf8(value).unwrap(), "{\"title\":\"hi \u{fffd}\"}");
    };
    found();
    // Indexes of existing documents, and of later ones.
    let by_type = r#"{"index": {"fields": ["docType"]}, "name": "type"}"#;
    let by_title = r#"{"index": {"fields": ["title"]}, "name": "title"}"#;
    ledger.define_indexes("ns", "", &[index(by_type), index(by_title)]).unwrap();
    found();
    commit_all("two");
    found();
    // Text after the object is ignored, as in Go's decoder.
    let mut sim = ledger.simulator("tx");
    assert_eq!(keys(&mut sim, r#"{"selector": {"docType": "post"}} and more"#).len(), 5);
    assert!(refusal(sim.rich_query("ns", "null")).contains("must be a JSON object"));
}

#[test]
fn fields_change_the_value_and_not_what_is_recorded() {
    let (_ledgers, ledger) = temporary();
    marbles(&ledger, 1);
    let mut sim = ledger.simulator("tx");
    let query = r#"{"selector": {"owner": "tom"}, "fields": ["size", "_id", "nothing"]}"#;
    let rows = sim.rich_query("ns", query).unwrap();
    assert_eq!(sim.next_row(rows).unwrap().unwrap().value, br#"{"size":0}"#);
    assert_eq!(sim.finish().public.namespaces["ns"].reads.len(), 1);
}

#[test]
fn limit_has_no_effect_and_skip_has() {
    let (_ledgers, ledger) = temporary();
    marbles(&ledger, 10);
    let mut sim = ledger.simulator("tx");
    assert_eq!(keys(&mut sim, r#"{"selector": {"owner": "tom"}, "limit": 2}"#).len(), 5);
    let skipped = keys(&mut sim, r#"{"selector": {"owner": "tom"}, "skip": 3}"#);
    assert_eq!(skipped, ["m0006", "m0008"]);
    assert_eq!(keys(&mut sim, r#"{"selector": {"owner": "tom"}, "skip": 9}"#), [""; 0]);
}

#[test]
fn a_sort_needs_an_index() {
    let (_ledgers, ledger) = temporary();
    marbles(&ledger, 6);
    let by_size = r#"{"selector": {"owner": "tom"}, "sort": [{"size": "desc"}]}"#;
    let mut sim = ledger.simulator("tx");
    assert_eq!(
        refusal(sim.rich_query("ns", by_size)),
        "error handling CouchDB request. Error:no_usable_index,  Status Code:400,  Reason:No index \
         exists for this sort, try indexing by the sort fields."
    );
    let by_key = r#"{"selector": {"owner": "tom"}, "sort": [{"_id": "desc"}]}"#;
    assert!(refusal(sim.rich_query("ns", by_key)).contains("No index exists for this sort"));
    let by_key =
        r#"{"selector": {"owner": "tom", "_id": {"$gt": null}}, "sort": [{"_id": "desc"}]}"#;
    assert_eq!(keys(&mut sim, by_key), ["m0004", "m0002", "m0000"]);
    let definition = r#"{"index": {"fields": ["size"]}, "ddoc": "d", "name": "size"}"#;
    assert_eq!(ledger.define_indexes("ns", "", &[index(definition)]).unwrap(), 1);
    assert_eq!(keys(&mut sim, by_size), ["m0004", "m0002", "m0000"]);
    let ascending = r#"{"selector": {"owner": "tom"}, "sort": ["size"]}"#;
    assert_eq!(keys(&mut sim, ascending), ["m0000", "m0002", "m0004"]);
    let all = r#"{"selector": {}, "sort": [{"size": "desc"}]}"#;
    assert_eq!(keys(&mut sim, all), ["m0005", "m0004", "m0003", "m0002", "m0001", "m0000"]);
}

/// Fabric's peer stores such a value as the attachment of a document that has only the key.
#[test]
fn a_value_that_is_no_object_is_a_document_without_fields() {
    let (_ledgers, ledger) = temporary();
    marbles(&ledger, 1);
    let found = || {
        let mut sim = ledger.simulator("tx");
        assert_eq!(keys(&mut sim, r#"{"selector": {}}"#), ["list", "m0000", "null", "text"]);
        let by_key = r#"{"selector": {"_id": {"$gt": "m"}}}"#;
        assert_eq!(keys(&mut sim, by_key), ["m0000", "null", "text"]);
        let without = r#"{"selector": {"owner": {"$exists": false}}}"#;
        assert_eq!(keys(&mut sim, without), ["list", "null", "text"]);
        assert_eq!(keys(&mut sim, r#"{"selector": {"0.owner": "tom"}}"#), [""; 0]);
        for (fields, value) in [("", "tom"), (r#", "fields": ["owner"]"#, "{}")] {
            let query = format!(r#"{{"selector": {{"_id": "text"}}{fields}}}"#);
            let rows = sim.rich_query("ns", &query).unwrap();
            assert_eq!(sim.next_row(rows).unwrap().unwrap().value, value.as_bytes());
        }
    };
    found();
    let by_key = r#"{"index": {"fields": ["_id"]}, "name": "key"}"#;
    ledger.define_indexes("ns", "", &[index(by_key)]).unwrap();
    found();
}

#[test]
fn pages_follow_each_other_and_exclude_writes() {
    let (_ledgers, ledger) = temporary();
    marbles(&ledger, 10);
    for indexed in [false, true] {
        if indexed {
            let definition = r#"{"index": {"fields": ["owner", "size"]}, "name": "i"}"#;
            ledger.define_indexes("ns", "", &[index(definition)]).unwrap();
        }
        for order in ["", r#", "sort": [{"_id": "desc"}]"#, r#", "sort": [{"size": "desc"}]"#] {
            if !indexed && order.contains("size") || indexed && order.contains("_id") {
                continue;
            }
            let selector = r#"{"owner": "tom", "_id": {"$gt": ""}}"#;
            let query = format!(r#"{{"selector": {selector}{order}}}"#);
            let all = keys(&mut ledger.simulator("tx"), &query);
            let (mut bookmark, mut found, mut pages) = (String::new(), Vec::new(), 0);
            loop {
                let mut sim = ledger.simulator("tx");
                let page = sim.rich_page("ns", &query, 2, &bookmark, usize::MAX).unwrap();
                assert_eq!(
                    sim.finish().public.namespaces.values().map(|ns| ns.reads.len()).sum::<usize>(),
                    page.rows.len(),
                    "a page is all that is read"
                );
                pages += 1;
                if page.rows.is_empty() {
                    assert_eq!(page.bookmark, bookmark, "without rows the bookmark stays");
                    break;
                }
                found.extend(page.rows.into_iter().map(|row| row.key));
                bookmark = page.bookmark;
            }
            assert_eq!((found, pages), (all, 4), "{query} {indexed}");
        }
    }
    let mut sim = ledger.simulator("tx");
    let page =
        sim.rich_page("ns", r#"{"selector": {"owner": "nobody"}}"#, 2, "", usize::MAX).unwrap();
    assert_eq!(page.bookmark, "nil");
    let first =
        sim.rich_page("ns", r#"{"selector": {"color": "c0"}}"#, 2, "nil", usize::MAX).unwrap();
    assert_eq!(first.rows.len(), 2);
    assert!(refusal(sim.put_state("ns", "k", vec![1])).contains("already performed a paginated"));
    let mut sim = ledger.simulator("tx");
    sim.put_state("ns", "k", vec![1]).unwrap();
    let refused = refusal(sim.rich_page("ns", r#"{"selector": {}}"#, 2, "", usize::MAX));
    assert!(refused.contains("Paginated queries are supported only in a read-only"), "{refused}");
    assert_eq!(keys(&mut sim, r#"{"selector": {}}"#).len(), 13, "not a paginated query");
}

#[test]
fn bookmarks_that_are_none_are_refused() {
    let (_ledgers, ledger) = temporary();
    marbles(&ledger, 10);
    let query = r#"{"selector": {"owner": "tom"}}"#;
    let mut sim = ledger.simulator("tx");
    let scanned = sim.rich_page("ns", query, 2, "", usize::MAX).unwrap().bookmark;
    for bad in ["x", "00", "ffffffff00", "é", &scanned[..6], &scanned[1..]] {
        let refused = refusal(sim.rich_page("ns", query, 2, bad, usize::MAX));
        assert!(refused.contains("Error:invalid_bookmark"), "{bad}: {refused}");
    }
    // A forged bookmark does not lead to rows outside the query.
    let order = &scanned[..8];
    for made_up in [format!("{order}ff"), format!("{order}00"), order.to_owned()] {
        sim.rich_page("ns", query, 2, &made_up, usize::MAX).unwrap();
    }
    let definition = r#"{"index": {"fields": ["owner"]}, "name": "i"}"#;
    ledger.define_indexes("ns", "", &[index(definition)]).unwrap();
    let refused = refusal(sim.rich_page("ns", query, 2, &scanned, usize::MAX));
    assert!(refused.contains("Error:invalid_bookmark"), "another order: {refused}");
}

#[test]
fn limits_have_their_texts() {
    let (_ledgers, ledger) = temporary_with(LedgerConfig {
        max_query_bytes: 40,
        max_examined_values: 5,
        total_query_limit: 3,
        max_indexes: 1,
        ..small_config()
    });
    marbles(&ledger, 9);
    let mut sim = ledger.simulator("tx");
    assert_eq!(keys(&mut sim, r#"{"selector": {}}"#).len(), 3);
    let rows = sim.rich_query("ns", r#"{"selector": {"x": 1}}"#).unwrap();
    assert_eq!(
        refusal(sim.next_row(rows)),
        "a rich query may examine at most 5 values; an index reduces their number"
    );
    let long = format!(r#"{{"selector": {{"x": {:>30}}}}}"#, 1);
    assert_eq!(
        refusal(sim.rich_query("ns", &long)),
        "a rich query of 51 bytes is longer than the limit of 40 bytes"
    );
    let [a, b] = ["a", "b"]
        .map(|name| index(&format!(r#"{{"index": {{"fields": ["{name}"]}}, "name": "{name}"}}"#)));
    ledger.define_indexes("ns", "", &[a]).unwrap();
    let refused = refusal(ledger.define_indexes("ns", "", &[b]));
    assert_eq!(refused, "chaincode ns may have at most 1 indexes");
}

#[test]
fn a_peer_may_be_without_rich_queries() {
    let (_ledgers, ledger) = temporary_with(LedgerConfig { rich_queries: false, ..small_config() });
    let mut sim = ledger.simulator("tx");
    let text = "ExecuteQuery not supported for leveldb";
    assert_eq!(refusal(sim.rich_query("ns", r#"{"selector": {}}"#)), text);
    assert_eq!(refusal(sim.rich_page("ns", r#"{"selector": {}}"#, 1, "", usize::MAX)), text);
}
