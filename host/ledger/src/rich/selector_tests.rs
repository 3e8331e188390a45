//! Every operator, as CouchDB documents it (`_find`, "Selector Syntax").

use serde_json::{Value, json};

use crate::error::QueryError;
use crate::json::Json;
use crate::rich::field::Document;
use crate::rich::selector::{Selector, SelectorBounds};
use crate::rich::work::QueryWork;

fn parse(selector: &Value) -> Result<Selector, QueryError> {
    let json = Json::read(selector.to_string().as_bytes()).unwrap();
    Selector::parse(json.value(), "selector", SelectorBounds::QUERY, &mut 0)
}

fn matches(selector: &Value, document: &Value) -> bool {
    let selector = parse(selector).unwrap_or_else(|e| panic!("{e}"));
    let document = Json::read(document.to_string().as_bytes()).unwrap();
    let document = Document { key: Some("key1"), value: document.value() };
    selector.matches(document, &mut QueryWork::of(None)).unwrap()
}

/// Checks which selectors match a document.
#[track_caller]
fn check(document: Value, cases: &[(Value, bool)]) {
    for (selector, expected) in cases {
        assert_eq!(matches(selector, &document), *expected, "{selector} on {document}");
    }
}

#[test]
fn comparisons_follow_the_order_of_types() {
    check(
        json!({"n": 5, "s": "m", "b": true, "z": null, "a": [1, 2], "o": {"x": 1}}),
        &[
            (json!({"n": {"$lt": 6}}), true),
            (json!({"n": {"$lt": 5}}), false),
            (json!({"n": {"$lte": 5}}), true),
            (json!({"n": {"$eq": 5.0}}), true),
            (json!({"n": {"$eq": "5"}}), false),
            (json!({"n": {"$ne": 4}}), true),
            (json!({"n": {"$ne": 5}}), false),
            (json!({"n": {"$gte": 5}}), true),
            (json!({"n": {"$gt": 5}}), false),
            (json!({"n": {"$lt": "a"}}), true),
            (json!({"n": {"$gt": true}}), true),
            (json!({"s": {"$gt": "l", "$lt": "n"}}), true),
            (json!({"s": {"$gt": "M"}}), true),
            (json!({"b": {"$gt": false}}), true),
            (json!({"z": {"$lt": false}}), true),
            (json!({"z": null}), true),
            (json!({"a": [1, 2]}), true),
            (json!({"a": {"$lt": {}}}), true),
            (json!({"o": {"$eq": {"x": 1}}}), true),
            (json!({"o": {"$gt": {"x": 0, "y": 9}}}), true),
            (json!({"o": {}}), false),
        ],
    );
}

#[test]
fn conditions_may_be_implicit() {
    check(
        json!({"director": "Lars", "imdb": {"rating": 8, "votes": 7}, "a.b": 1, "e": {}}),
        &[
            (json!({}), true),
            (json!({"director": "Lars"}), true),
            (json!({"director": "Lars", "imdb.rating": 8}), true),
            (json!({"director": "Lars", "imdb.rating": 9}), false),
            (json!({"imdb": {"rating": 8}}), true),
            (json!({"imdb": {"rating": {"$gt": 7}, "votes": 7}}), true),
            (json!({"imdb": {"rating": {"$gt": 7}, "votes": 8}}), false),
            (json!({r"a\.b": 1}), true),
            (json!({"a.b": 1}), false),
            (json!({"e": {}}), true),
            (json!({"_id": "key1"}), true),
            (json!({"_id": {"$gt": "key1"}}), false),
            (json!({"imdb": {"$and": [{"rating": 8}, {"votes": {"$lt": 8}}]}}), true),
        ],
    );
}

