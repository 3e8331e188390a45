//! Random documents, selectors and sorts. A ledger, with indexes and without, returns the same as a
//! list of all documents. So does a simulation that stays open while blocks change the documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::json::Json;
use crate::rich::IndexDefinition;
use crate::rich::collation::encode;
use crate::rich::field::{Document, FoundValue};
use crate::rich::query::RichQuery;
use crate::rich::work::QueryWork;
use crate::test_support::{commit, puts, temporary};
use crate::{Ledger, RangeId, Simulator};

/// The documents by key.
type World = BTreeMap<String, Value>;

/// A query, its iterator, and the keys that it has returned so far.
type Begun = (Value, RangeId, Vec<String>);

const FIELDS: [&str; 3] = ["a", "b", "c.d"];

fn value(random: &mut StdRng) -> Value {
    match random.random_range(0..9) {
        0 => Value::Null,
        1 => json!(random.random_bool(0.5)),
        2..=4 => json!(random.random_range(-2..4)),
        5 => json!(f64::from(random.random_range(-4..8)) / 2.0),
        6 | 7 => json!((["", "x", "xy", "y", "\0", "é"][random.random_range(0..6)])),
        _ => json!([random.random_range(0..2), "x"]),
    }
}

fn document(random: &mut StdRng) -> Value {
    let mut document = json!({"n": random.random_range(0..5)});
    for field in ["a", "b"] {
        if random.random_bool(0.8) {
            document[field] = value(random);
        }
    }
    if random.random_bool(0.7) {
        document["c"] = json!({"d": value(random)});
    }
    document
}

fn condition(random: &mut StdRng) -> Value {
    match random.random_range(0..14) {
        0..=2 => value(random),
        3 => json!({"$gt": value(random)}),
        4 => json!({"$gte": value(random)}),
        5 => json!({"$lt": value(random)}),
        6 => json!({"$lte": value(random)}),
        7 => json!({"$gt": value(random), "$lte": value(random)}),
        8 => json!({"$ne": value(random)}),
        9 => json!({"$in": [value(random), value(random)]}),
        10 => json!({"$exists": random.random_bool(0.7)}),
        11 => json!({"$beginsWith": (["", "x", "y"][random.random_range(0..3)])}),
        12 => json!({"$not": {"$type": "string"}}),
        _ => json!({"$or": [value(random), {"$gt": value(random)}]}),
    }
}

fn selector(random: &mut StdRng) -> Value {
    let field = |random: &mut StdRng| {
        let name = FIELDS[random.random_range(0..3)];
        json!({name: condition(random)})
    };
    match random.random_range(0..8) {
        0 => json!({}),
        1 => json!({"$or": [field(random), field(random)]}),
        2 => json!({"$nor": [field(random), field(random)]}),
        3..=5 => json!({"$and": [field(random), field(random)]}),
        _ => field(random),
    }
}

/// Makes a random query; if it has a sort, some index has that order.
fn query(random: &mut StdRng) -> Value {
    let mut query = json!({"selector": selector(random)});
    let direction = ["asc", "desc"][random.random_range(0..2)];
    match random.random_range(0..5) {
        0 => query["sort"] = json!([{"a": direction}]),
        1 => query["sort"] = json!([{"a": direction}, {"b": direction}]),
        2 => query["sort"] = json!([{"c.d": direction}]),
        _ => {}
    }
    query
}

/// Returns the sort key of a document; None if it lacks a field of the sort.
fn place(query: &RichQuery, document: Document<'_>) -> Option<Vec<u8>> {
    let mut place = Vec::new();
    for field in &query.sort.fields {
        match field.find(document, &mut QueryWork::of(None)).unwrap() {
            FoundValue::Value(value) => encode(value, &mut place),
            _ => return None,
        }
    }
    Some(place)
}

fn rest(sim: &mut Simulator, rows: RangeId) -> Vec<String> {
    std::iter::from_fn(|| sim.next_row(rows).unwrap()).map(|row| row.key).collect()
}

