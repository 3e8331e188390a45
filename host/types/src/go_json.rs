//! Reads JSON as Go's `encoding/json` reads it into a struct. Member names match in any case, and
//! of several members with the same name the last one counts. Null means an absent value, and
//! invalid UTF-8 becomes U+FFFD.
//!
//! Fabric reads its packages, connections and collections in this way.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a JSON text. `names` are the member names of the type and of all types in it.
pub fn from_slice<T: DeserializeOwned>(json: &[u8], names: &[&str]) -> serde_json::Result<T> {
    let text = String::from_utf8_lossy(json);
    let mut reader = serde_json::Deserializer::from_str(&text);
    let value = Folded(names).deserialize(&mut reader)?;
    reader.end()?;
    serde_json::from_value(value)
}

/// True if Go treats the names as equal. Go folds case by Unicode's rules, by which two letters
/// outside ASCII equal ASCII letters.
pub fn is_same_name(one: &str, other: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    one.chars().map(fold).eq(other.chars().map(fold))
}

/// Reads a value and replaces member names by the known names that they match.
#[derive(Clone, Copy)]
struct Folded<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Folded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Folded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = entries.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(written) = members.next_key::<String>()? {
            let known = self.0.iter().find(|name| is_same_name(name, &written));
            let name = known.map_or(written, |name| (*name).to_owned());
            match members.next_value_seed(self)? {
                Value::Null => {}
                value => drop(object.insert(name, value)),
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        label: String,
        block_to_live: u64,
        inner: Vec<Sample>,
    }

    fn read(json: &[u8]) -> serde_json::Result<Sample> {
        from_slice(json, &["label", "block_to_live", "inner"])
    }

    #[test]
    fn members_are_known_in_any_case() {
        let json =
            "{\"LABEL\": \"a\", \"Bloc\u{212a}_To_Live\": 3, \"Inner\": [{\"lAbel\": \"b\"}]}";
        let inner = vec![Sample { label: "b".into(), ..Sample::default() }];
        let expected = Sample { label: "a".into(), block_to_live: 3, inner };
        assert_eq!(read(json.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn the_last_of_several_members_counts_and_null_is_nothing() {
        let label = |json: &[u8]| read(json).unwrap().label;
        assert_eq!(label(br#"{"Label": "a", "label": "b"}"#), "b");
        assert_eq!(label(br#"{"label": "a", "LABEL": "b"}"#), "b");
        assert_eq!(label(br#"{"label": "a", "LABEL": null}"#), "a");
        assert_eq!(label(br#"{"label": null}"#), "");
        assert_eq!(label(b"{\"label\": \"\xff\"}"), "\u{fffd}");
    }

    #[test]
    fn what_is_no_json_or_of_another_type_is_refused() {
        for json in [&b"{"[..], b"{} x", b"{\"label\": 1}", b"{\"labels\": \"\"}", b"[1"] {
            assert!(read(json).is_err(), "{json:?}");
        }
    }
}