#[test]
fn combinations_combine() {
    check(
        json!({"year": 1977, "title": "Star Wars", "tags": ["a", "b"]}),
        &[
            (json!({"$and": [{"year": {"$gt": 1970}}, {"year": {"$lt": 1980}}]}), true),
            (json!({"$and": [{"year": {"$gt": 1970}}, {"year": {"$lt": 1975}}]}), false),
            (json!({"$or": [{"year": 1}, {"title": "Star Wars"}]}), true),
            (json!({"$or": [{"year": 1}, {"year": 2}]}), false),
            (json!({"year": {"$or": [1976, 1977]}}), true),
            (json!({"year": {"$not": {"$eq": 1901}}}), true),
            (json!({"$not": {"year": 1977}}), false),
            (json!({"$not": {"year": 1977, "title": "x"}}), true),
            (json!({"$not": {"$not": {"year": 1977}}}), true),
            (json!({"$nor": [{"year": 1901}, {"year": 1905}]}), true),
            (json!({"$nor": [{"year": 1901}, {"year": 1977}]}), false),
            (json!({"$not": {"$nor": [{"year": 1901}, {"year": 1977}]}}), true),
            // Alone, an empty list matches nothing; beside other conditions it changes nothing.
            (json!({"$or": []}), false),
            (json!({"$and": []}), false),
            (json!({"year": {"$or": []}}), false),
            (json!({"year": {"$and": []}}), false),
            (json!({"$not": {"$or": []}}), false),
            (json!({"$and": [{"$or": []}]}), true),
            // Without a field name, conditions apply to the document, which also contains its key.
            (json!({"$or": [{}, {"year": 1977}]}), true),
            (json!({"$or": [{}, {"year": 1}]}), false),
            (json!({"$or": [{"$gt": 5}]}), true),
            (json!({"$and": [1], "year": 1977}), false),
            (json!({"$nor": [{}, {"year": 1}]}), true),
            (json!({"year": 1977, "$or": []}), true),
            (json!({"year": 1977, "$and": []}), true),
        ],
    );
}

#[test]
fn a_missing_field_meets_no_condition_but_that_it_is_missing() {
    check(
        json!({"a": 1, "l": [1]}),
        &[
            (json!({"b": {"$exists": false}}), true),
            (json!({"b": {"$exists": true}}), false),
            (json!({"a": {"$exists": true}}), true),
            (json!({"a": {"$exists": false}}), false),
            (json!({"$not": {"a": {"$exists": false}}}), true),
            (json!({"b": {"$ne": 1}}), false),
            (json!({"$not": {"b": 1}}), false),
            (json!({"$nor": [{"b": 1}]}), false),
            (json!({"b": {"$not": {"$regex": "x"}}}), false),
            (json!({"b": {"$nin": [1]}}), false),
            (json!({"b": {"$lt": 1}}), false),
            (json!({"b": null}), false),
            // A path through a number has no end, so no condition on its end matches.
            (json!({"a.b": {"$exists": false}}), false),
            (json!({"l.7": {"$exists": false}}), false),
            (json!({"l.0": 1}), true),
        ],
    );
}

#[test]
fn values_are_looked_for_in_lists() {
    check(
        json!({"s": "x", "n": 4, "tags": ["red", "big", 3], "e": [], "m": [[1, 2]]}),
        &[
            (json!({"s": {"$in": ["w", "x"]}}), true),
            (json!({"s": {"$in": ["w"]}}), false),
            (json!({"s": {"$in": []}}), false),
            (json!({"s": {"$nin": ["w"]}}), true),
            (json!({"s": {"$nin": ["x"]}}), false),
            (json!({"s": {"$nin": []}}), true),
            (json!({"tags": {"$in": ["big", "small"]}}), true),
            (json!({"tags": {"$in": ["small"]}}), false),
            (json!({"tags": {"$in": [["red", "big", 3]]}}), false),
            (json!({"tags": {"$nin": ["small"]}}), true),
            (json!({"tags": {"$nin": ["red"]}}), false),
            (json!({"tags": {"$all": ["red", 3]}}), true),
            (json!({"tags": {"$all": ["red", "small"]}}), false),
            (json!({"tags": {"$all": [["red", "big", 3]]}}), true),
            (json!({"tags": {"$all": []}}), false),
            (json!({"m": {"$all": [[1, 2]]}}), true),
            (json!({"s": {"$all": ["x"]}}), false),
            (json!({"tags": {"$size": 3}}), true),
            (json!({"tags": {"$size": 2}}), false),
            (json!({"e": {"$size": 0}}), true),
            (json!({"s": {"$size": 1}}), false),
        ],
    );
}

