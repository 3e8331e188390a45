//! The `fields` of a query: the parts of a document that are returned.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::field::Found;
use super::refusal::{Parsed, refused, shown};
use super::{field, numbers};
use crate::error::Refusal;

/// The requested fields, as a tree of their parts.
#[derive(Default)]
pub(super) struct Projection {
    /// The parts below this one. Empty: the whole value, or at the top no fields.
    parts: BTreeMap<String, Projection>,
}

impl Projection {
    pub(super) fn parse(fields: &Value) -> Parsed<Self> {
        let Value::Array(fields) = fields else {
            let words = "fields definition must be an array";
            return Err(Refusal::InvalidArgument(words.to_owned()));
        };
        let mut projection = Self::default();
        for field in fields {
            let Value::String(name) = field else {
                let reason = format!("Invalid JSON for field spec: {}", shown(field));
                return Err(refused("invalid_field", &reason));
            };
            let path = field::path(&[], name)?;
            // The key and CouchDB's own members are never part of a value.
            if path.first().is_some_and(|name| !name.starts_with('_')) {
                projection.add(&path);
            }
        }
        Ok(projection)
    }

    /// Adds a field. If one field contains the other, the outer one is returned whole.
    fn add(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else { return };
        let is_new = !self.parts.contains_key(first);
        let below = self.parts.entry(first.clone()).or_default();
        match rest {
            [] => below.parts.clear(),
            rest if is_new || !below.parts.is_empty() => below.add(rest),
            _ => {}
        }
    }

    /// Returns the bytes of a document's requested parts.
    pub(super) fn apply(&self, document: &Value) -> Vec<u8> {
        numbers::write(&Value::Object(self.object(document)), true)
    }

    fn object(&self, value: &Value) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, below) in &self.parts {
            let Found::Value(found) = field::step(value, name) else { continue };
            let part = match below.parts.is_empty() {
                true => found.clone(),
                false => match below.object(found) {
                    empty if empty.is_empty() => continue,
                    inner => Value::Object(inner),
                },
            };
            object.insert(name.clone(), part);
        }
        object
    }
}
