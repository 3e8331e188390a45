//! CouchDB's order of JSON values: null, false, true, numbers, strings, arrays, objects.
//!
//! Strings are ordered by their bytes, not by a locale: an endorsement must not depend on the
//! version of a character table. Numbers are compared as doubles, as on a Fabric peer, which
//! converts values to Go's `float64` before it sends them to CouchDB.
//!
//! Invariant: `encode` keeps the order of `compare`. Values that differ only beyond its limit have
//! equal encodings.

use std::cmp::Ordering;

use crate::json::{JsonEvent, JsonKind, Value};

/// Length at which an encoded value is cut, in bytes.
pub(crate) const MAX_ENCODED: usize = 512;

/// Lower than every tag, so that shorter arrays and objects come first.
const END: u8 = 0;
const NULL: u8 = 2;
const FALSE: u8 = 3;
const TRUE: u8 = 4;
const NUMBER: u8 = 5;
const STRING: u8 = 6;
const ARRAY: u8 = 7;
const OBJECT: u8 = 8;
/// Bytes of a number with its tag. If fewer are left, no further part is encoded.
const WIDEST: usize = 9;

/// Compares two values.
pub(crate) fn compare(a: Value<'_>, b: Value<'_>) -> Ordering {
    // Both are walked in parallel while they are equal; the one that ends first is less.
    let mut orders = a.events().zip(b.events()).map(|(a, b)| compare_events(a, b));
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare_events(a: JsonEvent<'_>, b: JsonEvent<'_>) -> Ordering {
    match (a, b) {
        (JsonEvent::Value(JsonKind::Number(a)), JsonEvent::Value(JsonKind::Number(b))) => {
            // JSON has no NaN.
            a.partial_cmp(&b).unwrap_or(Ordering::Equal)
        }
        (JsonEvent::Value(JsonKind::Text(a)), JsonEvent::Value(JsonKind::Text(b))) => a.cmp(b),
        _ => tag(a).cmp(&tag(b)),
    }
}

/// Appends the encoding of a value. No encoding is a prefix of another.
pub(crate) fn encode(value: Value<'_>, out: &mut Vec<u8>) {
    let limit = out.len() + MAX_ENCODED;
    let mut open = 0_usize;
    for event in value.events() {
        if event == JsonEvent::End {
            open = open.saturating_sub(1);
        } else if open > 0 && out.len() + WIDEST > limit {
            // Close all open arrays and objects.
            out.extend(std::iter::repeat_n(END, open));
            return;
        }
        out.push(tag(event));
        match event {
            JsonEvent::Value(JsonKind::Number(number)) => {
                // Negative zero becomes zero.
                let bits = (number + 0.0).to_bits();
                // Negative numbers come first, in reverse order of their bits.
                let flip = if bits >> 63 == 1 { u64::MAX } else { 1 << 63 };
                out.extend_from_slice(&(bits ^ flip).to_be_bytes());
            }
            JsonEvent::Value(JsonKind::Text(text)) => push_text(text, limit, out),
            JsonEvent::Value(JsonKind::Array | JsonKind::Object) => open += 1,
            JsonEvent::Value(JsonKind::Null | JsonKind::Boolean(_)) | JsonEvent::End => {}
        }
    }
}

/// As `encode`, for a string.
pub(crate) fn encode_text(text: &str, out: &mut Vec<u8>) {
    let limit = out.len() + MAX_ENCODED;
    out.push(STRING);
    push_text(text, limit, out);
}

/// The common prefix of the encodings of all strings that begin with `text`.
pub(crate) fn encode_beginning(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_text(text, &mut bytes);
    // The two bytes that end a string.
    bytes.truncate(bytes.len() - 2);
    bytes
}

/// Returns the length of the encoded value at the beginning of `bytes`.
pub(crate) fn encoded_len(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut open) = (0, Vec::new());
    loop {
        let tag = *bytes.get(at)?;
        at += 1;
        match tag {
            END => {
                open.pop()?;
            }
            NULL | FALSE | TRUE => {}
            NUMBER => at += 8,
            STRING => at += text_len(bytes.get(at..)?)?,
            ARRAY | OBJECT => open.push(tag),
            _ => return None,
        }
        if open.is_empty() {
            return (at <= bytes.len()).then_some(at);
        }
    }
}