#[test]
fn elements_and_keys_are_matched() {
    check(
        json!({
            "genre": ["Horror", "Comedy"],
            "scores": [80, 90],
            "e": [],
            "parts": [{"n": "a", "q": 1}, {"n": "b", "q": 2}],
            "cameras": {"secondary": 1, "primary": 2},
        }),
        &[
            (json!({"genre": {"$elemMatch": {"$eq": "Horror"}}}), true),
            (json!({"genre": {"$elemMatch": {"$eq": "Drama"}}}), false),
            (json!({"genre": {"$not": {"$elemMatch": {"$eq": "Drama"}}}}), true),
            (json!({"scores": {"$elemMatch": {"$gt": 80, "$lt": 90}}}), false),
            (json!({"scores": {"$elemMatch": {"$gte": 80, "$lt": 90}}}), true),
            (json!({"scores": {"$elemMatch": {"$nor": [80, 90]}}}), false),
            (json!({"scores": {"$elemMatch": {"$nor": [1]}}}), false),
            (json!({"scores": {"$allMatch": {"$nor": [1]}}}), false),
            (json!({"cameras": {"$keyMapMatch": {"$and": [{"$nor": ["x"]}]}}}), false),
            (json!({"$not": {"scores": {"$elemMatch": {"$nor": [1]}}}}), true),
            // An element that lacks the field matches its negation, unlike a document.
            (json!({"parts": {"$elemMatch": {"m": {"$not": {"$eq": 1}}}}}), true),
            (json!({"parts": {"$elemMatch": {"$not": {"m": 1}}}}), true),
            (json!({"parts": {"$allMatch": {"$not": {"q": 1}}}}), false),
            (json!({"parts": {"$allMatch": {"$not": {"m": 1}}}}), true),
            (json!({"parts": {"$elemMatch": {"m": {"$ne": 1}}}}), false),
            (json!({"parts": {"$not": {"$elemMatch": {"$not": {"m": 1}}}}}), false),
            (json!({"parts": {"$elemMatch": {"n": "a", "q": 1}}}), true),
            (json!({"parts": {"$elemMatch": {"n": "a", "q": 2}}}), false),
            (json!({"scores": {"$elemMatch": {"n": "a"}}}), false),
            (json!({"genre": {"$allMatch": {"$type": "string"}}}), true),
            (json!({"genre": {"$allMatch": {"$eq": "Horror"}}}), false),
            (json!({"e": {"$allMatch": {"$eq": 1}}}), false),
            (json!({"parts": {"$allMatch": {"q": {"$gt": 0}}}}), true),
            (json!({"cameras": {"$keyMapMatch": {"$eq": "secondary"}}}), true),
            (json!({"cameras": {"$keyMapMatch": {"$regex": "^prim"}}}), true),
            (json!({"cameras": {"$keyMapMatch": {"$eq": "third"}}}), false),
            (json!({"genre": {"$keyMapMatch": {"$eq": "0"}}}), false),
        ],
    );
}

#[test]
fn types_remainders_and_texts_are_tested() {
    check(
        json!({
            "n": -7, "f": 4.0, "h": 4.5, "s": "Marvel 7", "z": null, "b": false, "a": [], "o": {}
        }),
        &[
            (json!({"n": {"$type": "number"}}), true),
            (json!({"s": {"$type": "string"}}), true),
            (json!({"z": {"$type": "null"}}), true),
            (json!({"b": {"$type": "boolean"}}), true),
            (json!({"a": {"$type": "array"}}), true),
            (json!({"o": {"$type": "object"}}), true),
            (json!({"o": {"$type": "array"}}), false),
            (json!({"o": {"$not": {"$type": "array"}}}), true),
            (json!({"n": {"$mod": [4, -3]}}), true),
            (json!({"n": {"$mod": [4, 1]}}), false),
            (json!({"f": {"$mod": [2, 0]}}), true),
            (json!({"h": {"$mod": [2, 0]}}), false),
            (json!({"s": {"$mod": [2, 0]}}), false),
            (json!({"s": {"$regex": "^Marvel \\d$"}}), true),
            (json!({"s": {"$regex": "arve"}}), true),
            (json!({"s": {"$regex": "(?i)^marvel"}}), true),
            (json!({"s": {"$regex": "^arvel"}}), false),
            (json!({"n": {"$regex": "7"}}), false),
            (json!({"s": {"$beginsWith": "Mar"}}), true),
            (json!({"s": {"$beginsWith": "mar"}}), false),
            (json!({"s": {"$beginsWith": ""}}), true),
            (json!({"n": {"$beginsWith": ""}}), false),
        ],
    );
}