/// Compares the found keys with the expected result from a list of all documents. Equal documents
/// are in the order of the index.
#[track_caller]
fn compare(found: &[String], world: &World, query: &Value, seed: u64) {
    let parsed = RichQuery::parse(&query.to_string(), 10_000).unwrap();
    let own = |value: &Value| Json::read_document(value.to_string().as_bytes());
    let document =
        |key: &String| place(&parsed, Document { key: Some(key), value: own(&world[key]).value() });
    let places: Option<Vec<_>> = found.iter().map(document).collect();
    let places = places.unwrap_or_else(|| panic!("seed {seed}: {query}: {found:?}"));
    let is_sorted = match parsed.sort.descending {
        false => places.is_sorted(),
        true => places.iter().rev().is_sorted(),
    };
    assert!(is_sorted, "seed {seed}: {query}: {found:?}");
    let mut found = found.to_vec();
    found.sort();
    let wanted = world.iter().filter(|(key, value)| {
        let value = own(value);
        let document = Document { key: Some(key), value: value.value() };
        let is_wanted = parsed.selector.matches(document, &mut QueryWork::of(None)).unwrap();
        is_wanted && place(&parsed, document).is_some()
    });
    let wanted: Vec<_> = wanted.map(|(key, _)| key.clone()).collect();
    assert_eq!(found, wanted, "seed {seed}: {query}");
}

#[track_caller]
fn check(sim: &mut Simulator, world: &World, query: &Value, seed: u64) {
    match sim.rich_query("ns", &query.to_string()) {
        Ok(rows) => compare(&rest(sim, rows), world, query, seed),
        // An index may lack documents that match the selector.
        Err(error) if query.get("sort").is_some() => {
            assert!(error.to_string().contains("no_usable_index"), "seed {seed}: {error}");
        }
        Err(error) => panic!("seed {seed}: {query}: {error}"),
    }
}

/// Commits a block of random changes.
fn change(ledger: &Arc<Ledger>, world: &mut World, random: &mut StdRng) {
    let mut changes = BTreeMap::new();
    for _ in 0..random.random_range(1..12) {
        let key = format!("k{:02}", random.random_range(0..40));
        if random.random_bool(0.2) {
            world.remove(&key);
            changes.insert(key, String::new());
        } else {
            let document = if random.random_bool(0.1) { json!(7) } else { document(random) };
            changes.insert(key.clone(), document.to_string());
            world.insert(key, document);
        }
    }
    let changes: Vec<_> = changes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let rwset = puts(ledger, &changes);
    commit(ledger, &[(&format!("tx{}", ledger.height()), rwset)]);
}

fn define(ledger: &Ledger, random: &mut StdRng) {
    let definitions = [
        r#"{"index": {"fields": ["a"]}, "name": "a"}"#,
        r#"{"index": {"fields": ["a", "b"]}, "name": "ab"}"#,
        r#"{"index": {"fields": ["c.d"]}, "name": "cd"}"#,
        r#"{"index": {"fields": ["b", "_id"]}, "name": "b"}"#,
    ];
    let definition = definitions[random.random_range(0..4)];
    let definition = IndexDefinition::parse(definition.as_bytes()).unwrap();
    ledger.define_indexes("ns", "", &[definition]).unwrap();
}

fn run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let (_ledgers, ledger) = temporary();
    let mut world = World::new();
    // Open simulations, with the documents that they see and a query that has begun.
    let mut open: Vec<(Simulator, World, Option<Begun>)> = Vec::new();
    for step in 0..40 {
        change(&ledger, &mut world, &mut random);
        if random.random_bool(0.15) || step == 20 {
            define(&ledger, &mut random);
        }
        if random.random_bool(0.4) {
            let mut sim = ledger.simulator("tx");
            let query = query(&mut random);
            let begun = sim.rich_query("ns", &query.to_string()).ok().map(|rows| {
                let first = random.random_range(0..4);
                let found = (0..first).filter_map(|_| sim.next_row(rows).unwrap());
                let found = found.map(|row| row.key).collect();
                (query, rows, found)
            });
            open.push((sim, world.clone(), begun));
        }
        for (sim, world, _) in &mut open {
            check(sim, world, &query(&mut random), seed);
        }
        for _ in 0..3 {
            check(&mut ledger.simulator("tx"), &world, &query(&mut random), seed);
        }
        // A simulation ends, and a query that began long ago is read to its end.
        if open.len() > 3 {
            let (mut sim, world, begun) = open.remove(random.random_range(0..3));
            if let Some((query, rows, mut found)) = begun {
                found.extend(rest(&mut sim, rows));
                compare(&found, &world, &query, seed);
            }
        }
    }
}

#[test]
fn a_query_gives_what_its_snapshot_holds() {
    for seed in 0..30 {
        run(seed);
    }
}
