use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Deserialize;

use super::*;

#[derive(Deserialize, Debug, PartialEq)]
struct Whole {
    text: String,
    letter: char,
    small: u8,
    large: u128,
    signed: i64,
    fraction: f64,
    optional: Option<bool>,
    nothing: (),
    pair: (i8, f32),
    wrapped: Wrapped,
    kinds: Vec<Kind>,
    by_number: BTreeMap<u32, i128>,
    by_kind: BTreeMap<Unit, Inner>,
    #[serde(flatten)]
    others: BTreeMap<String, Kind>,
}

#[derive(Deserialize, Debug, PartialEq)]
struct Wrapped(String);

#[derive(Deserialize, Debug, PartialEq)]
struct Inner {
    #[serde(default)]
    count: u16,
    more: Option<Box<Inner>>,
}

#[derive(Deserialize, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    One,
    Two,
}

#[derive(Deserialize, Debug, PartialEq)]
enum Kind {
    Unit,
    New(Option<u32>),
    Tuple(u8, String),
    Struct { a: bool },
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(tag = "type")]
enum Tagged {
    Move { to: (u64, u64) },
    Stop,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Either {
    Number(i32),
    Text(String),
    Object(Inner),
}

const WHOLE: &str = r#"{
    "text": "a \"b\" \u00e9 😀", "letter": "é", "small": 255,
    "large": 340282366920938463463374607431768211455, "signed": -9223372036854775808,
    "fraction": 1.5e3, "optional": null, "nothing": null, "pair": [-1, 2.5], "wrapped": "w",
    "kinds": ["Unit", {"Unit": null}, {"New": 7}, {"New": null}, {"Tuple": [1, "x"]},
        {"Struct": {"a": true}}],
    "by_number": {"7": -170141183460469231731687303715884105728, "8": 1},
    "by_kind": {"Two": {"more": {"count": 3, "more": null}}, "One": {}},
    "x": "Unit", "y": {"New": 1}
}"#;

/// What serde_json alone says, without the number in a text about a floating point number.
fn expected<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| {
        let words = error.to_string();
        match words
            .split_once("floating point `")
            .map(|(begin, rest)| (begin, rest.split_once('`')))
        {
            Some((begin, Some((_, end)))) => format!("{begin}floating point number{end}"),
            _ => words,
        }
    })
}

/// The same value, or a refusal by both.
fn same<T: DeserializeOwned + Debug + PartialEq>(json: &[u8]) -> Option<(String, String)> {
    let shown = String::from_utf8_lossy(json);
    match (from_slice::<T>(json), expected::<T>(json)) {
        (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{shown}"),
        (Err(error), Err(expected)) => return Some((error.to_string(), expected)),
        (read, expected) => panic!("{shown}: {read:?} in place of {expected:?}"),
    }
    None
}

#[test]
fn values_are_those_that_serde_json_reads() {
    assert_eq!(same::<Whole>(WHOLE.as_bytes()), None);
    assert!(same::<Vec<Tagged>>(br#"[{"type":"Stop"},{"to":[1,2],"type":"Move"}]"#).is_none());
    assert!(same::<Vec<Either>>(br#"[1,"x",{"count":2,"more":null}]"#).is_none());
    assert!(same::<serde_json::Value>(WHOLE.as_bytes()).is_none());
}

#[test]
fn each_change_of_a_byte_has_the_outcome_of_serde_json() {
    let mut refusals = 0;
    for at in 0..WHOLE.len() {
        for byte in [b'"', b'1', b'.', b'{', b']', b',', b'n', b'U', 0xff] {
            let mut json = WHOLE.as_bytes().to_vec();
            json[at] = byte;
            refusals += usize::from(same::<Whole>(&json).is_some());
        }
        let cut = &WHOLE.as_bytes()[..at];
        assert!(same::<Whole>(cut).is_some());
    }
    assert!(refusals > 1_000, "{refusals} of them are not JSON of it");
}

#[test]
fn texts_are_those_of_serde_json() {
    let texts = |pair: Option<(String, String)>| {
        let (words, expected) = pair.expect("it is refused");
        // serde_json does not know the place of a list.
        let without_place = |words: &str| words.split(" at line").next().unwrap().to_owned();
        assert_eq!(without_place(&words), without_place(&expected));
        words
    };
    let words = texts(same::<Inner>(br#"{"count":1.5}"#));
    assert_eq!(words, "invalid type: floating point number, expected u16 at line 1 column 12");
    let words = texts(same::<Inner>(br#"{"count":70000}"#));
    assert_eq!(words, "invalid value: integer `70000`, expected u16 at line 1 column 14");
    texts(same::<Inner>(br#"{"count":"x\n"}"#));
    texts(same::<Inner>(br#"{"count":true}"#));
    texts(same::<Inner>(br#"{"count":null}"#));
    texts(same::<Inner>(br#"{"count":1,"count":2}"#));
    texts(same::<Inner>(br#"{"count":1"#));
    texts(same::<Inner>(br#"{"count":1} x"#));
    texts(same::<Wrapped>(b"[]"));
    texts(same::<Unit>(br#""Three""#));
    texts(same::<(u8, u8)>(b"[1]"));
    texts(same::<String>(b"1e400"));
}