#[test]
fn refusals_say_what_and_where() {
    for (selector, error) in [
        (json!([]), "Error:invalid_selector_json,"),
        (json!({"a": {"$and": 5}}), "Bad argument for operator $and: 5 (at selector.a.$and)"),
        (json!({"$or": {}}), "Bad argument for operator $or: {} (at selector.$or)"),
        (json!({"$nor": 1}), "Bad argument for operator $nor: 1"),
        (json!({"a": {"$not": 5}}), "Bad argument for operator $not: 5"),
        (json!({"a": {"$in": "x"}}), "Bad argument for operator $in: \"x\" (at selector.a.$in)"),
        (json!({"a": {"$nin": 1}}), "Error:bad_arg,  Status Code:400,"),
        (json!({"a": {"$all": 1}}), "operator $all"),
        (json!({"a": {"$exists": 1}}), "operator $exists"),
        (json!({"a": {"$type": 1}}), "operator $type"),
        (json!({"a": {"$size": -1}}), "operator $size"),
        (json!({"a": {"$mod": [0, 1]}}), "operator $mod"),
        (json!({"a": {"$mod": [1.5, 1]}}), "operator $mod"),
        (json!({"a": {"$mod": [1]}}), "operator $mod"),
        (json!({"a": {"$regex": "("}}), "operator $regex: error: unclosed group"),
        (json!({"a": {"$regex": "(?=x)"}}), "look-around"),
        (json!({"a": {"$regex": "(a{1000}){1000}"}}), "bytes when compiled"),
        (json!({"a": {"$regex": "a".repeat(5000)}}), "5000 bytes, more than 4096"),
        (json!({"a": {"$regex": 1}}), "operator $regex: 1"),
        (json!({"a": {"$beginsWith": 1}}), "operator $beginsWith"),
        (json!({"a": {"$elemMatch": 1}}), "operator $elemMatch"),
        (json!({"a": {"$allMatch": []}}), "operator $allMatch"),
        (json!({"a": {"$keyMapMatch": 1}}), "operator $keyMapMatch"),
        (json!({"a": {"$text": "x"}}), "Error:not_supported,"),
        (json!({"a": {"$where": "x"}}), "Unsupported operator: $where (at selector.a.$where)"),
        (json!({"a": {"$like": "x"}}), "Error:invalid_operator,"),
        (json!({"$or": [{"a": 1}, {"b": {"$like": 1}}]}), "(at selector.$or.1.b.$like)"),
        (json!({"$gt": 5}), "One or more conditions is missing a field name."),
        (json!({"$not": {"$gt": 5}}), "missing a field name."),
        (json!({"a..b": 5}), "Invalid field name: \"a..b\""),
        (json!({"": 5}), "Invalid field name"),
    ] {
        let refused = parse(&selector).unwrap_err().to_string();
        assert!(refused.contains(error), "{selector}: {refused}");
    }
}

#[test]
fn selectors_are_only_so_deep() {
    let nested =
        |levels: usize| (0..levels).fold(json!({"a": 1}), |selector, _| json!({"$not": selector}));
    assert!(parse(&nested(60)).is_ok());
    let refused = parse(&nested(100)).unwrap_err().to_string();
    assert!(refused.contains("more than 64 deep"), "{refused}");
}
