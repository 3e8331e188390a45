//! Tests that compare values and errors with those of serde_json.

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

/// Returns the result of serde_json alone, without the number in errors about a floating point
/// number.
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

/// Asserts that both return the same value or the same error. Errors whose text contains one of
/// `others` may differ.
fn same<T: DeserializeOwned + Debug + PartialEq>(json: &[u8], others: &[&str]) -> Option<String> {
    let shown = String::from_utf8_lossy(json);
    match (from_slice::<T>(json), expected::<T>(json)) {
        (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{shown}"),
        (Err(error), Err(expected)) => {
            let error = error.to_string();
            if !others.iter().any(|words| error.contains(words)) {
                assert_eq!(without_place(&error), without_place(&expected), "{shown}");
            }
            return Some(error);
        }
        (read, expected) => panic!("{shown}: {read:?} in place of {expected:?}"),
    }
    None
}

fn same_value(json: &str) -> Option<String> {
    same::<serde_json::Value>(json.as_bytes(), &[])
}

fn without_place(words: &str) -> &str {
    words.split(" at line").next().unwrap()
}

#[test]
fn values_are_those_that_serde_json_reads() {
    assert_eq!(same::<Whole>(WHOLE.as_bytes(), &[]), None);
    let tagged = br#"[{"type":"Stop"},{"to":[1,2],"type":"Move"}]"#;
    assert_eq!(same::<Vec<Tagged>>(tagged, &[]), None);
    let either = br#"[1,"x",{"count":2,"more":null}]"#;
    assert_eq!(same::<Vec<Either>>(either, &[]), None);
    assert_eq!(same_value(WHOLE), None);
}

#[test]
fn each_change_of_a_byte_has_the_outcome_of_serde_json() {
    // Errors differ in three cases. serde_json reads a 128-bit integer without looking at what
    // follows. It reports the end of an enum differently. This reader checks UTF-8 first.
    let others = [
        "i128",
        "u128",
        "invalid number",
        "expected value",
        "expected ident",
        "control character",
        "trailing characters",
        "invalid unicode",
    ];
    let mut refusals = 0;
    for at in 0..WHOLE.len() {
        for byte in [b'"', b'1', b'.', b'{', b']', b',', b'n', b'U', 0xff] {
            let mut json = WHOLE.as_bytes().to_vec();
            json[at] = byte;
            refusals += usize::from(same::<Whole>(&json, &others).is_some());
        }
        let cut = &WHOLE.as_bytes()[..at];
        assert!(same::<Whole>(cut, &["EOF", "invalid unicode"]).is_some());
    }
    assert!(refusals > 1_000, "{refusals} of them are not JSON of it");
}

#[test]
fn refusals_are_those_of_serde_json() {
    fn refusal<T: DeserializeOwned + Debug + PartialEq>(json: &str) -> String {
        same::<T>(json.as_bytes(), &[]).expect("it is refused")
    }
    let words = refusal::<Inner>("{\"count\":\n 1.5}");
    assert_eq!(words, "invalid type: floating point number, expected u16 at line 2 column 4");
    let words = refusal::<Inner>(r#"{"count":70000}"#);
    assert_eq!(words, "invalid value: integer `70000`, expected u16 at line 1 column 14");
    for member in ["\"x\\n\"", "true", "null", "-1", "1,\"count\":2", "1 2", "{\"a\":1}", "[1]"] {
        refusal::<Inner>(&format!("{{\"count\":{member}}}"));
    }
    refusal::<Inner>(r#"{"count":1"#);
    refusal::<Inner>(r#"{"count":1} x"#);
    refusal::<Inner>(r#"{"others":[1,{"a":nul}]}"#);
    refusal::<Wrapped>("[]");
    refusal::<Unit>(r#""Three""#);
    refusal::<Kind>(r#"{"New""#);
    refusal::<Kind>("[1]");
    refusal::<(u8, u8)>("[1]");
    refusal::<(u8, u8)>("[1,2,3]");
    refusal::<String>("1e400");
    for key in ["x", "", " 1", "1 ", "-1", "300", "1.5", "1"] {
        let read = format!("{{\"{key}\":1}}");
        let _of_numbers = same::<BTreeMap<u8, u8>>(read.as_bytes(), &[]);
        // serde_json's error does not contain the whole name.
        let _of_two = same::<BTreeMap<bool, u8>>(read.as_bytes(), &["expected a boolean"]);
    }
}

#[test]
fn numbers_are_those_that_serde_json_reads() {
    let taken = [
        "0",
        "-0",
        "7",
        "-1",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "0.5",
        "-0.0",
        "1e5",
        "1E+5",
        "12e-3",
        "1.7976931348623157e308",
        "5e-324",
        "2e-324",
        "0.1234567890123456789012345678901234567890",
        "123456789012345678901234567890",
        "9007199254740993.0",
        "1e-400",
        " \t\r\n1 ",
    ];
    for number in taken {
        assert_eq!(same_value(number), None, "{number}");
    }
    let refused = [
        "", "-", "00", "01", "-01", "1.", "1.e5", ".5", "1e", "1e+", "+1", "1e309", "0x1", "1 1",
        "Infinity", "NaN", "-x", "1.x", "1ex",
    ];
    for number in refused {
        assert!(same_value(number).is_some(), "{number}");
        assert!(same::<u16>(number.as_bytes(), &[]).is_some(), "{number}");
    }
    // For both types: a number that is rounded twice may change.
    for number in ["0.1", "16777217", "1.00000017881393432617187499", "3.5e38", "-1e-50"] {
        let _value = same::<f32>(number.as_bytes(), &[]);
        assert_eq!(same::<f64>(number.as_bytes(), &[]), None, "{number}");
    }
}

#[test]
fn strings_are_those_that_serde_json_reads() {
    let taken = [
        r#""""#,
        r#""a""#,
        r#""\"\\\/\b\f\n\r\t""#,
        r#""\u00E9 \u20ac""#,
        r#""a\ud83d\ude00b""#,
        r#""\u0000""#,
        "\"é😀\u{7f}\"",
        r#""\uFFFF\udbff\udfff""#,
    ];
    for text in taken {
        assert_eq!(same_value(text), None, "{text}");
    }
    let refused = [
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\u",
        "\"\\u12",
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\x""#,
        r#""\ud800""#,
        r#""\ud800x""#,
        r#""\ud800\n""#,
        r#""\ud800\ud800""#,
        r#""\udc00""#,
        r#""\ud800\u0041""#,
        "\"\\ud800",
        "\"\\ud800\\",
        "\"\n\"",
        "\"\0\"",
        "'a'",
        "\"a\"b",
    ];
    for text in refused {
        // Errors differ where a text ends in an escape sequence.
        let others = &["invalid escape", "unexpected end of hex escape"];
        assert!(same::<serde_json::Value>(text.as_bytes(), others).is_some(), "{text}");
    }
}

#[test]
fn depth_is_that_of_serde_json() {
    for depth in [127, 128] {
        for (begin, end) in [("[", "]"), ("{\"a\":", "}")] {
            let json = format!("{}1{}", begin.repeat(depth), end.repeat(depth));
            assert_eq!(same_value(&json).is_some(), depth == 128, "{json}");
        }
    }
    // Ignored values may be nested to any depth.
    let ignored = |begin: &str, end: &str| {
        format!("{{\"x\":{}1e999{},\"count\":1}}", begin.repeat(10_000), end.repeat(10_000))
    };
    let list = ignored("[\"]\", ", "]");
    assert_eq!(same::<Inner>(list.as_bytes(), &[]), None);
    assert_eq!(same::<Inner>(ignored("{\"}\": ", "}").as_bytes(), &[]), None);
    assert!(same::<Inner>(&list.as_bytes()[..50_000], &[]).is_some());
}