/// Appends a string. Each zero byte is followed by 0xff, so that two zeros end a string.
fn push_text(text: &str, limit: usize, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if out.len() >= limit {
            break;
        }
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn text_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += 1 + bytes.get(at..)?.iter().position(|byte| *byte == 0)?;
        let next = bytes.get(at)?;
        at += 1;
        if *next == 0 {
            return Some(at);
        }
    }
}

fn tag(event: JsonEvent<'_>) -> u8 {
    match event {
        JsonEvent::End => END,
        JsonEvent::Value(JsonKind::Null) => NULL,
        JsonEvent::Value(JsonKind::Boolean(false)) => FALSE,
        JsonEvent::Value(JsonKind::Boolean(true)) => TRUE,
        JsonEvent::Value(JsonKind::Number(_)) => NUMBER,
        JsonEvent::Value(JsonKind::Text(_)) => STRING,
        JsonEvent::Value(JsonKind::Array) => ARRAY,
        JsonEvent::Value(JsonKind::Object) => OBJECT,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::Json;

    fn own(value: &Value) -> Json {
        Json::read(value.to_string().as_bytes()).unwrap()
    }

    fn compare(a: &Value, b: &Value) -> Ordering {
        super::compare(own(a).value(), own(b).value())
    }

    fn encoded(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(own(value).value(), &mut bytes);
        bytes
    }

    #[test]
    fn types_have_couchdbs_order() {
        let ordered = [
            json!(null),
            json!(false),
            json!(true),
            json!(-1e300),
            json!(-2.5),
            json!(-1),
            json!(0),
            json!(1e-7),
            json!(1),
            json!(1.5),
            json!(9_007_199_254_740_992_u64),
            json!(1e300),
            json!(""),
            json!("\0"),
            json!("A"),
            json!("a"),
            json!("a\0"),
            json!("a\0b"),
            json!("aa"),
            json!("b"),
            json!("é"),
            json!([]),
            json!([null]),
            json!([1]),
            json!([1, 2]),
            json!([2]),
            json!(["a"]),
            json!([[]]),
            json!({}),
            json!({"a": 1}),
            json!({"a": 1, "b": 0}),
            json!({"a": 2}),
            json!({"b": 0}),
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} {b}");
                assert_eq!(encoded(a).cmp(&encoded(b)), i.cmp(&j), "{a} {b}");
            }
            assert_eq!(encoded_len(&[encoded(a), vec![7; 20]].concat()), Some(encoded(a).len()));
        }
        assert_eq!(compare(&json!(1), &json!(1.0)), Ordering::Equal);
        assert_eq!(encoded(&json!(-0.0)), encoded(&json!(0)));
    }

    #[test]
    fn depth_costs_no_stack_and_few_bytes() {
        let deep = |inner: &str| {
            let text = format!("{}{inner}{}", "[".repeat(9_999), "]".repeat(9_999));
            Json::read(text.as_bytes()).unwrap()
        };
        let (a, b) = (deep("1"), deep("2"));
        assert_eq!(super::compare(a.value(), b.value()), Ordering::Less);
        assert_eq!(super::compare(a.value(), a.clone().value()), Ordering::Equal);
        let mut bytes = Vec::new();
        encode(a.value(), &mut bytes);
        assert_eq!(encoded_len(&bytes), Some(bytes.len()));
        assert!(bytes.len() <= 2 * MAX_ENCODED);
    }

    fn values() -> impl Strategy<Value = Value> {
        let long = prop_oneof!["[a\\x00]{0,4}", "a{500,520}[ab]{0,3}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3_i64..3).prop_map(Value::from),
            (-2.0..2.0).prop_map(Value::from),
            long.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 200, 60, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..60).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{0,2}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn encoding_keeps_the_order(a in values(), b in values()) {
            let (x, y) = (encoded(&a), encoded(&b));
            if compare(&a, &b).is_le() {
                prop_assert!(x <= y, "{a} {b}");
            }
            prop_assert_eq!(encoded_len(&x), Some(x.len()));
            prop_assert!(x.len() < MAX_ENCODED + 64, "{}", x.len());
            prop_assert!(!y.starts_with(&x) || x == y);
        }
    }
}
