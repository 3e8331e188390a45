//! Indexes: definitions, maintenance by commits, building, replacing, and the tools.

use std::sync::Arc;

use crate::rich::IndexDefinition;
use crate::rich::collation::MAX_ENCODED;
use crate::rich::index::Index;
use crate::rich::plan::QueryPlan;
use crate::rich::query::RichQuery;
use crate::rich::space::{DEFINITION, ENTRY, Space};
use crate::store::Batch;
use crate::test_support::{CHANNEL, commit, genesis, puts, small_config, temporary};
use crate::{Ledger, LedgerFolder, Ledgers};

fn define(ledger: &Ledger, definitions: &[&str]) -> usize {
    let parse = |json: &&str| IndexDefinition::parse(json.as_bytes()).unwrap();
    let definitions: Vec<_> = definitions.iter().map(parse).collect();
    ledger.define_indexes("ns", "", &definitions).unwrap()
}

fn keys(ledger: &Arc<Ledger>, query: &str) -> Vec<String> {
    let mut sim = ledger.simulator("tx");
    let rows = sim.rich_query("ns", query).unwrap_or_else(|error| panic!("{query}: {error}"));
    std::iter::from_fn(|| sim.next_row(rows).unwrap()).map(|row| row.key).collect()
}

/// The numbers of entries and definitions in the table.
fn rows(ledger: &Ledger) -> (usize, usize) {
    let count = |kind: u8| ledger.table.range(&[kind], &[kind + 1]).count();
    (count(ENTRY), count(DEFINITION))
}

/// Returns the name of the index that a query reads, and the warnings about it.
fn planned(ledger: &Ledger, query: &str) -> (Option<String>, Vec<String>) {
    let query = RichQuery::parse(query, 10_000).unwrap();
    let set = ledger.indexes.get();
    let plan = QueryPlan::new(&query, &Space::public("ns"), set.of("ns", "")).unwrap();
    (plan.index.map(|index: Arc<Index>| index.definition.full_name()), plan.warnings)
}

const BY_OWNER: &str = r#"{"index": {"fields": ["owner"]}, "ddoc": "d", "name": "owner"}"#;
const BY_SIZE: &str = r#"{"index": {"fields": [{"size": "desc"}]}, "ddoc": "d", "name": "size"}"#;

