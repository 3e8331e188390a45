//! The `fields` of a query: the parts of a document that are returned, and their encoding.
//!
//! Without `fields`, the value is returned as it was written. With them it is encoded again, with
//! sorted names and with the characters `<`, `>` and `&` escaped, as Go's `json.Marshal` does for
//! Fabric's peer.
//!
//! Invariant: the key, and members that CouchDB reserves, are never part of a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::QueryError;
use crate::json::{Value, write_text};
use crate::rich::field::{FoundValue, Path, step};
use crate::rich::work::{DOCUMENT_BYTE, QueryWork};
use wasmcc_types::Exhausted;

/// Limit on the fields of one query.
const MAX_FIELDS: usize = 1_000;

/// The requested fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projection {
    /// The parts below this one. Empty: the whole value, or at the top nothing.
    parts: BTreeMap<Arc<str>, Projection>,
}

impl Projection {
    /// Parses `fields`.
    pub(crate) fn parse(fields: Value<'_>) -> Result<Self, QueryError> {
        if !fields.is_array() {
            return Err(QueryError::Fields);
        }
        let count = fields.elements().count();
        if count > MAX_FIELDS {
            return Err(QueryError::too_many(count, MAX_FIELDS, "fields to answer with"));
        }
        let mut projection = Self::default();
        for field in fields.elements() {
            let Some(name) = field.as_text() else {
                let reason = format!("Invalid JSON for field spec: {}", field.shown());
                return Err(QueryError::refused("invalid_field", reason));
            };
            let path = Path::parse(name)?;
            if path.parts().first().is_some_and(|name| !name.starts_with('_')) {
                projection.add(path.parts());
            }
        }
        Ok(projection)
    }

    /// Adds a field. If one field contains the other, the outer one is returned whole.
    fn add(&mut self, parts: &[Arc<str>]) {
        let mut place = self;
        for (depth, part) in parts.iter().enumerate() {
            let is_new = !place.parts.contains_key(part);
            let is_last = depth + 1 == parts.len();
            let below = place.parts.entry(Arc::clone(part)).or_default();
            match (is_new, is_last) {
                (_, true) => return below.parts.clear(),
                (false, _) if below.parts.is_empty() => return,
                _ => place = below,
            }
        }
    }

    /// Returns the value for a document.
    pub(crate) fn apply(
        &self,
        document: Value<'_>,
        work: &mut QueryWork<'_>,
    ) -> Result<Vec<u8>, Exhausted> {
        let mut text = String::new();
        self.write_object(document, &mut text, work)?;
        work.spend(DOCUMENT_BYTE * text.len() as u64)?;
        let escapes = [
            ("<", "\\u003c"),
            (">", "\\u003e"),
            ("&", "\\u0026"),
            ("\u{2028}", "\\u2028"),
            ("\u{2029}", "\\u2029"),
        ];
        // These characters occur only in strings.
        Ok(escapes.iter().fold(text, |text, (from, to)| text.replace(from, to)).into_bytes())
    }

    /// Appends an object of the requested parts. Returns true if it has any.
    fn write_object(
        &self,
        value: Value<'_>,
        out: &mut String,
        work: &mut QueryWork<'_>,
    ) -> Result<bool, Exhausted> {
        let start = out.len();
        out.push('{');
        for (name, below) in &self.parts {
            let FoundValue::Value(found) = step(value, name, work)? else { continue };
            let before = out.len();
            if before > start + 1 {
                out.push(',');
            }
            write_text(name, out);
            out.push(':');
            if below.parts.is_empty() {
                found.write(out);
            } else if !below.write_object(found, out, work)? {
                out.truncate(before);
            }
        }
        out.push('}');
        Ok(out.len() > start + 2)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::Json;

    fn own(value: &Value) -> Json {
        Json::read(value.to_string().as_bytes()).unwrap()
    }

    fn parse(fields: &Value) -> Result<Projection, QueryError> {
        Projection::parse(own(fields).value())
    }

    #[test]
    fn only_the_fields_come_back() {
        let document = json!({
            "owner": "Tom & <Jerry>", "size": 5.0, "at": {"x": 1, "y": [7, {"z": 1e-7}]}, "_id": 1
        });
        let (document, mut work) = (own(&document), QueryWork::of(None));
        for (fields, value) in [
            (json!(["size", "owner"]), r#"{"owner":"Tom \u0026 \u003cJerry\u003e","size":5}"#),
            (json!(["at.x", "at.y.1.z"]), r#"{"at":{"x":1,"y":{"1":{"z":1e-7}}}}"#),
            (json!(["at", "at.x"]), r#"{"at":{"x":1,"y":[7,{"z":1e-7}]}}"#),
            (json!(["at.x", "at"]), r#"{"at":{"x":1,"y":[7,{"z":1e-7}]}}"#),
            (json!(["at.nothing", "at.y.9", "size"]), r#"{"size":5}"#),
            (json!(["nothing", "size.x", "_id"]), "{}"),
            (json!([]), "{}"),
        ] {
            let projected = parse(&fields).unwrap().apply(document.value(), &mut work).unwrap();
            assert_eq!(String::from_utf8(projected).unwrap(), value, "{fields}");
        }
        assert_eq!(parse(&json!("a")).unwrap_err(), QueryError::Fields);
        assert!(parse(&json!([1])).unwrap_err().to_string().contains("invalid_field"));
        let many: Vec<_> = (0..1_001).map(|field| format!("f{field}")).collect();
        let refused = parse(&json!(many)).unwrap_err().to_string();
        assert!(refused.contains("at most 1000 fields to answer with, not 1001"), "{refused}");
    }

    #[test]
    fn numbers_come_as_couchdb_gives_them() {
        let numbers = "1.0,-0.0,1e2,9007199254740993,18446744073709551615,1e21,0.000001,2.5e-9";
        let expected = "1,0,100,9007199254740992,18446744073709552000,1e+21,0.000001,2.5e-9";
        let document = Json::read(format!(r#"{{"n":[{numbers}]}}"#).as_bytes()).unwrap();
        let projected =
            parse(&json!(["n"])).unwrap().apply(document.value(), &mut QueryWork::of(None));
        let expected = format!(r#"{{"n":[{expected}]}}"#);
        assert_eq!(String::from_utf8(projected.unwrap()).unwrap(), expected);
    }
}
