//! Schemas of structs and of enums with data.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::DataType;
use crate::schemas::Schemas;

/// A struct whose members are described one by one. What the derive macro writes.
#[doc(hidden)]
#[derive(Default)]
pub struct Object {
    properties: Map<String, Value>,
    required: Vec<String>,
    /// What members without a description have; none: there are no such members.
    others: Option<Value>,
}

impl Object {
    /// One more member.
    pub fn member(mut self, name: &str, schema: Value, optional: bool, words: &str) -> Self {
        if !optional {
            self.required.push(name.to_owned());
        }
        self.properties.insert(name.to_owned(), described(schema, words));
        self
    }

    /// A member that always has this text: the tag of an enum.
    pub fn tag(self, name: &str, value: &str) -> Self {
        self.member(name, json!({ "type": "string", "enum": [value] }), false, "")
    }

    /// All members of another type, as `serde(flatten)` has them.
    pub fn flatten<T: DataType>(mut self, schemas: &mut Schemas) -> Self {
        let described = T::described(schemas);
        let Value::Object(mut schema) = schemas.resolve(&described).clone() else { return self };
        if let Some(Value::Object(properties)) = schema.remove("properties") {
            self.properties.extend(properties);
        }
        if let Some(Value::Array(required)) = schema.remove("required") {
            self.required.extend(required.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        match schema.remove("additionalProperties") {
            Some(Value::Bool(false)) => {}
            Some(others) => self.others = Some(others),
            // An enum has alternatives, whose members are not told one by one here.
            None => self.others = Some(json!(true)),
        }
        self
    }

    /// The finished schema.
    pub fn into_schema(self, words: &str) -> Value {
        let mut schema = json!({
            "type": "object",
            "properties": self.properties,
            "additionalProperties": self.others.unwrap_or(json!(false)),
        });
        if !self.required.is_empty() {
            schema["required"] = json!(self.required);
        }
        described(schema, words)
    }
}

/// One of several schemas. Fabric's own schema wants `properties` of every named type.
#[doc(hidden)]
pub fn one_of(alternatives: Vec<Value>, words: &str) -> Value {
    described(json!({ "properties": {}, "oneOf": alternatives }), words)
}

/// A list of these, in this order.
#[doc(hidden)]
pub fn tuple(parts: Vec<Value>) -> Value {
    let length = parts.len();
    json!({ "type": "array", "items": parts, "minItems": length, "maxItems": length })
}

/// A text out of these.
#[doc(hidden)]
pub fn names(names: &[&str], words: &str) -> Value {
    described(json!({ "type": "string", "enum": names }), words)
}

fn described(mut schema: Value, words: &str) -> Value {
    if !words.is_empty() {
        schema["description"] = json!(words);
    }
    schema
}