#[test]
fn definitions_are_fabrics() {
    for (json, error) in [
        ("[]", "not a JSON object"),
        ("{}", "must include a \"fields\" definition"),
        (r#"{"index": {"fields": []}}"#, "must include a \"fields\" definition"),
        (r#"{"index": []}"#, "\"index\" must be a JSON"),
        (r#"{"index": {"fields": "a"}}"#, "Expecting a JSON array of fields"),
        (r#"{"index": {"fields": [1]}}"#, "Invalid sort field"),
        (r#"{"index": {"fields": [{"a": "up"}]}}"#, "Invalid sort direction"),
        (r#"{"index": {"fields": ["a", {"b": "desc"}]}}"#, "single direction"),
        (r#"{"index": {"fields": ["a"], "x": 1}}"#, "Invalid Entry.  Entry x"),
        (r#"{"index": {"fields": ["a"]}, "x": 1}"#, "Invalid Entry.  Entry x"),
        (r#"{"index": {"fields": ["a"]}, "type": "text"}"#, "Index type must be json"),
        (r#"{"index": {"fields": ["a"]}, "name": 1}"#, "\"name\" must be a string"),
        (
            r#"{"index": {"fields": ["a"], "partial_filter_selector": {"a": {"$x": 1}}}}"#,
            "Invalid operator: $x (at partial_filter_selector.a.$x)",
        ),
    ] {
        let refused = IndexDefinition::parse(json.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(error), "{json}: {refused}");
    }
    let many = vec!["\"a\""; 17].join(",");
    let many = format!(r#"{{"index": {{"fields": [{many}]}}}}"#);
    assert!(IndexDefinition::parse(many.as_bytes()).is_err());
    let long = format!(r#"{{"index": {{"fields": ["{}"]}}}}"#, "a".repeat(70_000));
    assert!(IndexDefinition::parse(long.as_bytes()).is_err());
    let unnamed = IndexDefinition::parse(br#"{"index": {"fields": ["a"]}, "type": "json"}"#);
    assert_eq!(unnamed.unwrap().full_name().len(), 81);
}

#[test]
fn commits_maintain_an_index() {
    let (_ledgers, ledger) = temporary();
    define(&ledger, &[BY_OWNER]);
    let change = |rows: &[(&str, &str)]| {
        let rwset = puts(&ledger, rows);
        commit(&ledger, &[(&format!("tx{}", ledger.height()), rwset)]);
    };
    change(&[("a", r#"{"owner": "tom"}"#), ("b", r#"{"owner": "eve"}"#), ("c", "7")]);
    assert_eq!(rows(&ledger), (2, 1));
    let toms = r#"{"selector": {"owner": "tom"}}"#;
    assert_eq!(planned(&ledger, toms).0.as_deref(), Some("d/owner"));
    assert_eq!(keys(&ledger, toms), ["a"]);
    change(&[("b", r#"{"owner": "tom"}"#), ("a", r#"{"owner": "tom", "x": 1}"#)]);
    assert_eq!(keys(&ledger, toms), ["a", "b"]);
    change(&[("a", ""), ("b", r#"{"no": "owner"}"#), ("d", r#"{"owner": null}"#)]);
    assert_eq!(keys(&ledger, toms), [""; 0]);
    assert_eq!(keys(&ledger, r#"{"selector": {"owner": null}}"#), ["d"]);
    assert_eq!(rows(&ledger), (1, 1));
}

#[test]
fn an_index_on_data_that_is_there_is_built_in_batches() {
    let (_ledgers, ledger) = temporary();
    let value = |size: usize| format!(r#"{{"size": {size}}}"#);
    let many: Vec<_> = (0..2500).map(|i| (format!("k{i:05}"), value(i % 100))).collect();
    let many: Vec<_> = many.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let rwset = puts(&ledger, &many);
    commit(&ledger, &[("tx", rwset)]);
    assert_eq!(define(&ledger, &[BY_SIZE, BY_OWNER]), 2);
    assert_eq!(rows(&ledger), (2500, 2));
    assert_eq!(define(&ledger, &[BY_SIZE, BY_OWNER]), 0, "they are known");
    let found = keys(&ledger, r#"{"selector": {"size": {"$gte": 98}}, "sort": ["size"]}"#);
    assert_eq!((found.len(), found[0].as_str()), (50, "k00098"));
    let indexes = ledger.indexes_of("ns");
    assert_eq!((indexes[0].collection.as_str(), indexes[0].name.as_str()), ("", "d/owner"));
    assert!(indexes[0].is_built);
    // An index with another definition replaces it.
    define(&ledger, &[r#"{"index": {"fields": ["color"]}, "ddoc": "d", "name": "size"}"#]);
    assert_eq!(rows(&ledger), (0, 2));
    assert_eq!(ledger.indexes_of("ns").len(), 2);
}

#[test]
fn blocks_are_committed_while_an_index_is_built_and_queries_do_without_it() {
    let (_ledgers, ledger) = temporary();
    let many: Vec<_> = (0..1500).map(|i| (format!("k{i:05}"), r#"{"size": 1}"#)).collect();
    let many: Vec<_> = many.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    let rwset = puts(&ledger, &many);
    commit(&ledger, &[("tx", rwset)]);
    let definition = [IndexDefinition::parse(BY_SIZE.as_bytes()).unwrap()];
    assert_eq!(ledger.declare_indexes("ns", "", &definition).unwrap(), 1);
    let sorted = r#"{"selector": {"size": {"$gt": 0}}, "sort": ["size"]}"#;
    let batches = std::cell::Cell::new(0);
    let may_go_on = || {
        batches.set(batches.get() + 1);
        let mut sim = ledger.simulator("query");
        let error = sim.rich_query("ns", sorted).err().unwrap().to_string();
        assert!(error.contains("Index d/size is still being built, try again later."), "{error}");
        assert_eq!(keys(&ledger, r#"{"selector": {"size": {"$gt": 1}}}"#).len(), batches.get() - 1);
        let key = format!("k{:05}", batches.get());
        let rwset = puts(&ledger, &[(&key, r#"{"size": 2}"#)]);
        commit(&ledger, &[(&key, rwset)]);
        batches.get() < 4
    };
    assert!(ledger.build_indexes(may_go_on).unwrap());
    assert_eq!(batches.get(), 2, "of 1,000 and of 500 documents");
    let found = keys(&ledger, sorted);
    assert_eq!((found.len(), &found[1498..]), (1500, &["k00001".to_owned(), "k00002".into()][..]));
    // The build starts again where it was interrupted.
    let definition = [IndexDefinition::parse(BY_OWNER.as_bytes()).unwrap()];
    ledger.declare_indexes("ns", "", &definition).unwrap();
    assert!(!ledger.build_indexes(|| false).unwrap());
    assert!(!ledger.indexes_of("ns")[0].is_built);
    ledger.finish_indexes().unwrap();
    assert!(ledger.indexes_of("ns")[0].is_built);
}

#[test]
fn a_query_notices_that_its_index_was_replaced() {
    let (_ledgers, ledger) = temporary();
    let rwset = puts(&ledger, &[("a", r#"{"size": 1}"#), ("b", r#"{"size": 2}"#)]);
    commit(&ledger, &[("tx", rwset)]);
    define(&ledger, &[BY_SIZE]);
    let mut sim = ledger.simulator("tx");
    let rows = sim.rich_query("ns", r#"{"selector": {"size": {"$gt": 0}}}"#).unwrap();
    assert_eq!(sim.next_row(rows).unwrap().unwrap().key, "a");
    define(&ledger, &[BY_OWNER]);
    assert_eq!(sim.next_row(rows).unwrap().unwrap().key, "b", "another index does not affect it");
    let rows = sim.rich_query("ns", r#"{"selector": {"size": {"$gt": 0}}}"#).unwrap();
    define(&ledger, &[r#"{"index": {"fields": ["x"]}, "ddoc": "d", "name": "size"}"#]);
    let error = sim.next_row(rows).unwrap_err().to_string();
    assert_eq!(error, "index d/size was replaced while a query read it");
}

#[test]
fn the_index_is_chosen_that_fits_best() {
    let (_ledgers, ledger) = temporary();
    let definition = |fields: &str, name: &str| {
        format!(r#"{{"index": {{"fields": [{fields}]}}, "ddoc": "{name}", "name": "n"}}"#)
    };
    let definitions = [
        definition(r#""a""#, "a"),
        definition(r#""a", "b""#, "ab"),
        definition(r#""a", "b", "c""#, "abc"),
        definition(r#""c""#, "c"),
        // The names of these design documents compare differently with the slash after them.
        definition(r#""k""#, "k-b"),
        definition(r#""k""#, "k"),
    ];
    define(&ledger, &definitions.each_ref().map(String::as_str));
    define(
        &ledger,
        &[r#"{"index": {"fields": ["a"], "partial_filter_selector": {"z": 1}},
        "ddoc": "part", "name": "n"}"#],
    );
    for (query, index) in [
        (r#"{"selector": {"a": 1}}"#, Some("a/n")),
        (r#"{"selector": {"a": 1, "b": 2}}"#, Some("ab/n")),
        (r#"{"selector": {"a": 1, "b": {"$exists": true}}}"#, Some("ab/n")),
        (r#"{"selector": {"a": 1, "b": {"$regex": "x"}}}"#, Some("a/n")),
        (r#"{"selector": {"k": 1}}"#, Some("k/n")),
        (r#"{"selector": {"a": 1, "b": 2}, "use_index": "ab"}"#, Some("ab/n")),
        (r#"{"selector": {"a": 1, "b": 2}, "use_index": ["_design/ab", "n"]}"#, Some("ab/n")),
        (r#"{"selector": {"a": 1}, "use_index": "part"}"#, Some("part/n")),
        (r#"{"selector": {"a": 1}, "sort": ["a"]}"#, Some("a/n")),
        (r#"{"selector": {"a": 1}, "sort": ["b"]}"#, Some("ab/n")),
        (r#"{"selector": {"a": 1, "b": {"$gt": 1}}, "sort": ["b", "c"]}"#, Some("abc/n")),
        (r#"{"selector": {"c": {"$regex": "x"}}}"#, Some("c/n")),
        (r#"{"selector": {"$or": [{"c": 1}, {"c": 2, "z": 1}]}}"#, Some("c/n")),
        (r#"{"selector": {"$or": [{"c": 1}, {"z": 2}]}}"#, None),
        (r#"{"selector": {"b": 1}}"#, None),
        (r#"{"selector": {"a": {"$exists": false}}}"#, None),
        (r#"{"selector": {}}"#, None),
        (r#"{"selector": {}, "sort": ["a"]}"#, Some("a/n")),
    ] {
        let (found, warnings) = planned(&ledger, query);
        assert_eq!(found.as_deref(), index, "{query}");
        let none = "No matching index found, create an index to optimize query time.";
        assert_eq!(warnings.contains(&none.to_owned()), index.is_none(), "{query}");
    }
    let (found, warnings) = planned(&ledger, r#"{"selector": {"a": 1}, "use_index": "ab"}"#);
    assert_eq!(found.as_deref(), Some("a/n"));
    assert_eq!(
        warnings,
        ["_design/ab was not used because it does not contain a valid index for this query."]
    );
    let mut sim = ledger.simulator("tx");
    for query in [
        r#"{"selector": {"a": {"$gt": 1}}, "sort": ["b"]}"#,
        r#"{"selector": {"b": 1}, "sort": ["a"], "use_index": "a", "allow_fallback": false}"#,
        r#"{"selector": {}, "sort": ["b"]}"#,
    ] {
        let refused = sim.rich_query("ns", query).map(|_| ()).map_err(|error| error.to_string());
        let refused =
            refused.err().unwrap_or_else(|| format!("nothing: {:?}", planned(&ledger, query)));
        let expected = refused.contains("Error:no_usable_index") || query.contains("\"b\": 1");
        assert!(expected, "{query}: {refused}");
    }
}

#[test]
fn long_values_are_found_and_sorted_as_far_as_they_are_indexed() {
    let (_ledgers, ledger) = temporary();
    define(&ledger, &[BY_OWNER]);
    let long = "x".repeat(MAX_ENCODED * 3);
    let values = ["c", "b", "a"].map(|end| format!(r#"{{"owner": "{long}{end}"}}"#));
    let written = [("k1", values[0].as_str()), ("k2", &values[1]), ("k3", &values[2])];
    let rwset = puts(&ledger, &written);
    commit(&ledger, &[("tx", rwset)]);
    let query = format!(r#"{{"selector": {{"owner": "{long}b"}}}}"#);
    assert_eq!(keys(&ledger, &query), ["k2"]);
    let query = format!(r#"{{"selector": {{"owner": {{"$lt": "{long}c"}}}}}}"#);
    assert_eq!(keys(&ledger, &query), ["k2", "k3"]);
    let query = format!(r#"{{"selector": {{"owner": {{"$beginsWith": "{long}"}}}}}}"#);
    assert_eq!(keys(&ledger, &query).len(), 3);
}

#[test]
fn a_partial_index_holds_what_its_filter_wants() {
    let (_ledgers, ledger) = temporary();
    define(
        &ledger,
        &[r#"{"index": {"fields": ["size"],
        "partial_filter_selector": {"sold": {"$ne": true}}}, "ddoc": "open", "name": "n"}"#],
    );
    let written = [
        ("a", r#"{"size": 1, "sold": true}"#),
        ("b", r#"{"size": 1, "sold": false}"#),
        ("c", r#"{"size": 1}"#),
    ];
    let rwset = puts(&ledger, &written);
    commit(&ledger, &[("tx", rwset)]);
    assert_eq!(keys(&ledger, r#"{"selector": {"size": 1}}"#), ["a", "b", "c"]);
    assert_eq!(keys(&ledger, r#"{"selector": {"size": 1}, "use_index": "open"}"#), ["b"]);
}

#[test]
fn an_index_with_an_empty_list_as_its_filter_holds_all_and_is_a_partial_one() {
    let (_ledgers, ledger) = temporary();
    define(
        &ledger,
        &[r#"{"index": {"fields": ["size"],
        "partial_filter_selector": {"$and": []}}, "ddoc": "d", "name": "n"}"#],
    );
    let rwset = puts(&ledger, &[("a", r#"{"size": 9}"#), ("b", r#"{"size": 5}"#)]);
    commit(&ledger, &[("tx", rwset)]);
    assert_eq!(keys(&ledger, r#"{"selector": {"size": {"$gt": 0}}}"#), ["a", "b"]);
    let named = r#"{"selector": {"size": {"$gt": 0}}, "use_index": "d"}"#;
    assert_eq!(keys(&ledger, named), ["b", "a"]);
}

#[test]
fn an_interrupted_build_goes_on_and_tools_take_indexes_for_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Ledgers::open(dir.path(), small_config()).unwrap();
    let ledgers = open();
    let ledger = ledgers.create(&genesis()).unwrap();
    let rwset = puts(&ledger, &[("a", r#"{"size": 1, "owner": "x"}"#), ("b", r#"{"size": 2}"#)]);
    commit(&ledger, &[("tx1", rwset)]);
    define(&ledger, &[BY_SIZE, BY_OWNER]);
    assert_eq!(rows(&ledger), (3, 2));
    // As if the build had stopped before the first batch.
    let mut batch = Batch::default();
    let entry = ledger.table.range(&[ENTRY], &[ENTRY + 1]).next().unwrap().unwrap();
    batch.delete(entry.0);
    let (row, value) =
        ledger.table.range(&[DEFINITION], &[DEFINITION + 1]).next().unwrap().unwrap();
    let value = String::from_utf8(value).unwrap().replace("\"built\"", "\"building\"");
    batch.put(row, value.into_bytes());
    ledger.table.apply(batch).unwrap();
    drop((ledger, ledgers));

    let verify = || {
        let folder = LedgerFolder::open(dir.path(), small_config()).unwrap();
        let channel = folder.channel(CHANNEL).unwrap();
        folder.verify(&channel, &mut |_| {}).unwrap()
    };
    assert_eq!(verify().faults, [], "it is unknown how complete the index is");
    let ledgers = open();
    let ledger = ledgers.get(CHANNEL).unwrap();
    assert_eq!(rows(&ledger).0, 2);
    assert_eq!(ledger.indexes_of("ns").iter().filter(|index| index.is_built).count(), 1);
    let rwset = puts(&ledger, &[("c", r#"{"size": 3, "owner": "y"}"#)]);
    commit(&ledger, &[("tx2", rwset)]);
    ledger.finish_indexes().unwrap();
    assert_eq!(rows(&ledger), (5, 2));
    drop((ledger, ledgers));
    assert_eq!(verify().faults, []);

    let folder = LedgerFolder::open(dir.path(), small_config()).unwrap();
    folder.rebuild(&mut |_, _| {}).unwrap();
    let ledgers = open();
    let ledger = ledgers.get(CHANNEL).unwrap();
    assert_eq!(rows(&ledger), (5, 2));
    assert_eq!(keys(&ledger, r#"{"selector": {"size": {"$gt": 1}}}"#), ["b", "c"]);
    // Once the index counts as complete, a missing entry is a fault.
    let mut batch = Batch::default();
    let entry = ledger.table.range(&[ENTRY], &[ENTRY + 1]).next().unwrap().unwrap();
    batch.delete(entry.0);
    ledger.table.apply(batch).unwrap();
    drop((ledger, ledgers));
    let faults = verify().faults;
    assert_eq!(faults.len(), 1);
    assert!(faults[0].reason.starts_with("an entry of index"), "{}", faults[0].reason);
}

#[test]
fn indexes_that_are_of_no_use_any_more_stop_no_channel() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Ledgers::open(dir.path(), small_config()).unwrap();
    let ledgers = open();
    let ledger = ledgers.create(&genesis()).unwrap();
    let rwset = puts(&ledger, &[("a", r#"{"size": 1, "owner": "x"}"#), ("b", r#"{"size": 2}"#)]);
    commit(&ledger, &[("tx1", rwset)]);
    define(&ledger, &[BY_SIZE, BY_OWNER]);
    // One index whose documents were read differently by an earlier version, and one whose
    // definition is refused now.
    let stored: Vec<_> = ledger.table.range(&[DEFINITION], &[DEFINITION + 1]).flatten().collect();
    let mut batch = Batch::default();
    for ((row, value), (from, to)) in
        stored.into_iter().zip([("\"reader\":2", "\"reader\":0"), ("fields", "felder")])
    {
        let value = String::from_utf8(value).unwrap();
        assert!(value.contains(from), "{value}");
        batch.put(row, value.replace(from, to).into_bytes());
    }
    ledger.table.apply(batch).unwrap();
    drop((ledger, ledgers));
    let ledgers = open();
    let ledger = ledgers.get(CHANNEL).unwrap();
    assert_eq!(ledger.indexes_of("ns"), []);
    let useless = ledger.indexes.get().useless.clone();
    let texts: Vec<&str> = useless.iter().map(|(_, why)| why.as_str()).collect();
    let [earlier, refused] = texts[..] else { panic!("{texts:?}") };
    assert!(earlier.ends_with("was made by an earlier version and is being rebuilt"), "{earlier}");
    assert!(refused.starts_with("this version refuses the definition of an index: "), "{refused}");
    let all = r#"{"selector": {"size": {"$gt": 0}}}"#;
    assert_eq!(keys(&ledger, all), ["a", "b"]);
    ledger.finish_indexes().unwrap();
    assert_eq!(rows(&ledger), (0, 0));
    assert_eq!(define(&ledger, &[BY_SIZE, BY_OWNER]), 2);
    assert_eq!((rows(&ledger), keys(&ledger, all)), ((3, 2), vec!["a".into(), "b".into()]));
}

#[test]
fn of_indexes_of_objects_only_those_of_keys_alone_and_with_a_filter_are_built_again() {
    const FILTERED: &str = r#"{"index": {"fields": ["size"], "partial_filter_selector":
        {"parts": {"$elemMatch": {"m": {"$not": {"$eq": 1}}}}}}, "ddoc": "d", "name": "part"}"#;
    const BY_KEY: &str = r#"{"index": {"fields": ["_id"]}, "ddoc": "d", "name": "key"}"#;
    let dir = tempfile::tempdir().unwrap();
    let open = || Ledgers::open(dir.path(), small_config()).unwrap();
    let ledgers = open();
    let ledger = ledgers.create(&genesis()).unwrap();
    let rwset = puts(&ledger, &[("a", r#"{"size": 1}"#), ("b", "7")]);
    commit(&ledger, &[("tx1", rwset)]);
    define(&ledger, &[BY_SIZE, BY_KEY, FILTERED]);
    assert_eq!(rows(&ledger), (3, 3), "a value that is not an object has a key, too");
    let mut batch = Batch::default();
    for (row, value) in ledger.table.range(&[DEFINITION], &[DEFINITION + 1]).flatten() {
        let value = String::from_utf8(value).unwrap();
        assert!(value.contains("\"reader\":2"), "{value}");
        batch.put(row, value.replace("\"reader\":2", "\"reader\":1").into_bytes());
    }
    ledger.table.apply(batch).unwrap();
    drop((ledger, ledgers));
    let ledgers = open();
    let ledger = ledgers.get(CHANNEL).unwrap();
    let useless = ledger.indexes.get().useless.clone();
    let [(_, key), (_, part)] = &useless[..] else { panic!("{useless:?}") };
    assert!(key.starts_with("index d/key was made by an earlier version"), "{key}");
    assert!(part.starts_with("index d/part was made by an earlier version"), "{part}");
}
