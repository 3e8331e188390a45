//! Names of fields: parts with dots between them, a dot within a part after a backslash. CouchDB:
//! `mango_util:parse_field`, `mango_doc:get_field`.
//!
//! Invariant: `_id` is the key of the document, whatever its value holds under that name.

use serde_json::Value;

use crate::ledger::rich::error::QueryError;

/// The field that is the document's key.
const ID: &str = "_id";

/// Where a value is in a document. Without parts: the document itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path {
    parts: Vec<String>,
}

/// A value and its key, as CouchDB sees the two.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    /// None within a document.
    pub(super) key: Option<&'a str>,
    pub(super) value: &'a Value,
}

/// What is at a path.
pub(super) enum Found<'a> {
    Value(&'a Value),
    Key(&'a str),
    /// An object on the way has no such member.
    Missing,
    /// The way leads through something that has no members.
    BadPath,
}

impl Path {
    /// Reads a name.
    ///
    /// Errors: a part is empty.
    pub(super) fn parse(name: &str) -> Result<Self, QueryError> {
        let (mut parts, mut part, mut chars) = (Vec::new(), String::new(), name.chars());
        while let Some(c) = chars.next() {
            match c {
                '.' => parts.push(std::mem::take(&mut part)),
                '\\' => part.extend(chars.next()),
                c => part.push(c),
            }
        }
        parts.push(part);
        if parts.iter().any(String::is_empty) {
            let reason = format!("Invalid field name: {name:?} has an empty part");
            return Err(QueryError::refused("invalid_field_name", reason));
        }
        Ok(Self { parts })
    }

    /// This path and a name below it.
    pub(super) fn join(&self, name: &str) -> Result<Self, QueryError> {
        let below = Self::parse(name)?;
        Ok(Self { parts: [self.parts.as_slice(), &below.parts].concat() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether this is the document's key.
    pub(super) fn is_id(&self) -> bool {
        matches!(self.parts.as_slice(), [only] if only == ID)
    }

    pub(super) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// What a document has there. A number is an index where the way leads through an array.
    pub(super) fn find<'a>(&self, document: Document<'a>) -> Found<'a> {
        if let (true, Some(key)) = (self.is_id(), document.key) {
            return Found::Key(key);
        }
        let mut value = document.value;
        for part in &self.parts {
            let next = match value {
                Value::Object(members) => match members.get(part) {
                    None => return Found::Missing,
                    found => found,
                },
                Value::Array(elements) => {
                    part.parse::<usize>().ok().and_then(|index| elements.get(index))
                }
                _ => None,
            };
            let Some(next) = next else { return Found::BadPath };
            value = next;
        }
        Found::Value(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_divide_unless_they_are_escaped() {
        for (name, parts) in [
            ("ab", &["ab"][..]),
            ("a.b.c", &["a", "b", "c"]),
            (r"a\.b", &["a.b"]),
            (r"a.b\.c", &["a", "b.c"]),
            (r"a\\b", &[r"a\b"]),
        ] {
            assert_eq!(Path::parse(name).unwrap().parts(), parts, "{name}");
        }
        for name in ["", ".", "a..b", ".a", "a."] {
            assert!(Path::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn ways_lead_through_objects_and_arrays() {
        let value = serde_json::json!({"a": {"b": [1, {"c": null}]}, "s": "x", "_id": "no"});
        let document = Document { key: Some("k"), value: &value };
        let text = |name: &str| match Path::parse(name).unwrap().find(document) {
            Found::Value(value) => value.to_string(),
            Found::Key(key) => format!("key {key}"),
            Found::Missing => "missing".into(),
            Found::BadPath => "bad path".into(),
        };
        for (name, found) in [
            ("a.b.0", "1"),
            ("a.b.1.c", "null"),
            ("a.x", "missing"),
            ("x.y.z", "missing"),
            ("a.b.2", "bad path"),
            ("a.b.x", "bad path"),
            ("s.x", "bad path"),
            ("_id", "key k"),
        ] {
            assert_eq!(text(name), found, "{name}");
        }
    }
}
