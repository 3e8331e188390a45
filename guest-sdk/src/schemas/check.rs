//! Whether JSON is what a schema says.
//!
//! serde has read the JSON before, so what it refuses is not asked for again: missing members,
//! integers that are out of range, `null` where there must be something.

use std::fmt;

use serde_json::Map;
use serde_json::Value;

use crate::data_type::begin_of;
use crate::schemas::Schemas;

/// Where JSON is not what its schema says.
#[derive(Debug)]
pub(crate) struct Mismatch {
    /// Members and indexes from the outside in.
    path: Vec<String>,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Unknown,
    Expected(&'static str),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.join(".");
        match &self.reason {
            Reason::Unknown => write!(f, "unknown member {path}"),
            Reason::Expected(what) if path.is_empty() => write!(f, "expected {what}"),
            Reason::Expected(what) => write!(f, "expected {what} as {path}"),
        }
    }
}

impl Mismatch {
    fn expected(what: &'static str) -> Self {
        Self { path: Vec::new(), reason: Reason::Expected(what) }
    }

    fn inside(mut self, part: String) -> Self {
        self.path.insert(0, part);
        self
    }

    /// Of several alternatives the one that fits best is the one to speak of.
    fn rank(&self) -> (bool, usize) {
        (matches!(self.reason, Reason::Unknown), self.path.len())
    }
}

impl Schemas {
    /// Whether a schema has rules that serde does not know.
    pub(crate) fn says_more_than_types(&self, schema: &Value) -> bool {
        let Value::Object(schema) = schema else { return false };
        let is_narrow = schema.contains_key("maximum")
            || schema.contains_key("enum")
            || schema.get("format").is_some_and(|format| format == "float");
        let inside = |key: &str| match schema.get(key) {
            Some(Value::Array(parts)) => parts.iter().any(|part| self.says_more_than_types(part)),
            Some(part) => self.says_more_than_types(part),
            None => false,
        };
        is_narrow
            || !self.components.is_empty()
            || inside("items")
            || inside("additionalProperties")
    }

    /// Compares `value` with a schema that may refer to the types that are known here.
    pub(crate) fn check(&self, schema: &Value, value: &Value) -> Result<(), Mismatch> {
        let Value::Object(schema) = self.resolve(schema) else { return Ok(()) };
        if value.is_null() {
            return Ok(());
        }
        if let Some(Value::Array(alternatives)) = schema.get("oneOf") {
            return self.check_any(alternatives, value);
        }
        match (type_of(schema), value) {
            ("object", Value::Object(members)) => self.check_members(schema, members),
            ("object", _) => Err(Mismatch::expected("an object")),
            ("array", Value::Array(elements)) => self.check_elements(schema, elements),
            ("array", _) => Err(Mismatch::expected("an array")),
            ("string", Value::String(_)) => match schema.get("enum") {
                Some(Value::Array(names)) if !names.contains(value) => {
                    Err(Mismatch::expected("another name"))
                }
                _ => Ok(()),
            },
            ("string", _) => Err(Mismatch::expected("a string")),
            ("number" | "integer", Value::Number(number)) => {
                check_range(schema, number.as_f64().unwrap_or_default())
            }
            ("number" | "integer", _) => Err(Mismatch::expected("a number")),
            ("boolean", Value::Bool(_)) => Ok(()),
            ("boolean", _) => Err(Mismatch::expected("true or false")),
            ("null", _) => Err(Mismatch::expected("nothing")),
            _ => Ok(()),
        }
    }

    fn check_any(&self, alternatives: &[Value], value: &Value) -> Result<(), Mismatch> {
        let mut best: Option<Mismatch> = None;
        for alternative in alternatives {
            let Err(mismatch) = self.check(alternative, value) else { return Ok(()) };
            if best.as_ref().is_none_or(|best| mismatch.rank() > best.rank()) {
                best = Some(mismatch);
            }
        }
        best.map_or(Ok(()), Err)
    }

    fn check_members(
        &self,
        schema: &Map<String, Value>,
        members: &Map<String, Value>,
    ) -> Result<(), Mismatch> {
        for (name, value) in members {
            let known = schema.get("properties").and_then(|properties| properties.get(name));
            let checked = match known.or_else(|| schema.get("additionalProperties")) {
                Some(Value::Bool(false)) => {
                    Err(Mismatch { path: Vec::new(), reason: Reason::Unknown })
                }
                Some(schema) => self.check(schema, value),
                None => Ok(()),
            };
            checked.map_err(|mismatch| mismatch.inside(begin_of(name, 32)))?;
        }
        Ok(())
    }

    fn check_elements(
        &self,
        schema: &Map<String, Value>,
        elements: &[Value],
    ) -> Result<(), Mismatch> {
        for (index, element) in elements.iter().enumerate() {
            let schema = match schema.get("items") {
                Some(Value::Array(parts)) => parts.get(index),
                items => items,
            };
            let checked = schema.map_or(Ok(()), |schema| self.check(schema, element));
            checked.map_err(|mismatch| mismatch.inside(index.to_string()))?;
        }
        Ok(())
    }
}

/// The type of a schema, `null` aside.
fn type_of(schema: &Map<String, Value>) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => names.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    }
}

/// serde makes infinity of what a smaller float cannot hold, and a native `usize` holds too much.
fn check_range(schema: &Map<String, Value>, number: f64) -> Result<(), Mismatch> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let is_float = schema.get("format").is_some_and(|format| format == "float");
    let fits = bound("minimum").is_none_or(|minimum| number >= minimum)
        && bound("maximum").is_none_or(|maximum| number <= maximum)
        && !(is_float && (number as f32).is_infinite());
    match fits {
        true => Ok(()),
        false => Err(Mismatch::expected("a number in range")),
    }
}
