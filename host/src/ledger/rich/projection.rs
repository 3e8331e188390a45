//! The `fields` of a query: what of a document comes back, and in which bytes.
//!
//! Without `fields` the value comes as it was written. With them it is made anew, with the names
//! sorted and the letters `<`, `>` and `&` escaped, as Go's `json.Marshal` does it for Fabric's
//! peer.
//!
//! Invariant: the key and what CouchDB keeps for itself are never part of a value.

use serde_json::Map;
use serde_json::Value;

use crate::ledger::rich::error::QueryError;
use crate::ledger::rich::field::Document;
use crate::ledger::rich::field::Found;
use crate::ledger::rich::field::Path;

/// The fields that are wanted.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    paths: Vec<Path>,
}

impl Projection {
    /// Reads `fields`.
    pub(super) fn parse(fields: &Value) -> Result<Self, QueryError> {
        let Value::Array(fields) = fields else { return Err(QueryError::Fields) };
        let path = |field: &Value| match field {
            Value::String(name) => Path::parse(name),
            other => {
                let reason = format!("Invalid JSON for field spec: {other}");
                Err(QueryError::refused("invalid_field", reason))
            }
        };
        Ok(Self { paths: fields.iter().map(path).collect::<Result<_, _>>()? })
    }

    /// The value that comes back of a document.
    pub(super) fn apply(&self, document: &Value) -> Vec<u8> {
        let mut kept = Map::new();
        for path in &self.paths {
            let own = path.parts().first().is_some_and(|name| name.starts_with('_'));
            let found = path.find(Document { key: None, value: document });
            if let (false, Found::Value(value)) = (own, found) {
                set(&mut kept, path.parts(), value);
            }
        }
        let text = Value::Object(kept).to_string();
        let escapes = [
            ("<", "\\u003c"),
            (">", "\\u003e"),
            ("&", "\\u0026"),
            ("\u{2028}", "\\u2028"),
            ("\u{2029}", "\\u2029"),
        ];
        // These letters occur in strings only.
        escapes.iter().fold(text, |text, (from, to)| text.replace(from, to)).into_bytes()
    }
}

fn set(object: &mut Map<String, Value>, parts: &[String], value: &Value) {
    match parts {
        [] => {}
        [last] => {
            object.insert(last.clone(), plain_numbers(value));
        }
        [first, rest @ ..] => {
            let inner = object.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            // CouchDB leaves alone what an earlier field put here, unless it is an object.
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// Numbers without fraction are written without one.
fn plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() < 9.0e18 => {
                Value::from(double as i64)
            }
            _ => value.clone(),
        },
        Value::Array(elements) => elements.iter().map(plain_numbers).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), plain_numbers(value)));
            Value::Object(members.collect())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_fields_come_back() {
        let document = json!({
            "owner": "Tom & <Jerry>", "size": 5.0, "at": {"x": 1, "y": [7, {"z": 1e-7}]}, "_id": 1
        });
        for (fields, value) in [
            (json!(["size", "owner"]), r#"{"owner":"Tom \u0026 \u003cJerry\u003e","size":5}"#),
            (json!(["at.x", "at.y.1.z"]), r#"{"at":{"x":1,"y":{"1":{"z":1e-7}}}}"#),
            (json!(["at", "at.x"]), r#"{"at":{"x":1,"y":[7,{"z":1e-7}]}}"#),
            (json!(["nothing", "size.x", "_id"]), "{}"),
            (json!([]), "{}"),
        ] {
            let projected = Projection::parse(&fields).unwrap().apply(&document);
            assert_eq!(String::from_utf8(projected).unwrap(), value, "{fields}");
        }
        assert_eq!(Projection::parse(&json!("a")).unwrap_err(), QueryError::Fields);
        assert!(Projection::parse(&json!([1])).unwrap_err().to_string().contains("invalid_field"));
    }
}
