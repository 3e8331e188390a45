//! Tests of rich queries. The expected values come from a peer.

use super::{Path, Query, path};
use crate::error::Refusal;
use crate::types::KeyValue;

const DOCUMENTS: [(&str, &str); 9] = [
    ("a0", r#"{"size":9,"owner":"tom","tags":[],"n":{"x":1,"z":[1,{"w":"q"}]}}"#),
    ("a1", r#"{"size":10,"owner":"ann","tags":["red",1,null]}"#),
    ("a2", r#"{"size":100,"owner":"tom","tags":["red","blue"],"f":9007199254740993}"#),
    ("a3", r#"{"size":2,"owner":"bob","tags":[["x"]],"f":-0.0}"#),
    ("a4", r#"{"size":33,"owner":"tom & <co>","f":4.0}"#),
    ("b0", r#"{"size":"10","owner":["tom"],"f":-7}"#),
    ("b1", r#"{"size":null,"owner":{"tom":1}}"#),
    ("b2", r#"{"size":true,"f":1.5e-9}"#),
    ("b3", "[1]"),
];

fn rows() -> Vec<KeyValue> {
    let row = |(key, value): &(&str, &str)| KeyValue { key: (*key).into(), value: (*value).into() };
    DOCUMENTS.iter().map(row).collect()
}

fn indexes(fields: &[&[&str]]) -> Vec<Vec<Path>> {
    let path = |field: &&str| path(&[], field).unwrap_or_else(|_| panic!("{field}"));
    fields.iter().map(|fields| fields.iter().map(path).collect()).collect()
}

fn run(query: &str, fields: &[&[&str]]) -> Result<Vec<KeyValue>, String> {
    let found = Query::parse(query).and_then(|query| query.run(rows(), &indexes(fields), 99));
    found.map(|found| found.rows).map_err(|refusal| match refusal {
        Refusal::InvalidArgument(words) => words,
        other => format!("another kind: {other:?}"),
    })
}

fn keys(query: &str, fields: &[&[&str]]) -> String {
    let rows = run(query, fields).unwrap_or_else(|why| panic!("{query}: {why}"));
    rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn selectors_mean_what_they_mean_to_a_peer() {
    for (selector, expected) in [
        (r#"{"size":{"$gt":null}}"#, "a0 a1 a2 a3 a4 b0 b2"),
        (r#"{"size":{"$lt":"a"}}"#, "a0 a1 a2 a3 a4 b0 b1 b2"),
        (r#"{"size":9,"$or":[]}"#, "a0"),
        (r#"{"size":9,"$nor":[]}"#, "a0"),
        (r#"{"$or":[]}"#, ""),
        (r#"{"size":{"$or":[]}}"#, ""),
        // Without a field name, conditions apply to the document, which also has its key.
        (r#"{"$or":[{},{"size":9}]}"#, "a0"),
        (r#"{"$and":[{"$gt":5}],"size":9}"#, "a0"),
        (r#"{"$and":[1]}"#, ""),
        (r#"{"$not":{"$and":[]}}"#, ""),
        (r#"{"$and":[{"$or":[]}],"size":9}"#, "a0"),
        // Unlike a document, an element that lacks the field matches the negation.
        (r#"{"n.z":{"$elemMatch":{"v":{"$not":{"$eq":1}}}}}"#, "a0"),
        (r#"{"n.z":{"$elemMatch":{"v":{"$ne":1}}}}"#, ""),
        (r#"{"n.z":{"$allMatch":{"$not":{"w":"q"}}}}"#, ""),
        (r#"{"tags":{"$elemMatch":{"$nor":["x"]}}}"#, ""),
        (r#"{"tags":{"$elemMatch":{"$or":[{"$nor":["x"]}]}}}"#, ""),
        // Members of a value without members neither exist nor are missing.
        (r#"{"size.x":{"$exists":false}}"#, "b3"),
        (r#"{"n.x.y":{"$exists":false}}"#, "a1 a2 a3 a4 b0 b1 b2 b3"),
        // A value that is not an object is found by its key, and by missing members.
        (r#"{"_id":{"$gte":"b2"}}"#, "b2 b3"),
        (r#"{"0":1}"#, ""),
        (r#"{"n.z.1.w":"q"}"#, "a0"),
        (r#"{"f":0}"#, "a3"),
        (r#"{"f":{"$mod":[4,0]}}"#, "a2 a3 a4"),
        (r#"{"tags":{"$all":[["x"]]}}"#, "a3"),
        (r#"{"tags":{"$elemMatch":{"$not":{"$type":"string"}}}}"#, "a1 a3"),
        (r#"{"owner":{"$keyMapMatch":{"$eq":"tom"}}}"#, "b1"),
        (r#"{"size":{"$not":{"$not":{"$mod":[5,0]}}}}"#, "a1 a2"),
    ] {
        assert_eq!(keys(&format!(r#"{{"selector":{selector}}}"#), &[]), expected, "{selector}");
    }
}

#[test]
fn an_index_orders_the_rows_if_the_selector_requires_its_fields() {
    let both: &[&[&str]] = &[&["size"], &["owner", "size"]];
    for (query, expected) in [
        (r#"{"selector":{"size":{"$gt":null}},"sort":["size"]}"#, "b2 a3 a0 a1 a4 a2 b0"),
        (r#"{"selector":{"size":{"$gt":5}},"sort":[{"size":"desc"}],"skip":1}"#, "a2 a4 a1 a0"),
        (r#"{"selector":{"size":{"$gte":10}}}"#, "a1 a4 a2 b0"),
        (r#"{"selector":{"owner":"tom"},"sort":["size"]}"#, "a0 a2"),
        (r#"{"selector":{},"sort":["size"]}"#, "b1 b2 a3 a0 a1 a4 a2 b0"),
        (r#"{"selector":{"size":{"$gt":null},"owner":{"$gt":null}}}"#, "a1 a3 a0 a2 a4 b0"),
        (r#"{"selector":{"_id":{"$lt":"a2"}},"sort":[{"_id":"desc"}]}"#, "a1 a0"),
        (r#"{"selector":{"owner":"tom"},"use_index":"any"}"#, "a0 a2"),
    ] {
        assert_eq!(keys(query, both), expected, "{query}");
    }
    for query in [
        r#"{"selector":{},"sort":["owner"]}"#,
        r#"{"selector":{"f":{"$gt":0}},"sort":["owner"]}"#,
        r#"{"selector":{"f":{"$gt":0}},"sort":["_id"]}"#,
        r#"{"selector":{},"sort":["owner"],"use_index":"d","allow_fallback":false}"#,
    ] {
        let refused = run(query, both).unwrap_err();
        assert!(refused.contains("Error:no_usable_index,"), "{query}: {refused}");
    }
    for (query, reason) in [
        (
            r#"{"selector":{"f":0},"use_index":"d","allow_fallback":false}"#,
            "_design/d specified by",
        ),
        (r#"{"selector":{"f":0},"use_index":"d/n","allow_fallback":false}"#, "_design/d, n spec"),
        (r#"{"selector":{"f":0},"allow_fallback":false}"#, "You must specify an index"),
    ] {
        let refused = run(query, both).unwrap_err();
        assert!(refused.contains("Error:invalid_index,"), "{query}: {refused}");
        assert!(refused.contains(reason), "{query}: {refused}");
    }
    // The order by key and an index: there is a choice.
    assert_eq!(keys(r#"{"selector":{"size":9},"allow_fallback":false}"#, both), "a0");
    // Indexes have no names here, so a name cannot select one.
    let named = r#"{"selector":{"size":9,"owner":"tom"},"use_index":"d"}"#;
    assert!(run(named, both).unwrap_err().contains("no names of indexes (use_index)"));
}

#[test]
fn fields_come_back_as_a_peer_writes_them() {
    for (key, fields, expected) in [
        ("a4", r#"["size","owner","_id"]"#, r#"{"owner":"tom \u0026 \u003cco\u003e","size":33}"#),
        ("a2", r#"["f","nothing"]"#, r#"{"f":9007199254740992}"#),
        ("b2", r#"["f"]"#, r#"{"f":1.5e-9}"#),
        ("a0", r#"["n.z.1.w","n.nothing","size.x"]"#, r#"{"n":{"z":{"1":{"w":"q"}}}}"#),
        ("a0", r#"["n.z","n.z.1"]"#, r#"{"n":{"z":[1,{"w":"q"}]}}"#),
        ("a0", r#"["n.z.1","n.z"]"#, r#"{"n":{"z":[1,{"w":"q"}]}}"#),
    ] {
        let query = format!(r#"{{"selector":{{"_id":"{key}"}},"fields":{fields}}}"#);
        let rows = run(&query, &[]).unwrap();
        let values = rows.iter().map(|row| String::from_utf8_lossy(&row.value));
        assert_eq!(values.collect::<Vec<_>>(), [expected], "{fields}");
    }
}

#[test]
fn a_bookmark_is_a_place_in_one_order() {
    let index = indexes(&[&["size"]]);
    let text = r#"{"selector":{"size":{"$gt":1}},"sort":[{"size":"desc"}]}"#;
    let page = |text: &str, rows: Vec<KeyValue>, bookmark: &str| {
        let mut query = Query::parse(text)?;
        query.go_on_after(bookmark);
        let found = query.run(rows, &index, 2)?;
        let keys: Vec<_> = found.rows.into_iter().map(|row| row.key).collect();
        Ok::<_, Refusal>((keys.join(" "), found.bookmark))
    };
    let (keys, first) = page(text, rows(), "").unwrap();
    assert_eq!(keys, "b0 a2");
    // Deleted rows leave no gap.
    let fewer: Vec<_> = rows().into_iter().filter(|row| row.key != "a2").collect();
    let (keys, second) = page(text, fewer, &first).unwrap();
    assert_eq!(keys, "a4 a1");
    let (keys, third) = page(text, rows(), &second).unwrap();
    assert_eq!(keys, "a0 a3");
    assert_eq!(page(text, rows(), &third).unwrap(), (String::new(), third.clone()));
    let none = r#"{"selector":{"size":"none"}}"#;
    assert_eq!(page(none, rows(), "").unwrap(), (String::new(), "nil".to_owned()));
    let inside = text.replacen('{', &format!(r#"{{"bookmark":"{second}","#), 1);
    assert_eq!(page(&inside, rows(), "").unwrap().0, "a0 a3");
    let other = text.replace("desc", "asc");
    for (text, bookmark) in [(&*other, &*first), (text, "a3"), (text, "é"), (text, "5b5d")] {
        let Err(Refusal::InvalidArgument(words)) = page(text, rows(), bookmark) else { panic!() };
        assert!(words.contains("Error:invalid_bookmark,"), "{words}");
    }
}

#[test]
fn refusals_have_the_words_of_a_peer() {
    for (query, words) in [
        ("[]", "a rich query must be a JSON object: it is another value"),
        ("", "a rich query must be a JSON object: "),
        (r#"{"selector":1}"#, "Selector must be a JSON object, not: 1 (at selector)"),
        (r#"{"selector":{"$gt":5}}"#, "One or more conditions is missing a field name."),
        (r#"{"selector":{"$not":{"$gt":5}}}"#, "One or more conditions is missing a field name."),
        (r#"{"selector":{"a":{"$text":"b"}}}"#, "Error:not_supported,"),
        (r#"{"selector":{"a":{"$in":5.0}}}"#, "operator $in: 5 (at selector.a.$in)"),
        (r#"{"selector":{"a":{"$elemMatch":5}}}"#, "Bad argument for operator $elemMatch: 5"),
        (r#"{"selector":{},"fields":"a"}"#, "fields definition must be an array"),
        (r#"{"selector":{},"fields":[1]}"#, "Invalid JSON for field spec: 1"),
        (r#"{"selector":{},"sort":{"a":1}}"#, r#"sort specs, not: {"a":1}"#),
    ] {
        let refused = run(query, &[]).unwrap_err();
        assert!(refused.contains(words), "{query}: {refused}");
    }
}

#[test]
fn halves_of_surrogate_pairs_are_read_as_a_peer_reads_them() {
    let values: [&[u8]; 3] =
        [br#"{"a":"\ud83d"}"#, b"{\"a\":\"\xff\"}", br#"{"a":"\ud83d\ude00"}"#];
    let rows = || {
        let row =
            |(at, value): (usize, &&[u8])| KeyValue { key: at.to_string(), value: value.to_vec() };
        values.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    for (selector, expected) in [
        (r#"{"a":"\ud83d"}"#, "0 1"),
        ("{\"a\":\"\u{fffd}\"}", "0 1"),
        ("{\"a\":\"\u{1f600}\"}", "2"),
        (r#"{"a":{"$exists":true}}"#, "0 1 2"),
    ] {
        let query =
            Query::parse(&format!("{{\"selector\":{selector}}}")).unwrap_or_else(|_| panic!());
        let found = query.run(rows(), &[], 99).unwrap_or_else(|_| panic!()).rows;
        let keys = found.iter().map(|row| row.key.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(keys, expected, "{selector}");
    }
    let query = Query::parse(r#"{"selector":{"_id":"0"},"fields":["a"]}"#);
    let found = query.and_then(|query| query.run(rows(), &[], 99)).unwrap_or_else(|_| panic!());
    assert_eq!(found.rows[0].value, "{\"a\":\"\u{fffd}\"}".as_bytes());
}
