//! Names of fields: parts separated by dots; a backslash escapes a dot. CouchDB:
//! `mango_util:parse_field`, `mango_doc:get_field`.
//!
//! Invariant: `_id` is the key of the document, even if the value has a member of that name.

use std::sync::Arc;

use crate::error::QueryError;
use crate::json::{JsonKind, Value, shorten};
use crate::rich::work::{QueryWork, STEP};
use wasmcc_types::Exhausted;

/// The field that is the document's key.
const ID: &str = "_id";
/// Limit on the parts of a name, including those of the selectors around it.
const MAX_PARTS: usize = 64;
/// Limit on the bytes of such a name.
const MAX_BYTES: usize = 1024;

/// The path to a value in a document. Without parts: the document itself. Copies share the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path {
    parts: Arc<[Arc<str>]>,
}

/// A value with its key, as in CouchDB.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a> {
    /// None for a part of a document.
    pub(crate) key: Option<&'a str>,
    pub(crate) value: Value<'a>,
}

/// The value at a path.
pub(crate) enum FoundValue<'a> {
    Value(Value<'a>),
    Key(&'a str),
    /// An object on the path has no such member.
    Missing,
    /// The path leads through a value without members.
    BadPath,
}

impl Path {
    /// Parses a name.
    ///
    /// Errors: a part is empty, there are too many parts, or the name is too long.
    pub(crate) fn parse(name: &str) -> Result<Self, QueryError> {
        Self::default().join(name)
    }

    /// This path, followed by a name.
    pub(crate) fn join(&self, name: &str) -> Result<Self, QueryError> {
        let bytes = self.parts.iter().map(|part| part.len()).sum::<usize>() + name.len();
        if bytes > MAX_BYTES {
            return Err(QueryError::too_many(bytes, MAX_BYTES, "bytes in the name of a field"));
        }
        let (mut parts, mut part, mut chars) = (self.parts.to_vec(), String::new(), name.chars());
        while let Some(c) = chars.next() {
            match c {
                '.' => parts.push(std::mem::take(&mut part).into()),
                '\\' => part.extend(chars.next()),
                c => part.push(c),
            }
        }
        parts.push(part.into());
        if parts.iter().any(|part| part.is_empty()) {
            let reason = format!("Invalid field name: {:?} has an empty part", shorten(name));
            return Err(QueryError::refused("invalid_field_name", reason));
        }
        if parts.len() > MAX_PARTS {
            let what = "parts in the name of a field";
            return Err(QueryError::too_many(parts.len(), MAX_PARTS, what));
        }
        Ok(Self { parts: parts.into() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// True for the document's key.
    pub(crate) fn is_id(&self) -> bool {
        matches!(&*self.parts, [only] if &**only == ID)
    }

    pub(crate) fn parts(&self) -> &[Arc<str>] {
        &self.parts
    }

    /// Returns a part; empty if there are fewer parts.
    pub(crate) fn part(&self, place: usize) -> &str {
        self.parts.get(place).map_or("", |part| part)
    }

    /// Finds the value at this path in a document. Where the path leads through an array, a number
    /// is an index.
    pub(crate) fn find<'a>(
        &self,
        document: Document<'a>,
        work: &mut QueryWork<'_>,
    ) -> Result<FoundValue<'a>, Exhausted> {
        if let (true, Some(key)) = (self.is_id(), document.key) {
            return Ok(FoundValue::Key(key));
        }
        let mut value = document.value;
        for part in &*self.parts {
            value = match step(value, part, work)? {
                FoundValue::Value(next) => next,
                nothing => return Ok(nothing),
            };
        }
        Ok(FoundValue::Value(value))
    }
}

/// Does one step: returns the part of a value that has this name.
pub(crate) fn step<'a>(
    value: Value<'a>,
    part: &str,
    work: &mut QueryWork<'_>,
) -> Result<FoundValue<'a>, Exhausted> {
    let mut passed = 0;
    let mut pass = || passed += STEP;
    let found = match value.kind() {
        JsonKind::Object => {
            let mut members = value.members().inspect(|_| pass());
            // Members are sorted.
            let member = members.find(|(name, _)| *name >= part);
            match member {
                Some((name, value)) if name == part => FoundValue::Value(value),
                _ => FoundValue::Missing,
            }
        }
        JsonKind::Array => {
            let index = part.parse::<usize>().ok();
            let element = index.and_then(|index| value.elements().inspect(|_| pass()).nth(index));
            element.map_or(FoundValue::BadPath, FoundValue::Value)
        }
        _ => FoundValue::BadPath,
    };
    work.spend(passed)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn dots_divide_unless_they_are_escaped() {
        for (name, parts) in [
            ("ab", &["ab"][..]),
            ("a.b.c", &["a", "b", "c"]),
            (r"a\.b", &["a.b"]),
            (r"a.b\.c", &["a", "b.c"]),
            (r"a\\b", &[r"a\b"]),
        ] {
            let path = Path::parse(name).unwrap();
            assert!(path.parts().iter().map(|part| &**part).eq(parts.iter().copied()), "{name}");
        }
        for name in ["", ".", "a..b", ".a", "a."] {
            assert!(Path::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_are_only_so_long() {
        let parts = |count: usize| vec!["a"; count].join(".");
        let nested = Path::parse(&parts(60)).unwrap();
        assert!(nested.join(&parts(4)).is_ok());
        let refused = nested.join(&parts(5)).unwrap_err().to_string();
        assert!(refused.contains("at most 64 parts in the name of a field, not 65"), "{refused}");
        assert!(Path::parse(&"a".repeat(1024)).is_ok());
        let refused = Path::parse(&"a".repeat(1025)).unwrap_err().to_string();
        assert!(
            refused.contains("at most 1024 bytes in the name of a field, not 1025"),
            "{refused}"
        );
        assert!(Path::parse(&parts(150_000)).is_err());
    }

    #[test]
    fn ways_lead_through_objects_and_arrays() {
        let value = br#"{"a": {"b": [1, {"c": null}]}, "s": "x", "_id": "no"}"#;
        let value = Json::read(value).unwrap();
        let document = Document { key: Some("k"), value: value.value() };
        let text = |name: &str| {
            let path = Path::parse(name).unwrap();
            match path.find(document, &mut QueryWork::of(None)).unwrap() {
                FoundValue::Value(value) => value.shown(),
                FoundValue::Key(key) => format!("key {key}"),
                FoundValue::Missing => "missing".into(),
                FoundValue::BadPath => "bad path".into(),
            }
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
