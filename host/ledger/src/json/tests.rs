//! Compares the reader with Go's `encoding/json` (`json.Unmarshal` into `map[string]interface{}`),
//! and checks that writes, indexes and queries agree.

use proptest::prelude::*;

use crate::json::{Json, JsonEvent, JsonKind};

fn read(json: &[u8]) -> Option<String> {
    Json::read(json).ok().map(|json| json.to_string())
}

#[test]
fn texts_are_read_as_go_reads_them() {
    for (json, read_as) in [
        (&br#"{}"#[..], "{}"),
        (b" \t\r\n{ \"a\" : [ 1 , null ] } \n", r#"{"a":[1,null]}"#),
        // Bytes that are not UTF-8 become one U+FFFD each.
        (b"{\"a\":\"\xff\"}", "{\"a\":\"\u{fffd}\"}"),
        (b"{\"a\":\"x\xe2\x82y\"}", "{\"a\":\"x\u{fffd}\u{fffd}y\"}"),
        (b"{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\u{fffd}\u{fffd}\u{fffd}\"}"),
        (b"{\"\xc0\":1}", "{\"\u{fffd}\":1}"),
        // Halves of surrogate pairs become one U+FFFD each.
        (br#"{"title":"hi \ud83d"}"#, "{\"title\":\"hi \u{fffd}\"}"),
        (br#"{"a":"\ud83d\ude00"}"#, "{\"a\":\"\u{1f600}\"}"),
        (br#"{"a":"\uD83D\uDE00"}"#, "{\"a\":\"\u{1f600}\"}"),
        (br#"{"a":"\ud83d\ud83d\ude00"}"#, "{\"a\":\"\u{fffd}\u{1f600}\"}"),
        (br#"{"a":"\ude00\ud83d"}"#, "{\"a\":\"\u{fffd}\u{fffd}\"}"),
        (br#"{"a":"\ud83dx"}"#, "{\"a\":\"\u{fffd}x\"}"),
        (br#"{"a":"\ud83d\n"}"#, "{\"a\":\"\u{fffd}\\n\"}"),
        (br#"{"\ud800":1}"#, "{\"\u{fffd}\":1}"),
        // Other escapes.
        (br#"{"a":"\"\\\/\b\f\n\r\t\u0041\u0000"}"#, r#"{"a":"\"\\/\b\f\n\r\tA\u0000"}"#),
        ("{\"a\":\"\u{7f}\u{2028}é\"}".as_bytes(), "{\"a\":\"\u{7f}\u{2028}é\"}"),
        // Of members with the same name, escapes decoded, the last one is used. Members are sorted
        // by name.
        (br#"{"b":1,"a":2,"b":[3]}"#, r#"{"a":2,"b":[3]}"#),
        (br#"{"a":{"x":1},"a":{"y":2}}"#, r#"{"a":{"y":2}}"#),
        (br#"{"b":1,"\u0062":2}"#, r#"{"b":2}"#),
        (b"{\"\xff\":1,\"\xfe\":2}", "{\"\u{fffd}\":2}"),
        (
            br#"[{"c":{"b":1,"a":[{"z":1,"y":2}]},"a":1}]"#,
            r#"[{"a":1,"c":{"a":[{"y":2,"z":1}],"b":1}}]"#,
        ),
        // Numbers are doubles.
        (b"[0,-0,1.50,1E2,1e-2,-7]", "[0,0,1.5,100,0.01,-7]"),
        (b"[1e-999,-1e-400]", "[0,0]"),
        (
            b"[9007199254740993,123456789012345678901234567890]",
            "[9007199254740992,1.2345678901234568e+29]",
        ),
        (b"[0.1,0.10000000000000000555]", "[0.1,0.1]"),
    ] {
        let text = String::from_utf8_lossy(json);
        assert_eq!(read(json).as_deref(), Some(read_as), "{text}");
    }
}

#[test]
fn what_go_does_not_take_is_not_json() {
    for json in [
        &b""[..],
        b" ",
        b"\xef\xbb\xbf{}",
        b"\x0c{}",
        b"{}\0",
        b"{}}",
        b"{} {}",
        b"{",
        b"{\"a\"",
        b"{\"a\":",
        b"{\"a\":1",
        b"{\"a\":1,",
        b"{\"a\":1,}",
        b"{,}",
        b"{a:1}",
        b"{'a':1}",
        b"{\"a\" 1}",
        b"{1:1}",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[}",
        b"{]",
        b"]",
        b"nul",
        b"nulll",
        b"True",
        b"NaN",
        b"Infinity",
        b"01",
        b"-01",
        b"+1",
        b"-",
        b"1.",
        b".5",
        b"1e",
        b"1e+",
        b"0x1",
        b"1_0",
        b"1e309",
        b"[-1E+999]",
        b"\"",
        b"\"\\",
        b"\"\\x\"",
        b"\"\\u12\"",
        b"\"\\u12g4\"",
        b"\"\n\"",
        b"\"\t\"",
        b"\xff",
        b"{\"a\":1\xff}",
        b"// x\n{}",
    ] {
        assert_eq!(read(json), None, "{}", String::from_utf8_lossy(json));
    }
}

#[test]
fn ten_thousand_levels_are_read_and_no_more() {
    let deep = |levels: usize, inner: &str| {
        format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes()
    };
    assert!(Json::read(&deep(10_000, "")).is_ok());
    assert!(Json::read(&deep(10_001, "")).is_err());
    assert!(Json::read(&"[".repeat(4_000_000).into_bytes()).is_err());
    // Sorting, copying, writing and dropping do not recurse either.
    let objects = format!("{}1{}", r#"{"b":0,"a":"#.repeat(10_000), "}".repeat(10_000));
    let json = Json::read(objects.as_bytes()).unwrap();
    assert!(json.value().to_json().to_string().ends_with(r#","b":0},"b":0}"#));
}

#[test]
fn a_large_value_takes_memory_in_proportion() {
    let wide = format!("[{}0]", "0,".repeat(500_000));
    let json = Json::read(wide.as_bytes()).unwrap();
    assert!(json.weight() <= 17 * 500_010, "{}", json.weight());
    assert_eq!(json.value().events().filter(|event| *event == JsonEvent::End).count(), 1);
    assert_eq!(json.value().elements().last().map(|last| last.kind()), Some(JsonKind::Number(0.0)));
}

proptest! {
    /// Without lone surrogates and bytes that are not UTF-8, the reader can be compared with other
    /// parsers.
    #[test]
    fn another_reader_reads_the_same(text in "[\\[\\]{},:\"a0-9.eE+\\- \\\\ntu]{0,12}") {
        let other = serde_json::from_str::<serde_json::Value>(&text);
        let own = Json::read(text.as_bytes());
        // That parser refuses halves of surrogate pairs; this alphabet contains them only as \u.
        prop_assert_eq!(own.is_ok(), other.is_ok(), "{}", text);
    }

    #[test]
    fn what_is_written_is_read_again(text in "\\PC{0,40}", number in any::<f64>()) {
        let json = serde_json::json!({"t": text.clone(), text: [number, {"b": 1, "a": [[], {}]}]});
        let read = Json::read(json.to_string().as_bytes()).unwrap();
        let again = Json::read(read.to_string().as_bytes()).unwrap();
        prop_assert_eq!(read.to_string(), again.to_string());
        let parsed: serde_json::Value = serde_json::from_str(&read.to_string()).unwrap();
        prop_assert_eq!(parsed["t"].as_str(), json["t"].as_str());
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Json::read(&bytes);
        let quoted = [b"{\"k\":\"", bytes.as_slice(), b"\"}"].concat();
        if let Ok(json) = Json::read(&quoted) {
            prop_assert!(json.value().is_object());
        }
    }
}
